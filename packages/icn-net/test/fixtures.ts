import type { ConformanceFixture } from '../src/conformance/index.js';
import {
  MemoryNetwork,
  createMemoryTransport,
  createQuicTransport,
  createTlsTransport,
  type MemoryNetworkOptions,
  type QuicLimits,
  type TlsLimits,
} from '../src/index.js';

/** A port of the discard service, where nothing answers QUIC or TLS. */
const silentPort = 9;

export function quicFixture(limits: Partial<QuicLimits> = {}): ConformanceFixture {
  return {
    createTransport: (keyPair) =>
      createQuicTransport({ keyPair, limits: { handshakeTimeoutMs: 1000, ...limits } }),
    listen: { host: '127.0.0.1', port: 0 },
    nobody: { scheme: 'quic', host: '127.0.0.1', port: silentPort },
  };
}

export function tlsFixture(limits: Partial<TlsLimits> = {}): ConformanceFixture {
  return {
    createTransport: (keyPair) =>
      createTlsTransport({ keyPair, limits: { handshakeTimeoutMs: 1000, ...limits } }),
    listen: { host: '127.0.0.1', port: 0 },
    nobody: { scheme: 'tls', host: '127.0.0.1', port: silentPort },
  };
}

export function memoryFixture(options: MemoryNetworkOptions = {}): ConformanceFixture {
  const network = new MemoryNetwork(options);
  return {
    createTransport: (keyPair) => createMemoryTransport({ keyPair, network }),
    listen: { host: 'here', port: 0 },
    nobody: { scheme: 'memory', host: 'nowhere', port: 1 },
  };
}
