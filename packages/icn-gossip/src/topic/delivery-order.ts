import type { Did } from '@icn/identity';
import type { EntryLinks } from '../entry/entry-header.js';
import type { EntryId, EntryName, Lane } from '../entry/entry-name.js';
import type { CausalOrder, Turn } from './causal-order.js';

/** An entry and the local position it was given, once and for ever (I7). */
export interface Delivery {
  readonly name: EntryName;
  readonly position: number;
  /** Something that depends on it was delivered before it. */
  readonly late: boolean;
  /** When it was delivered, another entry with its `prev` was known here: its author forked the log there (I9). */
  readonly forked: boolean;
}

/** Gives linked entries their turns in causal order, and positions by turn: dense, ascending, each given once (I7). */
export class DeliveryOrder {
  readonly #causal: CausalOrder;
  readonly #causalWaitMs: number;
  readonly #isForked: (entry: EntryLinks) => boolean;
  /** When to stop waiting for an entry's causal parents; oldest first, because the wait is the same for all. */
  readonly #waitEndsAtMs = new Map<EntryId, number>();
  #lastPosition = 0;

  constructor(causal: CausalOrder, causalWaitMs: number, isForked: (entry: EntryLinks) => boolean) {
    this.#causal = causal;
    this.#causalWaitMs = causalWaitMs;
    this.#isForked = isForked;
  }

  /** When `expire` has something to do. */
  get wakeAtMs(): number | undefined {
    const [first] = this.#waitEndsAtMs.values();
    return first;
  }

  /** What an entry that follows `prev` now depends on, most recent first; at most `depsMax`. */
  frontier(prev: EntryName | undefined, depsMax: number): EntryLinks['deps'] {
    return this.#causal.frontier(depsMax, prev);
  }

  /** Takes newly linked entries, parents first, and sees to it that none waits for ever. Returns whose turn it is. */
  add(linked: readonly EntryLinks[], nowMs: number): readonly Turn[] {
    const turns = this.#causal.add(linked);
    for (const { name } of linked) {
      if (this.#causal.isWaiting(name.id)) this.#waitEndsAtMs.set(name.id, nowMs + this.#causalWaitMs);
    }
    return turns;
  }

  /** Whose turn it is because it has waited long enough for parents that did not come. */
  expire(nowMs: number): readonly Turn[] {
    const turns: Turn[] = [];
    for (const [id, endsAtMs] of this.#waitEndsAtMs) {
      if (endsAtMs > nowMs) break;
      this.#waitEndsAtMs.delete(id);
      turns.push(...this.#causal.waive(id));
    }
    return turns;
  }

  isWaiting(id: EntryId): boolean {
    return this.#causal.isWaiting(id);
  }

  /** A log is closed from a seq on, and these left it: nobody waits for them. Returns whose turn it is. */
  close(author: Did, lane: Lane, from: number, left: readonly EntryId[]): readonly Turn[] {
    for (const id of left) this.#waitEndsAtMs.delete(id);
    return this.#causal.close(author, lane, from, left);
  }

  /** It was delivered in an earlier run. */
  restore(entry: EntryLinks): void {
    this.#causal.restore(entry);
  }

  /** The position was given in an earlier run. */
  skip(position: number): void {
    this.#lastPosition = Math.max(this.#lastPosition, position);
  }

  nextPosition(): number {
    return ++this.#lastPosition;
  }

  deliver(turns: readonly Turn[]): readonly Delivery[] {
    return turns.map(({ entry, late }) => {
      this.#waitEndsAtMs.delete(entry.name.id);
      return { name: entry.name, late, forked: this.#isForked(entry), position: this.nextPosition() };
    });
  }
}
