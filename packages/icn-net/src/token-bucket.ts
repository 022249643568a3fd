/** A rate, and what is let through above it for a moment. */
export interface BucketLimits {
  /** Taken at once after a long rest. */
  readonly burst: number;
  readonly perSecond: number;
}

/** Lets `burst` through at once and `perSecond` in the long run. Times are of one clock that does not go back. */
export class TokenBucket {
  readonly #limits: BucketLimits;
  #tokens: number;
  #atMs: number;

  constructor(limits: BucketLimits, nowMs: number) {
    this.#limits = limits;
    this.#tokens = limits.burst;
    this.#atMs = nowMs;
  }

  /** Takes `cost` tokens; false, and nothing is taken, where there are fewer. */
  take(nowMs: number, cost = 1): boolean {
    this.#fill(nowMs);
    if (this.#tokens < cost) return false;
    this.#tokens -= cost;
    return true;
  }

  /** Takes a token in any case; returns for how many milliseconds the taker is to wait for it. */
  takeLater(nowMs: number): number {
    this.#fill(nowMs);
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : (-this.#tokens * 1_000) / this.#limits.perSecond;
  }

  #fill(nowMs: number): void {
    const { burst, perSecond } = this.#limits;
    const gained = (Math.max(0, nowMs - this.#atMs) * perSecond) / 1_000;
    this.#tokens = Math.min(burst, this.#tokens + gained);
    this.#atMs = Math.max(this.#atMs, nowMs);
  }
}
