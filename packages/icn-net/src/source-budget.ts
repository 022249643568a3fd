/** How much work one source may cause. */
export interface SourceBudgetLimits {
  /** What a source may cause at once, after a while of calm. */
  readonly handshakesPerSourceBurst: number;
  /** What it may cause for ever, a second. */
  readonly handshakesPerSourceRate: number;
}

/** Sources that are remembered. 1,024 at about 100 bytes each; one that owes a single handshake is forgotten after 10 ms. */
const sourcesMax = 1024;

/**
 * A token bucket for each source, which outlives its connections: who reconnects for ever pays for each time. Of a bucket
 * only the time at which it is full again is kept (the generic cell rate algorithm, ITU-T I.371), and a full one is
 * forgotten. Where too many are not full, the fullest goes: what that forgives is the least that can be forgiven, so
 * that nobody gets rid of a debt by sending from many other sources.
 */
export class SourceBudget {
  readonly #costMs: number;
  readonly #burstMs: number;
  readonly #fullAtMs = new Map<string, number>();

  constructor({ handshakesPerSourceBurst, handshakesPerSourceRate }: SourceBudgetLimits) {
    this.#costMs = 1000 / handshakesPerSourceRate;
    this.#burstMs = handshakesPerSourceBurst * this.#costMs;
  }

  /** Sources that are not forgotten yet. */
  get sourceCount(): number {
    return this.#fullAtMs.size;
  }

  /** Whether one more handshake would leave at least `1 - share` of the bucket. */
  covers(source: string, nowMs: number, share = 1): boolean {
    return this.#debtMs(source, nowMs) + this.#costMs <= this.#burstMs * share;
  }

  /** Takes a handshake's worth; says whether there was so much. */
  spend(source: string, nowMs: number): boolean {
    if (!this.covers(source, nowMs)) return false;
    const fullAtMs = nowMs + this.#debtMs(source, nowMs) + this.#costMs;
    if (this.#fullAtMs.size >= sourcesMax && !this.#fullAtMs.has(source)) this.#makeRoom(nowMs);
    this.#fullAtMs.set(source, fullAtMs);
    return true;
  }

  #debtMs(source: string, nowMs: number): number {
    return Math.max(0, (this.#fullAtMs.get(source) ?? 0) - nowMs);
  }

  #makeRoom(nowMs: number): void {
    let fullest: string | undefined;
    let leastMs = Infinity;
    for (const [source, fullAtMs] of this.#fullAtMs) {
      if (fullAtMs <= nowMs) this.#fullAtMs.delete(source);
      else if (fullAtMs < leastMs) [fullest, leastMs] = [source, fullAtMs];
    }
    if (fullest !== undefined && this.#fullAtMs.size >= sourcesMax) this.#fullAtMs.delete(fullest);
  }
}
