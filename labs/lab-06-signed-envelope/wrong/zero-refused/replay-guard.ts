// Wrong on purpose: a sender who never wrote is taken to have sent sequence 0.

/** What is remembered of one sender: the highest sequence, and which of the `window` below it came. */
interface Seen {
  highest: number;
  readonly recent: Set<number>;
}

/** Takes each sequence of each sender once, in any order within a window; older ones are refused. */
export class ReplayGuard {
  readonly #window: number;
  readonly #senders = new Map<string, Seen>();

  constructor(window = 64) {
    this.#window = window;
  }

  /** True the first time, and never again. */
  accept(sender: string, sequence: number): boolean {
    if (!Number.isSafeInteger(sequence) || sequence < 0) return false;
    const seen = this.#senders.get(sender) ?? { highest: 0, recent: new Set<number>() };
    if (sequence === 0 || sequence <= seen.highest - this.#window || seen.recent.has(sequence)) return false;
    this.#senders.set(sender, seen);
    seen.recent.add(sequence);
    if (sequence > seen.highest) {
      seen.highest = sequence;
      for (const old of seen.recent) if (old <= sequence - this.#window) seen.recent.delete(old);
    }
    return true;
  }
}
