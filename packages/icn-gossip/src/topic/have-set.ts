import type { EntryLinks } from '../entry/entry-header.js';
import type { EntryId } from '../entry/entry-name.js';
import { Forks, type LogPlace } from './forks.js';
import { isNearer, ParkedEntries } from './parked-entries.js';

/** The seqs of a log from `from` to `to`, both included. */
export interface SeqRange {
  readonly from: number;
  readonly to: number;
}

/** An entry of a log that is known. */
export interface HeldEntry {
  readonly seq: number;
  readonly id: EntryId;
}

/** What is kept only of a log that forked, for most logs never do. */
class Branching {
  /** Further linked entries by seq. */
  readonly at = new Map<number, EntryId[]>();
  /** The first linked entry after an entry, where it is not the next of the spine. */
  readonly firstAfter = new Map<EntryId, EntryId>();
  /** Entries of the spine whose `prev` is not the entry of the spine below them. */
  readonly crossings = new Set<EntryId>();
}

const NONE: readonly EntryLinks[] = [];

/**
 * What this node holds of one log: the exact set, where a vector clock keeps only a maximum.
 *
 * - An entry is *linked* when the entry its `prev` names is linked, down to seq 1; else it is *parked*.
 * - `heads` are the linked entries that no linked entry names as `prev`; one, unless the author forked.
 * - **I6**: `linkedSeqMax` never passes a hole. Parked entries count for nothing but `has` and `forks`.
 * - Heads, linked and parked entries, and forks are a function of the set of entries inserted, whatever their
 *   order (I15). An entry whose seq does not follow that of its `prev` stays parked for ever.
 * - What is never forked costs two lookups an entry and no memory beyond it.
 */
export class HaveSet {
  /** The first entry that was linked at each seq, at index seq − 1: dense, because linking is. */
  readonly #spine: EntryId[] = [];
  readonly #linkedSeqs = new Map<EntryId, number>();
  readonly #heads = new Map<EntryId, number>();
  #branching: Branching | undefined;
  #parked: ParkedEntries | undefined;
  #forks: Forks | undefined;

  get linkedCount(): number {
    return this.#linkedSeqs.size;
  }

  get parkedCount(): number {
    return this.#parked?.count ?? 0;
  }

  /** The longest linked branch; 0 for an empty log. */
  get linkedSeqMax(): number {
    return this.#spine.length;
  }

