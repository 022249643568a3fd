import type { ConformanceFixture } from '../src/conformance/index.js';
import {
  MemoryNetwork,
  createMemoryTransport,
  createQuicTransport,
  createTlsTransport,
  defaultQuicLimits,
  defaultTlsLimits,
  type MemoryNetworkOptions,
  type QuicLimits,
  type TlsLimits,
} from '../src/index.js';
import { memoryWindowBytes } from '../src/memory/stream.js';

/** A port of the discard service, where nothing answers QUIC or TLS. */
const silentPort = 9;

export function quicFixture(limits: Partial<QuicLimits> = {}): ConformanceFixture {
  return {
    createTransport: (keyPair, policy) =>
      createQuicTransport({ keyPair, ...policy, limits: { handshakeTimeoutMs: 1000, ...limits } }),
    listen: { host: '127.0.0.1', port: 0 },
    nobody: { scheme: 'quic', host: '127.0.0.1', port: silentPort },
    windowBytes: defaultQuicLimits.streamWindowBytes,
    windowBytesMax: defaultQuicLimits.streamWindowBytesMax,
  };
}

export function tlsFixture(limits: Partial<TlsLimits> = {}): ConformanceFixture {
  return {
    createTransport: (keyPair, policy) =>
      createTlsTransport({ keyPair, ...policy, limits: { handshakeTimeoutMs: 1000, ...limits } }),
    listen: { host: '127.0.0.1', port: 0 },
    nobody: { scheme: 'tls', host: '127.0.0.1', port: silentPort },
    windowBytes: defaultTlsLimits.streamWindowBytes,
    windowBytesMax: defaultTlsLimits.streamWindowBytesMax,
  };
}

export function memoryFixture(options: MemoryNetworkOptions = {}): ConformanceFixture {
  const network = new MemoryNetwork(options);
  return {
    createTransport: (keyPair, policy) => createMemoryTransport({ keyPair, ...policy, network }),
    listen: { host: 'here', port: 0 },
    nobody: { scheme: 'memory', host: 'nowhere', port: 1 },
    windowBytes: memoryWindowBytes,
  };
}
