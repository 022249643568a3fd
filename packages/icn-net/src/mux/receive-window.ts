/** What the windows of a connection may grow by, all together. */
export interface GrowthBudget {
  leftBytes: number;
}

export interface ReceiveWindowOptions {
  /** At first, which both sides know. */
  readonly bytes: number;
  /** How far it grows. */
  readonly bytesMax: number;
  /** Shared with the other windows of the connection. */
  readonly budget: GrowthBudget;
  /** Between this side and the peer, once it is known. */
  readonly roundTripMs: () => number | undefined;
}

/** A window of which half comes and is read within so many round trips is what holds the sender up. As in the autotuning of QUIC stacks. */
const roundTripsOfUse = 2;

/**
 * What the peer may send on a stream before anybody reads. It doubles while half of it comes, and is read, within two round
 * trips: then it is the window that limits the rate, not the reader.
 */
export class ReceiveWindow {
  readonly #options: ReceiveWindowOptions;
  #bytes: number;
  /** What the peer may still send, and what it could be allowed in addition. */
  #roomBytes: number;
  #creditBytes = 0;
  /** Since room was given last. */
  #arrivedBytes = 0;
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
    this.#arrivedBytes += byteCount;
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
    const grownBytes = this.#isLimiting(nowMs) ? this.#grow() : 0;
    const givenBytes = this.#creditBytes + grownBytes;
    this.#roomBytes += givenBytes;
    this.#creditBytes = 0;
    this.#arrivedBytes = 0;
    this.#givenAtMs = nowMs;
    return givenBytes;
  }

  /** The stream is over: others may grow instead. Idempotent. */
  release(): void {
    const { bytes, budget } = this.#options;
    budget.leftBytes += this.#bytes - bytes;
    this.#bytes = bytes;
  }

  #isLimiting(nowMs: number): boolean {
    const roundTripMs = this.#options.roundTripMs();
    return (
      roundTripMs !== undefined &&
      this.#arrivedBytes * 2 >= this.#bytes &&
      nowMs - this.#givenAtMs <= roundTripsOfUse * roundTripMs
    );
  }

  #grow(): number {
    const { bytesMax, budget } = this.#options;
    const grownBytes = Math.max(0, Math.min(this.#bytes, bytesMax - this.#bytes, budget.leftBytes));
    budget.leftBytes -= grownBytes;
    this.#bytes += grownBytes;
    return grownBytes;
  }
}
