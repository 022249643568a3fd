import type { HandshakeLimits } from '../admission.js';

/**
 * Every bound and interval of the QUIC adapter. Units are in the names; each default names its reason. What a stranger
 * can cost is bounded by the first eight, what a proven peer can cost by `connectionsMax` times
 * `peerStreamsMax` times `streamWindowBytes`.
 */
export interface QuicLimits extends HandshakeLimits {
  /** Inbound handshakes under way; further ones are dropped and may try again. 64: the number of the Rust original. */
  readonly handshakesMax: number;
  /** The same per source, an IPv4 address or an IPv6 /64. 16: the 8 of the Rust original for those who have not shown their address (`unvalidatedShare`), and as many for those who have. */
  readonly handshakesPerSourceMax: number;
  /** Handshakes that one source may begin at once. 1,000: a hundred nodes behind one address that meet again ten times each. */
  readonly handshakesPerSourceBurst: number;
  /** The same a second, for ever. 100: at the measured 1.8 ms of processor each, closing included, a source takes a fifth of one core. */
  readonly handshakesPerSourceRate: number;
  /** The share of the four bounds above that is open to strangers whose address may be forged; beyond it they are asked by Retry whether they receive there. A half: guess. */
  readonly unvalidatedShare: number;
  /** How long a handshake keeps its place when all are taken and somebody new comes. 2 s: one lost packet and two round trips of half a second; guess. */
  readonly handshakePatienceMs: number;
  /** From the first datagram to both sides proven, both for dialling and accepting. 10 s: three losses in a row of QUIC's 1 s first probe (RFC 9002 §6.2.2: 1 + 2 + 4 s). */
  readonly handshakeTimeoutMs: number;
  /** What a peer may send before both sides are proven; quiche 0.18 would keep any amount. 256 KiB: fifty times a handshake, so that what follows at once has room; 64 of them are 16 MiB. */
  readonly handshakeBytesMax: number;
  /** Proven connections of the whole transport; further ones are refused with `too-many`. 1,024 at the measured 59 KiB each is 60 MiB. */
  readonly connectionsMax: number;
  /** Proven connections that wait for the listener's consumer; further ones are refused with `too-many`. Guess. */
  readonly acceptQueueMax: number;
  /** Streams that one peer may have open. 128: a hundred short pulls at once, and room for the control streams. */
  readonly peerStreamsMax: number;
  /** What a peer may send on one stream before anybody reads. 256 KiB: 20 Mbit/s at 100 ms; it grows for streams that are read. */
  readonly streamWindowBytes: number;
  /** How far quiche may grow the window of a stream that is being read. 4 MiB: 300 Mbit/s at 100 ms. */
  readonly streamWindowBytesMax: number;
  /** The largest UDP payload that is sent before a larger one was seen to pass. 1,350 passes everywhere that QUIC passes (1,500-byte links under IPv6 and a tunnel). */
  readonly datagramBytes: number;
  /** The largest UDP payload that is tried. 16,336: what the loopback interface of macOS carries under IPv6; larger ones were not faster. */
  readonly datagramBytesMax: number;
  /** Silence after which a peer is given up. 30 s: the number of the Rust original. */
  readonly idleTimeoutMs: number;
  /** Silence after which a peer is asked for a sign of life. A third of the idle timeout, so that two may be lost. */
  readonly keepAliveMs: number;
  /** Connection ids that each side gives the other. 2: the least there may be (RFC 9000 §18.2); our peers keep theirs, one of another implementation takes the second with its next address and is given a new one. Each costs a route of about 100 bytes, and 10 µs. */
  readonly connectionIdsMax: number;
  /**
   * Bytes heard on one connection beyond what streams account for (one and a half of what was read of them, a tenth of what was
   * written), after which it is ended and dialled anew. quiche 0.18 keeps some of what carries nothing. 64 MiB: twice what may
   * wait unread on all streams.
   */
  readonly unaccountedBytesMax: number;
  /** The receive buffer asked of the kernel, which may give less. 4 MiB: at 35 MB/s a turn of 100 ms loses nothing. */
  readonly receiveBufferBytes: number;
}

export const defaultQuicLimits: QuicLimits = {
  handshakesMax: 64,
  handshakesPerSourceMax: 16,
  handshakesPerSourceBurst: 1000,
  handshakesPerSourceRate: 100,
  unvalidatedShare: 0.5,
  handshakePatienceMs: 2_000,
  handshakeTimeoutMs: 10_000,
  handshakeBytesMax: 256 * 1024,
  connectionsMax: 1024,
  acceptQueueMax: 64,
  peerStreamsMax: 128,
  streamWindowBytes: 256 * 1024,
  streamWindowBytesMax: 4 * 1024 * 1024,
  datagramBytes: 1350,
  datagramBytesMax: 16_336,
  idleTimeoutMs: 30_000,
  keepAliveMs: 10_000,
  connectionIdsMax: 2,
  unaccountedBytesMax: 64 * 1024 * 1024,
  receiveBufferBytes: 4 * 1024 * 1024,
};
