import type { EntryLinks } from '../entry/entry-header.js';
import type { EntryId } from '../entry/entry-name.js';
import type { HaveSet } from './have-set.js';
import { PROTOCOL } from '../limits.js';

/** Where an entry hangs in its log. Two entries at one place are a fork, proven by their headers alone. */
export interface LogPlace {
  readonly seq: number;
  readonly prev: EntryId | null;
}

interface Siblings extends LogPlace {
  readonly ids: Set<EntryId>;
}

/**
 * The proven forks of one log (I9): the places at which more than one entry is known, linked or not, with their
 * entries.
 *
 * - Each place proves as many extra branches as it has entries beyond the first.
 * - What it says follows from the set of entries added, whatever their order (I15), and more entries never take
 *   a closing back nor raise it.
 * - `keepWitness` changes neither whether the log is closed nor from where.
 */
export class Forks {
  readonly #siblings = new Map<string, Siblings>();
  #extraCount = 0;

  /** Proven extra branches: the sum over all places of entries − 1. */
  get extraCount(): number {
    return this.#extraCount;
  }

  /** The seq from which a data log with these forks is closed: the lowest of any proven pair, once there are enough. */
  get closesFrom(): number | undefined {
    if (this.#extraCount < PROTOCOL.extraBranchesMax) return undefined;
    let lowest = Infinity;
    for (const { seq } of this.#siblings.values()) lowest = Math.min(lowest, seq);
    return lowest;
  }

  /** All entries that are part of a proven pair, in the order of seq, prev and id. */
  get ids(): readonly EntryId[] {
    return this.#sorted().flatMap(({ ids }) => [...ids].sort());
  }

  /** Whether more than one entry is known at a place. */
  has(place: LogPlace): boolean {
    return this.#siblings.size > 0 && this.#siblings.has(placeKey(place));
  }

  /** One of the entries at a place where more than one is known. */
  firstAt(place: LogPlace): EntryId | undefined {
    const [first] = this.#siblings.get(placeKey(place))?.ids ?? [];
    return first;
  }

  /** Notes that two entries hang at one place. Again is as good as once. */
  add({ seq, prev }: LogPlace, one: EntryId, other: EntryId): void {
    const key = placeKey({ seq, prev });
    let siblings = this.#siblings.get(key);
    if (siblings === undefined) this.#siblings.set(key, (siblings = { seq, prev, ids: new Set([one]) }));
    const countBefore = siblings.ids.size;
    siblings.ids.add(one).add(other);
    this.#extraCount += siblings.ids.size - countBefore;
  }

  /**
   * Forgets all that is not needed to prove the closing: kept are the places from the lowest seq on, each with
   * its smallest ids, until there are enough extra branches. A place that is kept adds at least one, so at most
   * twice `PROTOCOL.extraBranchesMax` headers remain.
   */
  keepWitness(): void {
    const sorted = this.#sorted();
    this.#siblings.clear();
    this.#extraCount = 0;
    for (const { seq, prev, ids } of sorted) {
      const room = PROTOCOL.extraBranchesMax - this.#extraCount;
      if (room <= 0) return;
      const [first, ...others] = [...ids].sort();
      for (const other of others.slice(0, room)) this.add({ seq, prev }, first!, other);
    }
  }

  copy(): Forks {
    const copy = new Forks();
    for (const [key, { seq, prev, ids }] of this.#siblings)
      copy.#siblings.set(key, { seq, prev, ids: new Set(ids) });
    copy.#extraCount = this.#extraCount;
    return copy;
  }

  #sorted(): Siblings[] {
    const order = (a: string, b: string) => (a < b ? -1 : 1);
    return [...this.#siblings.values()].sort((a, b) => a.seq - b.seq || order(a.prev ?? '', b.prev ?? ''));
  }
}

/** Equal for equal places. */
export function placeKey({ seq, prev }: LogPlace): string {
  return `${seq}/${prev ?? ''}`;
}

/** The forks of a log together with those that headers of it prove. */
export function forksWith(held: HaveSet | undefined, headers: readonly EntryLinks[]): Forks {
  const forks = held?.forks?.copy() ?? new Forks();
  const firstAt = new Map<string, EntryId>();
  for (const { name, prev } of headers) {
    const place = { seq: name.seq, prev };
    const key = placeKey(place);
    const first = forks.firstAt(place) ?? held?.firstAt(place) ?? firstAt.get(key);
    if (first === undefined) firstAt.set(key, name.id);
    else if (first !== name.id) forks.add(place, first, name.id);
  }
  return forks;
}
