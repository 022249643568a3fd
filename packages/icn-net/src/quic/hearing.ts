import { performance } from 'node:perf_hooks';
import type { QuicLimits } from './limits.js';
import type { StreamTable } from './stream-table.js';

/**
 * Silence after which a peer is asked for a sign of life while a stream waits for room to write (RFC 9000 §4.1 wants
 * STREAM_DATA_BLOCKED then, which quiche does not repeat): a NAT may have changed our port, and then the room that the peer
 * gives goes nowhere until it hears from the new one. Guess.
 */
const blockedKeepAliveMs = 500;

/** What may be heard for a byte that streams carried: itself with headers and repeats, or acknowledgements of it. Guesses. */
const heardPerReadByte = 1.5;
const heardPerWrittenByte = 0.1;

/** What was heard of the peer, and when: whether it lives, and whether it says anything. */
export class Hearing {
  readonly #limits: QuicLimits;
  readonly #streams: StreamTable;
  #datagramCount = 0;
  #bytes = 0;
  /** When the peer was last heard, or asked for a sign of life. */
  #quietSinceMs = performance.now();

  constructor(limits: QuicLimits, streams: StreamTable) {
    this.#limits = limits;
    this.#streams = streams;
  }

  /** Whether the peer has said more than its first datagram. */
  get isInTalk(): boolean {
    return this.#datagramCount > 1;
  }

  get isHandshakeEndless(): boolean {
    return this.#bytes > this.#limits.handshakeBytesMax;
  }

  /** Whether more was heard than streams account for. */
  get isIdleTalk(): boolean {
    const { readBytes, writtenBytes } = this.#streams;
    const accountedBytes = heardPerReadByte * readBytes + heardPerWrittenByte * writtenBytes;
    return this.#bytes - accountedBytes > this.#limits.unaccountedBytesMax;
  }

  get keepAliveAtMs(): number {
    const { keepAliveMs } = this.#limits;
    const patienceMs = this.#streams.isBlocked ? Math.min(blockedKeepAliveMs, keepAliveMs) : keepAliveMs;
    return this.#quietSinceMs + patienceMs;
  }

  arrived(byteCount: number): void {
    this.#bytes += byteCount;
  }

  /** quiche has taken a datagram. */
  heard(): void {
    this.#datagramCount += 1;
    this.#quietSinceMs = performance.now();
  }

  /** The peer was asked for a sign of life. */
  asked(nowMs: number): void {
    this.#quietSinceMs = nowMs;
  }
}
