/** Lets through a burst, and then so many a second. Starts full. */
export class TokenBucket {
  readonly #capacity: number;
  readonly #perSecond: number;
  #tokens: number;
  #filledAtMs: number;

  constructor(capacity: number, perSecond: number, nowMs: number) {
    this.#capacity = capacity;
    this.#perSecond = perSecond;
    this.#tokens = capacity;
    this.#filledAtMs = nowMs;
  }

  /** Takes `count` tokens if there is one; what costs more than there are is paid for afterwards. */
  take(count: number, nowMs: number): boolean {
    const refill = ((nowMs - this.#filledAtMs) * this.#perSecond) / 1_000;
    this.#tokens = Math.min(this.#capacity, this.#tokens + refill);
    this.#filledAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= count;
    return true;
  }

  /** Takes tokens for what was done already, whether there are any or not. */
  charge(count: number): void {
    this.#tokens -= count;
  }
}
