import type { EntryLinks } from '../entry/entry-header.js';
import type { EntryId } from '../entry/entry-name.js';

/**
 * What this node holds of one log: the exact set, where a vector clock keeps only a maximum.
 *
 * - An entry is *linked* when the entry its `prev` names is linked, down to seq 1; else it is *parked*.
 * - `heads` are the linked entries that no linked entry names as `prev`; one, unless the author forked.
 * - **I6**: `linkedSeqMax` never passes a hole. Parked entries count for nothing but `has`.
 * - Heads and linked entries are a function of the set of entries inserted, whatever their order (I15).
 */
export class HaveSet {
  /** The first entry that was linked at each seq, at index seq − 1: dense, because linking is. */
  readonly #spine: EntryId[] = [];
  /** Further linked entries by seq, where the author forked. */
  readonly #branches = new Map<number, EntryId[]>();
  readonly #linkedSeqs = new Map<EntryId, number>();
  readonly #heads = new Map<EntryId, number>();
  /** Parked entries by the `prev` they wait for. */
  readonly #parked = new Map<EntryId, EntryLinks[]>();
  readonly #parkedSeqs = new Map<EntryId, number>();

  get linkedCount(): number {
    return this.#linkedSeqs.size;
  }

  get parkedCount(): number {
    return this.#parkedSeqs.size;
  }

  /** The longest linked branch; 0 for an empty log. */
  get linkedSeqMax(): number {
    return this.#spine.length;
  }

  /** Ids and seqs of the linked heads. */
  get heads(): ReadonlyMap<EntryId, number> {
    return this.#heads;
  }

  /** Linked or parked. */
  has(id: EntryId): boolean {
    return this.#linkedSeqs.has(id) || this.#parkedSeqs.has(id);
  }

  isLinked(id: EntryId): boolean {
    return this.#linkedSeqs.has(id);
  }

  /** Ids and seqs of what is parked. */
  get parked(): ReadonlyMap<EntryId, number> {
    return this.#parkedSeqs;
  }

  /** The held entry with the largest seq, linked or parked. */
  get topId(): EntryId | undefined {
    let [top, topSeq] = [this.#spine.at(-1), this.#spine.length];
    for (const [id, seq] of this.#parkedSeqs) if (seq > topSeq) [top, topSeq] = [id, seq];
    return top;
  }

  /** The seqs up to `to` at which nothing is held, as ranges, ascending. */
  holes(to: number): { readonly from: number; readonly to: number }[] {
    const holes: { from: number; to: number }[] = [];
    let from = this.#spine.length + 1;
    const seqs = new Set(this.#parkedSeqs.values());
    for (const seq of [...seqs].sort((a, b) => a - b)) {
      if (seq > to) break;
      if (seq > from) holes.push({ from, to: seq - 1 });
      from = Math.max(from, seq + 1);
    }
    if (from <= to) holes.push({ from, to });
    return holes;
  }

  /** Whether the entry can be seen never to link: its seq does not follow that of its `prev`. */
  contradicts({ name, prev }: EntryLinks): boolean {
    const prevSeq = prev === null ? 0 : this.#linkedSeqs.get(prev);
    return prevSeq !== undefined && name.seq !== prevSeq + 1;
  }

  /** The linked entries at `seq`: one per branch that reaches it. */
  at(seq: number): readonly EntryId[] {
    const first = this.#spine[seq - 1];
    if (first === undefined) return [];
    const others = this.#branches.get(seq);
    return others === undefined ? [first] : [first, ...others];
  }

  /** All linked ids in seq order. */
  *linkedIds(): Generator<EntryId> {
    for (let seq = 1; seq <= this.#spine.length; seq++) yield* this.at(seq);
  }

  /**
   * Adds an entry that `has` does not know. Returns what became linked, parents first: nothing where the
   * entry is parked, and the entries that waited for it where it is not. An entry that `contradicts` its
   * `prev` never links; it is left out, by every node alike.
   */
  insert(entry: EntryLinks): readonly EntryLinks[] {
    if (entry.prev === null || this.#linkedSeqs.has(entry.prev)) return this.#linkFrom(entry);
    const siblings = this.#parked.get(entry.prev);
    if (siblings === undefined) this.#parked.set(entry.prev, [entry]);
    else siblings.push(entry);
    this.#parkedSeqs.set(entry.name.id, entry.name.seq);
    return [];
  }

  #linkFrom(first: EntryLinks): EntryLinks[] {
    const linked: EntryLinks[] = [];
    const pending = [first];
    for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
      const { id } = entry.name;
      this.#parkedSeqs.delete(id);
      if (this.contradicts(entry)) continue;
      this.#link(entry);
      linked.push(entry);
      pending.push(...(this.#parked.get(id) ?? []));
      this.#parked.delete(id);
    }
    return linked;
  }

  #link({ name: { id, seq }, prev }: EntryLinks): void {
    this.#linkedSeqs.set(id, seq);
    if (prev !== null) this.#heads.delete(prev);
    this.#heads.set(id, seq);
    if (seq > this.#spine.length) this.#spine.push(id);
    else this.#branchesAt(seq).push(id);
  }

  #branchesAt(seq: number): EntryId[] {
    let ids = this.#branches.get(seq);
    if (ids === undefined) this.#branches.set(seq, (ids = []));
    return ids;
  }
}
