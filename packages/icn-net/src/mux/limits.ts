import type { HandshakeLimits } from '../admission.js';

/**
 * Every bound and interval of a transport over byte streams, among them TLS over TCP. Units are in the names; each default names its reason. What a stranger can
 * cost is bounded by the first six, what a proven peer can cost by `connectionWindowBytes`, `peerStreamsMax` and
 * `outputBytesMax`.
 */
export interface MuxLimits extends HandshakeLimits {
  /** Inbound handshakes under way; further ones are closed and may try again. 64: as over QUIC. */
  readonly handshakesMax: number;
  /** The same per source, an IPv4 address or an IPv6 /64. 8: the number of the Rust original, and TCP has shown the address. */
  readonly handshakesPerSourceMax: number;
  /** Handshakes that one source may begin at once. 1,000: as over QUIC. */
  readonly handshakesPerSourceBurst: number;
  /** The same a second, for ever. 100: as over QUIC. */
  readonly handshakesPerSourceRate: number;
  /** How long a handshake keeps its place when all are taken and somebody new comes. 2 s: as over QUIC. */
  readonly handshakePatienceMs: number;
  /** From the first packet to both sides proven, both for dialling and accepting. 10 s: as over QUIC; a lost SYN costs 1 s, two 3 s (RFC 6298 §2.1). */
  readonly handshakeTimeoutMs: number;
  /** Proven connections of the whole transport; further ones are refused with `too-many`. 1,024: as over QUIC. */
  readonly connectionsMax: number;
  /** Proven connections that wait for the listener's consumer; further ones are refused with `too-many`. Guess. */
  readonly acceptQueueMax: number;
  /** Streams that one peer may have open. 128: as over QUIC. */
  readonly peerStreamsMax: number;
  /** What a peer may send on one stream before anybody reads. 256 KiB: as over QUIC; it grows for streams that are read. */
  readonly streamWindowBytes: number;
  /** How far the window of a stream grows that is read as fast as it fills. 4 MiB: as over QUIC, 300 Mbit/s at 100 ms. */
  readonly streamWindowBytesMax: number;
  /** What a peer may send on all streams together before anybody reads. 16 MiB: windows grow by half of it all together, so that 31 streams that nobody reads leave room for others whatever has grown. */
  readonly connectionWindowBytes: number;
  /** Bytes handed to the socket that the system has not taken yet. 128 KiB: eight records of TLS; control streams wait behind no more than that and the buffers of the system. */
  readonly outputBytesMax: number;
  /** Silence after which a peer is given up. 30 s: as over QUIC. */
  readonly idleTimeoutMs: number;
  /** How often a peer is asked for a sign of life, and how far away it is. A third of the idle timeout, as over QUIC. */
  readonly keepAliveMs: number;
}

export const defaultMuxLimits: MuxLimits = {
  handshakesMax: 64,
  handshakesPerSourceMax: 8,
  handshakesPerSourceBurst: 1000,
  handshakesPerSourceRate: 100,
  handshakePatienceMs: 2_000,
  handshakeTimeoutMs: 10_000,
  connectionsMax: 1024,
  acceptQueueMax: 64,
  peerStreamsMax: 128,
  streamWindowBytes: 256 * 1024,
  streamWindowBytesMax: 4 * 1024 * 1024,
  connectionWindowBytes: 16 * 1024 * 1024,
  outputBytesMax: 128 * 1024,
  idleTimeoutMs: 30_000,
  keepAliveMs: 10_000,
};
