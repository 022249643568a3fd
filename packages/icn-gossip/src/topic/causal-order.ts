import type { Did } from '@icn/identity';
import type { Dep, EntryLinks } from '../entry/entry-header.js';
import type { EntryId, EntryName, Lane } from '../entry/entry-name.js';
import { depKey, Waiters } from './waiters.js';

/** An entry whose turn has come. `late`: something that depends on it was delivered before it. */
export interface Turn {
  readonly entry: EntryLinks;
  readonly late: boolean;
}

/** Parents that were not waited for are remembered up to here, to mark them late when they come (guess). */
const WAIVED_MAX = 4_096;
/** Delivered entries that nothing delivered depends on: more than one entry may name (guess). */
const FRONTIER_MAX = 1_024;

interface Waiting {
  readonly entry: EntryLinks;
  /** Keys of the parents that are not delivered. */
  readonly unmet: Set<string>;
}

/**
 * Decides when a linked entry is delivered: after its log's previous entry and after everything it names in
 * `deps`. It is an index over stored entries and forgets nothing that waits. An entry waits for `deps` only as
 * long as its owner lets it (`waive`), so nobody can be made to wait for what does not exist.
 */
export class CausalOrder {
  readonly #linkedId: (dep: Dep) => EntryId | undefined;
  readonly #isClosed: (dep: Dep) => boolean;
  readonly #waiting = new Map<EntryId, Waiting>();
  readonly #waiters = new Waiters();
  readonly #waived = new Set<string>();
  /** In order of delivery, the most recent last. */
  readonly #frontier = new Map<string, Dep>();

  /** `linkedId` finds the linked entry that a dep names; nothing waits for what `isClosed`, because it never comes. */
  constructor(linkedId: (dep: Dep) => EntryId | undefined, isClosed: (dep: Dep) => boolean) {
    this.#linkedId = linkedId;
    this.#isClosed = isClosed;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** What a new entry depends on besides `prev`, its log's last entry: most recent first. */
  frontier(depsMax: number, prev: EntryName | undefined): readonly Dep[] {
    const ownKey = prev === undefined ? undefined : depKey(depOf(prev));
    const recentFirst = [...this.#frontier].toReversed().filter(([key]) => key !== ownKey);
    return recentFirst.slice(0, depsMax).map(([, dep]) => dep);
  }

  isWaiting(id: EntryId): boolean {
    return this.#waiting.has(id);
  }

  /** Takes newly linked entries, parents first; returns whose turn it is now, parents first. */
  add(entries: readonly EntryLinks[]): readonly Turn[] {
    // All wait before the first is judged: a branch may name a sibling that comes after it in the list.
    for (const entry of entries) this.#waiting.set(entry.name.id, { entry, unmet: new Set() });
    return entries.flatMap((entry) => this.#judge(entry));
  }

  /** Ends the wait of `id` for missing deps, never for its own log. Returns whose turn it is now. */
  waive(id: EntryId): readonly Turn[] {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return [];
    const { entry, unmet } = waiting;
    const prev = prevOf(entry);
    for (const key of unmet) {
      if (prev !== undefined && key === depKey(prev)) continue;
      unmet.delete(key);
      this.#waiters.remove(key, id);
      this.#noteWaived(key);
    }
    if (unmet.size > 0) return [];
    this.#waiting.delete(id);
    return this.#deliver(entry);
  }

  /**
   * A log is closed from a seq on: what waits there never has its turn, and nothing else waits for it any more.
   * `ids` are those of the log that `add` was given. Returns whose turn it is now, parents first.
   */
  close(author: Did, lane: Lane, from: number, ids: readonly EntryId[]): readonly Turn[] {
    for (const id of ids) {
      for (const key of this.#waiting.get(id)?.unmet ?? []) this.#waiters.remove(key, id);
      this.#waiting.delete(id);
    }
    for (const [key, dep] of this.#frontier)
      if (dep.author === author && dep.lane === lane && dep.seq >= from) this.#frontier.delete(key);
    const keys = this.#waiters.keysFrom(author, lane, from);
    return keys.flatMap((key) => this.#meet(key)).flatMap((entry) => this.#deliver(entry));
  }

  /** Takes an entry that was delivered in an earlier run of this node, in the order of delivery. */
  restore(entry: EntryLinks): void {
    for (const parent of parentsOf(entry)) if (!this.#isMet(parent)) this.#noteWaived(depKey(parent));
    this.#noteDelivered(entry);
  }

  #judge(entry: EntryLinks): readonly Turn[] {
    const { id } = entry.name;
    const parents = parentsOf(entry).filter((parent) => !this.#isMet(parent));
    if (parents.length === 0) {
      this.#waiting.delete(id);
      return this.#deliver(entry);
    }
    this.#waiting.set(id, { entry, unmet: new Set(parents.map(depKey)) });
    for (const parent of parents) this.#waiters.add(parent, id);
    return [];
  }

  #isMet(dep: Dep): boolean {
    const id = this.#linkedId(dep);
    return id === undefined ? this.#isClosed(dep) : !this.#waiting.has(id);
  }

  #deliver(first: EntryLinks): Turn[] {
    const turns: Turn[] = [];
    const ready = [first];
    for (let index = 0; index < ready.length; index++) {
      const entry = ready[index]!;
      turns.push({ entry, late: this.#noteDelivered(entry) });
      ready.push(...this.#meet(depKey(depOf(entry.name))));
    }
    return turns;
  }

  /** Entries for which the parent `key` was the last that was missing. */
  #meet(key: string): EntryLinks[] {
    const ready: EntryLinks[] = [];
    for (const id of this.#waiters.take(key)) {
      const waiting = this.#waiting.get(id);
      if (waiting === undefined || !waiting.unmet.delete(key) || waiting.unmet.size > 0) continue;
      this.#waiting.delete(id);
      ready.push(waiting.entry);
    }
    return ready;
  }

  /** Moves the frontier past `entry`. Returns whether it is late: then something delivered depends on it already. */
  #noteDelivered(entry: EntryLinks): boolean {
    for (const parent of parentsOf(entry)) this.#frontier.delete(depKey(parent));
    const dep = depOf(entry.name);
    const isLate = this.#waived.delete(depKey(dep));
    if (!isLate) this.#frontier.set(depKey(dep), dep);
    dropOldest(this.#frontier, FRONTIER_MAX);
    return isLate;
  }

  #noteWaived(key: string): void {
    this.#waived.add(key);
    dropOldest(this.#waived, WAIVED_MAX);
  }
}

function depOf({ author, lane, seq, id }: EntryName): Dep {
  return { author, lane, seq, idPrefix: id.slice(0, 16) };
}

function prevOf({ name, prev }: EntryLinks): Dep | undefined {
  return prev === null ? undefined : depOf({ ...name, seq: name.seq - 1, id: prev });
}

function parentsOf(entry: EntryLinks): readonly Dep[] {
  const prev = prevOf(entry);
  return prev === undefined ? entry.deps : [prev, ...entry.deps];
}

function dropOldest(collection: Map<string, unknown> | Set<string>, sizeMax: number): void {
  if (collection.size <= sizeMax) return;
  const [oldest] = collection.keys();
  if (oldest !== undefined) collection.delete(oldest);
}
