export interface ReceiveWindowOptions {
  /** At first, which both sides know. */
  readonly bytes: number;
  /** How far it grows. */
  readonly bytesMax: number;
  /** Between this side and the peer, once it is known. */
  readonly roundTripMs: () => number | undefined;
}

/** A window that is used up within so many round trips is what holds the sender up. As in the autotuning of QUIC stacks. */
const roundTripsOfUse = 2;

/**
 * What the peer may send on a stream before anybody reads. It doubles while the reader takes half of it within two round trips:
 * then it is the window that limits the rate, not the reader.
 */
export class ReceiveWindow {
  readonly #options: ReceiveWindowOptions;
  #bytes: number;
  /** What the peer may still send, and what it could be allowed in addition. */
  #roomBytes: number;
  #creditBytes = 0;
  #givenAtMs: number;

  constructor(options: ReceiveWindowOptions, nowMs: number) {
    this.#options = options;
    this.#bytes = options.bytes;
    this.#roomBytes = options.bytes;
    this.#givenAtMs = nowMs;
  }

  /** Bytes came. Says whether the peer was allowed to send them. */
  arrived(byteCount: number): boolean {
    if (byteCount > this.#roomBytes) return false;
    this.#roomBytes -= byteCount;
    return true;
  }

  consumed(byteCount: number): void {
    this.#creditBytes += byteCount;
  }

  /** Whether there is room to give that is worth a frame. */
  get isRoomDue(): boolean {
    return this.#creditBytes * 2 >= this.#bytes;
  }

  /** The room to tell the peer of now. */
  give(nowMs: number): number {
    const { bytesMax, roundTripMs } = this.#options;
    const grownBytes = this.#isLimiting(nowMs, roundTripMs())
      ? Math.min(2 * this.#bytes, bytesMax)
      : this.#bytes;
    const givenBytes = this.#creditBytes + grownBytes - this.#bytes;
    this.#bytes = grownBytes;
    this.#roomBytes += givenBytes;
    this.#creditBytes = 0;
    this.#givenAtMs = nowMs;
    return givenBytes;
  }

  #isLimiting(nowMs: number, roundTripMs: number | undefined): boolean {
    return (
      this.#bytes < this.#options.bytesMax &&
      roundTripMs !== undefined &&
      nowMs - this.#givenAtMs <= roundTripsOfUse * roundTripMs
    );
  }
}
