import type { Did } from '@icn/identity';
import { decodeEntry, type DecodedEntry } from '../entry/entry.js';
import type { Dep } from '../entry/entry-header.js';
import type { EntryId, EntryName } from '../entry/entry-name.js';
import type { StoredHeader, StoredWithdrawal } from '../entry/entry-store.js';
import { PROTOCOL } from '../limits.js';
import type { Topic } from '../topic.js';
import { closedRow, rootRow, topicRoot } from '../topic/topic-root.js';
import type { ClosedLog } from '../wire/messages.js';
import { depOf } from './entry-ledger.js';

/** An entry that is held; `position` once it is delivered. */
interface Held extends Pick<DecodedEntry, 'name' | 'header'> {
  position: number | undefined;
}

/** What comes next in the consumers' sequence. */
export type PlainTurn =
  | {
      readonly type: 'deliver';
      readonly position: number;
      readonly name: EntryName;
      readonly forked: boolean;
    }
  | { readonly type: 'withdraw'; readonly position: number; readonly log: ClosedLog };

/** What a plain machine holds of one topic, by rules that are written out and searched for each time: slow and plain. */
export class PlainHolding {
  readonly entries = new Map<EntryId, Held>();
  /** Of each author, the highest seq heard of, held or not. */
  readonly maxima = new Map<Did, number>();
  readonly #network: string;
  readonly #topic: Topic;
  /** What consumers were told is closed. */
  readonly #withdrawn = new Map<Did, number>();
  #lastPosition = 0;
  #root: Uint8Array | undefined;

  constructor(network: string, topic: Topic) {
    this.#network = network;
    this.#topic = topic;
  }

  get root(): Uint8Array {
    if (this.#root !== undefined) return this.#root;
    const open = [...this.entries.values()].filter(
      (held) => this.#isLinked(held) && !this.#isClosed(held.name),
    );
    const followed = new Set(open.map(({ header }) => header.prev));
    const heads = open.flatMap(({ name }) => (followed.has(name.id) ? [] : [rootRow(name)]));
    this.#root = topicRoot(this.#network, this.#topic, heads, this.#closings().map(closedRow));
    return this.#root;
  }

  keep({ name, header }: Pick<DecodedEntry, 'name' | 'header'>): void {
    this.entries.set(name.id, { name, header, position: undefined });
    this.maxima.set(name.author, Math.max(name.seq, this.maxima.get(name.author) ?? 0));
    this.#root = undefined;
  }

  /** Takes what was on disk at start. */
  restore(row: StoredHeader | StoredWithdrawal): void {
    this.#lastPosition = Math.max(this.#lastPosition, row.position ?? 0);
    if ('log' in row) {
      this.#withdrawn.set(row.log.author, row.log.from);
      return;
    }
    const decoded = decodeEntry({ header: row.header, payload: undefined, proof: NO_PROOF });
    if (typeof decoded === 'string') return;
    this.keep(decoded);
    this.entries.get(decoded.name.id)!.position = row.position;
  }

  /** What can be delivered or must be withdrawn now, one after another. */
  *turns(): Generator<PlainTurn> {
    for (const log of this.#closings()) {
      if (log.from >= (this.#withdrawn.get(log.author) ?? Infinity)) continue;
      this.#withdrawn.set(log.author, log.from);
      const wasDelivered = [...this.entries.values()].some(
        ({ name, position }) => position !== undefined && isWithin(name, log),
      );
      if (wasDelivered) yield { type: 'withdraw', position: ++this.#lastPosition, log };
    }
    for (let next = this.#nextReady(); next !== undefined; next = this.#nextReady()) {
      next.position = ++this.#lastPosition;
      yield {
        type: 'deliver',
        position: next.position,
        name: next.name,
        forked: this.#siblingsOf(next).length > 1,
      };
    }
  }

  /** The entry that an author goes on after. */
  lastOf(author: Did): EntryName | undefined {
    const own = [...this.entries.values()].filter(({ name }) => name.author === author);
    return own.map(({ name }) => name).toSorted((a, b) => b.seq - a.seq)[0];
  }

  /** Up to four delivered entries that nothing names, besides `prev`. */
  frontier(prev: EntryName | undefined): readonly Dep[] {
    const all = [...this.entries.values()];
    const named = new Set(all.flatMap(({ header }) => [header.prev, ...header.deps.map(keyOf)]));
    const free = all.filter(({ name, position }) => {
      const isNamed = named.has(name.id) || named.has(keyOf(depOf(name))) || name.id === prev?.id;
      return position !== undefined && !isNamed && !this.#isClosed(name);
    });
    return free.slice(-4).map(({ name }) => depOf(name));
  }

  /** Data logs with too many forks, each with the lowest seq of any fork (I9). */
  #closings(): readonly ClosedLog[] {
    const logs = new Map<Did, { from: number; extraBranches: number }>();
    for (const held of this.entries.values()) {
      const { author, seq, id } = held.name;
      const siblings = this.#siblingsOf(held);
      if (siblings.length < 2 || siblings[0] !== id) continue;
      const { from = Infinity, extraBranches = 0 } = logs.get(author) ?? {};
      logs.set(author, { from: Math.min(from, seq), extraBranches: extraBranches + siblings.length - 1 });
    }
    return [...logs].flatMap(([author, { from, extraBranches }]) => {
      return extraBranches >= PROTOCOL.extraBranchesMax ? [{ author, lane: 0 as const, from }] : [];
    });
  }

  #isClosed(name: EntryName): boolean {
    return this.#closings().some((log) => isWithin(name, log));
  }

  /** The next entry whose parents are all delivered, or closed. */
  #nextReady(): Held | undefined {
    const closings = this.#closings();
    const delivered = new Set<string>();
    for (const { name, position } of this.entries.values())
      if (position !== undefined) delivered.add(name.id).add(keyOf(depOf(name)));
    const isMet = (dep: Dep) =>
      delivered.has(keyOf(dep)) ||
      closings.some(({ author, from }) => author === dep.author && from <= dep.seq);
    return [...this.entries.values()].find(({ name, header, position }) => {
      if (position !== undefined || closings.some((log) => isWithin(name, log))) return false;
      return (header.prev === null || delivered.has(header.prev)) && header.deps.every(isMet);
    });
  }

  #siblingsOf({ name, header }: Held): readonly EntryId[] {
    return [...this.entries.values()].flatMap((other) => {
      return other.name.author === name.author && other.header.prev === header.prev ? [other.name.id] : [];
    });
  }

  #isLinked(held: Held): boolean {
    for (
      let at: Held | undefined = held;
      at !== undefined;
      at = this.entries.get(at.header.prev ?? at.name.id)
    )
      if (at.header.prev === null) return true;
    return false;
  }
}

const NO_PROOF = { type: 'signature', signature: new Uint8Array(64) } as const;

function isWithin({ author, seq }: EntryName, log: ClosedLog): boolean {
  return author === log.author && seq >= log.from;
}

function keyOf({ author, seq, idPrefix }: Dep): string {
  return `${author}/${seq}/${idPrefix}`;
}
