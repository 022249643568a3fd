import { describe, it } from '@jest/globals';
import { transportConformance } from '../src/conformance/index.js';
import { seededRandom, uniformLatency } from '../src/index.js';
import { memoryFixture, quicFixture, tlsFixture } from './fixtures.js';

describe('the QUIC adapter', () => {
  const fixture = () => ({ ...quicFixture(), shortStreamCount: 10_000 });
  for (const { name, run } of transportConformance) it(name, () => run(fixture()));
});

describe('the QUIC adapter on IPv6', () => {
  const fixture = { ...quicFixture(), listen: { host: '::1', port: 0 } };
  for (const { name, run } of transportConformance.slice(0, 3)) it(name, () => run(fixture));
});

describe('the TLS adapter', () => {
  for (const { name, run } of transportConformance) it(name, () => run(tlsFixture()));
});

describe('the TLS adapter on IPv6', () => {
  const fixture = { ...tlsFixture(), listen: { host: '::1', port: 0 } };
  for (const { name, run } of transportConformance.slice(0, 3)) it(name, () => run(fixture));
});

describe('the memory adapter', () => {
  for (const { name, run } of transportConformance) it(name, () => run(memoryFixture()));
});

describe('the memory adapter with a latency drawn at random', () => {
  const fixture = () => memoryFixture({ latencyMs: uniformLatency(0, 3, seededRandom(1)) });
  for (const { name, run } of transportConformance) it(name, () => run(fixture()));
});
