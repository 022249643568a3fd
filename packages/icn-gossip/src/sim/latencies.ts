/** Times that can be merged and asked for quantiles: exact to 1 ms below a second, to three digits above. Bounded. */
export class Latencies {
  readonly #counts = new Map<number, number>();
  #total = 0;

  get count(): number {
    return this.#total;
  }

  add(ms: number, count = 1): void {
    const bucket = roundedMs(ms);
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + count);
    this.#total += count;
  }

  merge(rows: Iterable<readonly [ms: number, count: number]>): void {
    for (const [ms, count] of rows) this.add(ms, count);
  }

  /** Pairs of milliseconds and how often, as plain data. */
  rows(): readonly (readonly [ms: number, count: number])[] {
    return [...this.#counts];
  }

  /** The time that this share of all was not above; null where there is none. */
  quantile(share: number): number | null {
    let left = Math.ceil(share * this.#total);
    for (const [ms, count] of [...this.#counts].toSorted(([a], [b]) => a - b)) {
      left -= count;
      if (left <= 0) return ms;
    }
    return null;
  }
}

function roundedMs(ms: number): number {
  if (ms < 1_000) return Math.round(ms);
  const unit = 10 ** (Math.floor(Math.log10(ms)) - 2);
  return Math.round(ms / unit) * unit;
}
