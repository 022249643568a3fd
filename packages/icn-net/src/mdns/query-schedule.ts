/** RFC 6762 §5.2: the first questions follow each other after 1 s and 2 s, because one packet may get lost. */
const firstWaitsMs = [1_000, 2_000] as const;
/** Questions of two nodes that started together spread over so much of the wait. Guess. */
const spread = 0.2;
/** Questions that may be saved in a row, so that who was never heard of is asked for too. Guess. */
const savedMax = 2;

/** When to ask on one link who is there. */
export class QuerySchedule {
  readonly #intervalMs: number;
  readonly #random: () => number;
  #atMs: number;
  #askedCount = 0;
  #savedCount = 0;

  constructor(intervalMs: number, random: () => number, nowMs: number) {
    this.#intervalMs = intervalMs;
    this.#random = random;
    this.#atMs = nowMs;
  }

  /**
   * Whether to ask now. A question is saved where all that is known was heard since the last: somebody else has asked, and
   * everybody hears the answers; so a room of nodes asks about as often as one. `oldestMs` is when that was which was heard
   * the longest time ago.
   */
  take(nowMs: number, oldestMs: number | undefined): boolean {
    if (nowMs < this.#atMs) return false;
    const firstWaitMs = firstWaitsMs[this.#askedCount];
    const intervalMs = this.#intervalMs * (1 - spread * this.#random());
    this.#atMs = nowMs + (firstWaitMs ?? intervalMs);
    const isFresh = oldestMs !== undefined && nowMs - oldestMs < this.#intervalMs * (1 - spread);
    if (isFresh && firstWaitMs === undefined && this.#savedCount < savedMax) {
      this.#savedCount += 1;
      return false;
    }
    this.#savedCount = 0;
    this.#askedCount += 1;
    return true;
  }
}
