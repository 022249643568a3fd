import type { Did } from '@icn/identity';
import type { PeerQuota } from '../bounds/peer-quota.js';
import type { EntryId, EntryName } from '../entry/entry-name.js';

/** An entry that was announced lazily and has not come. */
export interface Announced {
  readonly name: EntryName;
  /** Who announced it, in that order. The first one's share of the wants it takes. */
  readonly by: readonly Did[];
}

interface Waiting {
  readonly name: EntryName;
  readonly by: Did[];
  readonly endsAtMs: number;
}

/** Announcers remembered of one entry; more than one because they may go (guess). */
const ANNOUNCERS_MAX = 4;

/** The missing entries of Plumtree, each with its timer. Bounded by each peer's share of the wants. */
export class AnnouncedEntries {
  readonly #quota: PeerQuota;
  readonly #waitMs: number;
  /** The wait is the same for all, so the first ends first. */
  readonly #waiting = new Map<EntryId, Waiting>();

  constructor(quota: PeerQuota, waitMs: number) {
    this.#quota = quota;
    this.#waitMs = waitMs;
  }

  get wakeAtMs(): number | undefined {
    const [first] = this.#waiting.values();
    return first?.endsAtMs;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Notes that `peer` holds an entry; false where it has named too much already. */
  add(name: EntryName, peer: Did, nowMs: number): boolean {
    const waiting = this.#waiting.get(name.id);
    if (waiting !== undefined) {
      if (waiting.by.length < ANNOUNCERS_MAX && !waiting.by.includes(peer)) waiting.by.push(peer);
      return true;
    }
    if (!this.#quota.take(peer)) return false;
    this.#waiting.set(name.id, { name, by: [peer], endsAtMs: nowMs + this.#waitMs });
    return true;
  }

  /** The entry came; returns who announced it. */
  came(id: EntryId): readonly Did[] {
    const waiting = this.#waiting.get(id);
    return waiting === undefined ? [] : this.#remove(waiting);
  }

  /** Takes away and returns those that did not come in time. */
  takeDue(nowMs: number): Announced[] {
    const due: Announced[] = [];
    for (const waiting of this.#waiting.values()) {
      if (waiting.endsAtMs > nowMs) break;
      due.push({ name: waiting.name, by: this.#remove(waiting) });
    }
    return due;
  }

  clear(): void {
    for (const waiting of this.#waiting.values()) this.#remove(waiting);
  }

  #remove(waiting: Waiting): readonly Did[] {
    this.#waiting.delete(waiting.name.id);
    this.#quota.give(waiting.by[0]!);
    return waiting.by;
  }
}
