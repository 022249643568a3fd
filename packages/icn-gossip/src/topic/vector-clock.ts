import type { Did } from '@icn/identity';

/** How two clocks stand to each other: `before` means that everything in this one is in the other, and more. */
export type ClockOrder = 'before' | 'after' | 'equal' | 'concurrent';

/**
 * A vector clock: how many events of each author are known. The textbook type (Fidge 1988, Mattern 1988).
 * An author who is not named counts 0, so `{A: 0}` equals `{}`.
 *
 * A clock alone cannot say *which* entries are held: after receiving entry 3 but not 2, a merge by maximum
 * claims both. A node therefore keeps a `HaveSet` per log and derives its clock from the part without holes.
 */
export class VectorClock {
  readonly #counts = new Map<Did, number>();

  constructor(counts: Iterable<readonly [Did, number]> = []) {
    for (const [did, count] of counts) {
      if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`not a count: ${count}`);
      if (count > 0) this.#counts.set(did, count);
    }
  }

  /** The number of events of `did` that are known, 0 for a stranger. */
  get(did: Did): number {
    return this.#counts.get(did) ?? 0;
  }

  /** Counts one more event of `did`; returns its number. */
  increment(did: Did): number {
    const count = this.get(did) + 1;
    if (!Number.isSafeInteger(count)) throw new RangeError(`count of ${did} is exhausted`);
    this.#counts.set(did, count);
    return count;
  }

  /** Takes the maximum of each component: the least clock that is not before either. */
  merge(other: VectorClock): void {
    for (const [did, count] of other) if (count > this.get(did)) this.#counts.set(did, count);
  }

  /** The components in which this clock is ahead of `known`: merged into that, they make it know all that this one does. */
  delta(known: VectorClock): VectorClock {
    return new VectorClock([...this.#counts].filter(([did, count]) => count > known.get(did)));
  }

  /** The order of two clocks is partial: histories that each know something the other does not are concurrent. */
  compare(other: VectorClock): ClockOrder {
    const knowsMore = this.#exceeds(other);
    const knowsLess = other.#exceeds(this);
    if (knowsMore && knowsLess) return 'concurrent';
    if (knowsMore) return 'after';
    return knowsLess ? 'before' : 'equal';
  }

  #exceeds(other: VectorClock): boolean {
    for (const [did, count] of this.#counts) if (count > other.get(did)) return true;
    return false;
  }

  [Symbol.iterator](): IterableIterator<[Did, number]> {
    return this.#counts.entries();
  }
}