  /** The highest seq that is held, linked or parked; 0 for an empty log. */
  get topSeq(): number {
    return Math.max(this.linkedSeqMax, this.#parked?.farthest?.name.seq ?? 0);
  }

  /** An entry at `topSeq`. */
  get topId(): EntryId | undefined {
    const parked = this.#parked?.farthest?.name;
    return parked !== undefined && parked.seq > this.linkedSeqMax ? parked.id : this.#spine.at(-1);
  }

  /** Ids and seqs of the linked heads. */
  get heads(): ReadonlyMap<EntryId, number> {
    return this.#heads;
  }

  /** The proven forks of the log, as far as it is held here; undefined where there are none. */
  get forks(): Forks | undefined {
    return this.#forks;
  }

  /** Linked or parked. */
  has(id: EntryId): boolean {
    return this.#linkedSeqs.has(id) || this.#parked?.get(id) !== undefined;
  }

  isLinked(id: EntryId): boolean {
    return this.#linkedSeqs.has(id);
  }

  /** The entry of that id, where it is parked. */
  parked(id: EntryId): EntryLinks | undefined {
    return this.#parked?.get(id);
  }

  /** Whether nothing is held at a seq. */
  isHole(seq: number): boolean {
    return seq > this.linkedSeqMax && this.#parked?.hasAt(seq) !== true;
  }

  /** All parked entries in the order of seq and id. */
  parkedEntries(): Iterable<EntryLinks> {
    return this.#parked ?? NONE;
  }

  /** The seqs up to `to` at which nothing is held, as ranges: ascending and apart. Costs as much as is parked below. */
  holes(to: number): readonly SeqRange[] {
    const holes: SeqRange[] = [];
    let next = this.#spine.length + 1;
    for (const { name } of this.parkedEntries()) {
      if (name.seq > to) break;
      if (name.seq > next) holes.push({ from: next, to: name.seq - 1 });
      next = Math.max(next, name.seq + 1);
    }
    if (next <= to) holes.push({ from: next, to });
    return holes;
  }

  /** Whether the entry can be seen never to link: its seq does not follow that of its `prev`. */
  contradicts({ name, prev }: EntryLinks): boolean {
    const prevSeq = prev === null ? 0 : this.#linkedSeqs.get(prev);
    return prevSeq !== undefined && name.seq !== prevSeq + 1;
  }

  /** Whether the entry would be parked where `countMax` are, and none of them is farther up than it. */
  hasNoRoomFor(entry: EntryLinks, countMax: number): boolean {
    if (this.parkedCount < countMax || entry.prev === null || this.isLinked(entry.prev)) return false;
    const farthest = this.#parked?.farthest;
    return farthest === undefined || !isNearer(entry, farthest);
  }

  /** Forgets the parked entry that is farthest up, so that what is nearer to the hole has room. */
  evictFarthest(): void {
    const farthest = this.#parked?.farthest;
    if (farthest !== undefined) this.#parked?.remove(farthest);
  }

  /** The linked entries at `seq`: one per branch that reaches it. */
  at(seq: number): readonly EntryId[] {
    const first = this.#spine[seq - 1];
    if (first === undefined) return [];
    const others = this.#branching?.at.get(seq);
    return others === undefined ? [first] : [first, ...others];
  }

  /** All linked ids in seq order. */
  *linkedIds(): Generator<EntryId> {
    for (let seq = 1; seq <= this.#spine.length; seq++) yield* this.at(seq);
  }

  /** An entry that is held at a place, the first that came if there are several. */
  firstAt(place: LogPlace): EntryId | undefined {
    return this.#firstLinkedAt(place) ?? this.#parkedAt(place)?.name.id;
  }

  /**
   * Adds an entry that `has` does not know. Returns what became linked, parents first: nothing where the
   * entry is parked, and the entries that waited for it where it is not.
   */
  insert(entry: EntryLinks): readonly EntryLinks[] {
    const isFollowing = entry.prev === null || this.#linkedSeqs.has(entry.prev);
    if (isFollowing && !this.contradicts(entry)) return this.#linkFrom(entry);
    const sibling = this.#parkedAt(placeOf(entry));
    if (sibling !== undefined) this.#noteFork(entry, sibling.name.id);
    this.#parked ??= new ParkedEntries();
    this.#parked.add(entry);
    return [];
  }

  /** Replaces the forks by more of them, which headers that are not held prove. */
  setForks(forks: Forks): void {
    this.#forks = forks;
  }

  /**
   * Takes away what is held from `from` on, the lowest seq of any fork; returns what was linked and what was
   * parked. One branch remains. Forks are kept.
   */
  closeFrom(from: number): { linked: readonly HeldEntry[]; parked: readonly HeldEntry[] } {
    const linked: HeldEntry[] = [];
    for (let seq = from; seq <= this.#spine.length; seq++)
      for (const id of this.at(seq)) linked.push({ seq, id });
    for (const { id } of linked) {
      this.#linkedSeqs.delete(id);
      this.#heads.delete(id);
    }
    if (linked.length > 0) this.#spine.length = from - 1;
    this.#branching = undefined;
    const last = this.#spine.at(-1);
    if (last !== undefined) this.#heads.set(last, this.#spine.length);
    const leaving = [...this.parkedEntries()].filter(({ name }) => name.seq >= from);
    for (const entry of leaving) this.#parked?.remove(entry);
    return { linked, parked: leaving.map(({ name }) => name) };
  }

  #linkFrom(first: EntryLinks): EntryLinks[] {
    const linked: EntryLinks[] = [];
    const pending = [first];
    for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
      const { id, seq } = entry.name;
      this.#parked?.remove(entry);
      this.#link(entry);
      linked.push(entry);
      for (const next of this.#parked?.after(id) ?? NONE) if (next.name.seq === seq + 1) pending.push(next);
    }
    return linked;
  }

  #link(entry: EntryLinks): void {
    const { name, prev } = entry;
    const { id, seq } = name;
    const sibling = this.#firstLinkedAt({ seq, prev });
    if (sibling !== undefined) this.#noteFork(entry, sibling);
    this.#linkedSeqs.set(id, seq);
    if (prev !== null) this.#heads.delete(prev);
    this.#heads.set(id, seq);
    const isHighest = seq > this.#spine.length;
    const isCrossing = prev !== null && this.#spine[seq - 2] !== prev;
    if (!isHighest || isCrossing) this.#noteBranch(entry, isHighest, sibling === undefined);
    if (isHighest) this.#spine.push(id);
  }

  #noteBranch({ name: { id, seq }, prev }: EntryLinks, isHighest: boolean, isFirst: boolean): void {
    this.#branching ??= new Branching();
    const { at, firstAfter, crossings } = this.#branching;
    if (isFirst && prev !== null) firstAfter.set(prev, id);
    if (isHighest) {
      crossings.add(id);
      return;
    }
    const others = at.get(seq);
    if (others === undefined) at.set(seq, [id]);
    else others.push(id);
  }

  #noteFork({ name, prev }: EntryLinks, sibling: EntryId): void {
    this.#forks ??= new Forks();
    this.#forks.add({ seq: name.seq, prev }, sibling, name.id);
  }

  #firstLinkedAt({ seq, prev }: LogPlace): EntryId | undefined {
    if (prev === null) return seq === 1 ? this.#spine[0] : undefined;
    if (this.#linkedSeqs.get(prev) !== seq - 1) return undefined;
    const first = this.#branching?.firstAfter.get(prev);
    if (first !== undefined || this.#spine[seq - 2] !== prev) return first;
    const next = this.#spine[seq - 1];
    return next === undefined || this.#branching?.crossings.has(next) === true ? undefined : next;
  }

  #parkedAt({ seq, prev }: LogPlace): EntryLinks | undefined {
    return this.#parked?.after(prev).find(({ name }) => name.seq === seq);
  }
}

function placeOf({ name, prev }: EntryLinks): LogPlace {
  return { seq: name.seq, prev };
}
