import type { Did } from '@icn/labs/lab-07';

/** How one clock stands to another: `before` means that all it knows is in the other, and more. */
export type ClockOrder = 'before' | 'after' | 'equal' | 'concurrent';

/** How many events of each author are known. Who is not named counts 0. */
export class VectorClock {
  /** Starts with these counts, and keeps counts of its own. */
  constructor(counts: Iterable<readonly [Did, number]> = []) {
    for (const [did, count] of counts) {
      // TODO count: keep them
    }
  }

  /** The count of an author, 0 for a stranger. */
  get(did: Did): number {
    throw new Error('TODO count: vector-clock.ts, get');
  }

  /** Counts one event more; returns the new count. */
  increment(did: Did): number {
    throw new Error('TODO count: vector-clock.ts, increment');
  }

  /** Afterwards this clock knows what both know; the other one stays as it is. */
  merge(other: VectorClock): void {
    throw new Error('TODO merge: vector-clock.ts, merge');
  }

  /** What this one is to the other. */
  compare(other: VectorClock): ClockOrder {
    throw new Error('TODO compare: vector-clock.ts, compare');
  }

  /** Author and count of all who were counted. */
  entries(): readonly (readonly [Did, number])[] {
    throw new Error('TODO count: vector-clock.ts, entries');
  }
}
