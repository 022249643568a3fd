import type { Transport } from '../transport.js';
import { createMuxTransport, type MuxTransportOptions } from '../mux/transport.js';
import { defaultMuxLimits, type MuxLimits } from '../mux/limits.js';
import { TlsCarrier } from './carrier.js';

export type TlsTransportOptions = MuxTransportOptions;
export type TlsLimits = MuxLimits;
export const defaultTlsLimits: TlsLimits = defaultMuxLimits;

/**
 * Transport over TLS 1.3 (RFC 8446) and TCP, with mutual proof by the identity keys, ALPN `icn-mux/1`: for machines without
 * the native QUIC binary, and networks that let no UDP through.
 */
export function createTlsTransport(options: TlsTransportOptions): Transport {
  return createMuxTransport(new TlsCarrier(options.keyPair), options);
}
