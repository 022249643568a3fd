// Wrong on purpose: an author who is named with 0 is told from one who is not named.

import type { Did } from '@icn/labs/lab-07';

export type ClockOrder = 'before' | 'after' | 'equal' | 'concurrent';

/** How many events of each author are known. Who is not named counts 0. */
export class VectorClock {
  readonly #counts = new Map<Did, number>();

  constructor(counts: Iterable<readonly [Did, number]> = []) {
    for (const [did, count] of counts) this.#counts.set(did, count);
  }

  get(did: Did): number {
    return this.#counts.get(did) ?? 0;
  }

  increment(did: Did): number {
    const count = this.get(did) + 1;
    this.#counts.set(did, count);
    return count;
  }

  merge(other: VectorClock): void {
    for (const [did, count] of other.entries()) if (count > this.get(did)) this.#counts.set(did, count);
  }

  compare(other: VectorClock): ClockOrder {
    const isAhead = this.#exceeds(other);
    const isBehind = other.#exceeds(this);
    if (isAhead && isBehind) return 'concurrent';
    if (isAhead) return 'after';
    return isBehind ? 'before' : 'equal';
  }

  entries(): readonly (readonly [Did, number])[] {
    return [...this.#counts];
  }

  #exceeds(other: VectorClock): boolean {
    return this.entries().some(([did, count]) => count > (other.#counts.get(did) ?? -1));
  }
}
