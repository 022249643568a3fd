import type { EntryLinks } from '../entry/entry-header.js';
import type { EntryId } from '../entry/entry-name.js';

/**
 * The entries of one log that wait above a hole. Found by id, by the `prev` they wait for, and by how far up
 * they are: first by seq, then by id. Adding moves numbers in an array of `count`; all else is O(1), amortised.
 */
export class ParkedEntries {
  readonly #byId = new Map<EntryId, EntryLinks>();
  readonly #byPrev = new Map<EntryId | null, EntryLinks[]>();
  /** How many there are at each seq. */
  readonly #countAt = new Map<number, number>();
  /** Nearest first. What was removed stays until it comes to the end, or until it is half of all. */
  #sorted: EntryLinks[] = [];

  get count(): number {
    return this.#byId.size;
  }

  get(id: EntryId): EntryLinks | undefined {
    return this.#byId.get(id);
  }

  /** Those that name `prev` as the entry before them. */
  after(prev: EntryId | null): readonly EntryLinks[] {
    return this.#byPrev.get(prev) ?? [];
  }

  /** Whether there is one at a seq. */
  hasAt(seq: number): boolean {
    return this.#countAt.has(seq);
  }

  /** The one with the largest seq; of several, the one with the largest id. */
  get farthest(): EntryLinks | undefined {
    for (let last = this.#sorted.at(-1); last !== undefined; last = this.#sorted.at(-1)) {
      if (this.#byId.get(last.name.id) === last) return last;
      this.#sorted.pop();
    }
    return undefined;
  }

  /** In the order of seq and id. */
  *[Symbol.iterator](): Generator<EntryLinks> {
    let last: EntryLinks | undefined;
    for (const entry of this.#sorted) {
      if (entry === last || this.#byId.get(entry.name.id) !== entry) continue;
      yield entry;
      last = entry;
    }
  }

  /** Takes an entry that is not there. */
  add(entry: EntryLinks): void {
    const { id, seq } = entry.name;
    this.#byId.set(id, entry);
    this.#countAt.set(seq, (this.#countAt.get(seq) ?? 0) + 1);
    const siblings = this.#byPrev.get(entry.prev);
    if (siblings === undefined) this.#byPrev.set(entry.prev, [entry]);
    else siblings.push(entry);
    let low = 0;
    for (let high = this.#sorted.length; low < high;) {
      const middle = (low + high) >>> 1;
      if (isNearer(entry, this.#sorted[middle]!)) high = middle;
      else low = middle + 1;
    }
    this.#sorted.splice(low, 0, entry);
  }

  remove(entry: EntryLinks): void {
    const { id, seq } = entry.name;
    if (!this.#byId.delete(id)) return;
    const countAt = (this.#countAt.get(seq) ?? 1) - 1;
    if (countAt > 0) this.#countAt.set(seq, countAt);
    else this.#countAt.delete(seq);
    const others = this.after(entry.prev).filter(({ name }) => name.id !== id);
    if (others.length > 0) this.#byPrev.set(entry.prev, others);
    else this.#byPrev.delete(entry.prev);
    if (this.#sorted.length > 2 * this.#byId.size + 64) this.#sorted = [...this];
  }
}

/** Whether `a` is nearer to the hole than `b`. */
export function isNearer(a: EntryLinks, b: EntryLinks): boolean {
  return a.name.seq < b.name.seq || (a.name.seq === b.name.seq && a.name.id < b.name.id);
}
