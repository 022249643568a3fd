/** What time is for a network in memory: the system's, or one that a test moves. */
export interface Clock {
  /** Milliseconds since some fixed moment. */
  nowMs(): number;
  /** Calls back once, when so many milliseconds have passed, and never within this call; returns how to call it off. */
  after(delayMs: number, run: () => void): () => void;
}

/** Real time; a delay of 0 is the next turn of the event loop. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  after(delayMs, run) {
    if (delayMs <= 0) {
      const immediate = setImmediate(run);
      return () => clearImmediate(immediate);
    }
    const timer = setTimeout(run, Math.ceil(delayMs));
    return () => clearTimeout(timer);
  },
};

interface Due {
  readonly atMs: number;
  readonly run: () => void;
}

/** Time that stands still until it is told to pass, so that a test of seconds takes none. */
export class VirtualClock implements Clock {
  readonly #due = new Set<Due>();
  #nowMs = 0;

  /** How many calls are still to come: 0 when nothing of a network is under way. */
  get dueCount(): number {
    return this.#due.size;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const due = { atMs: this.#nowMs + Math.max(0, delayMs), run };
    this.#due.add(due);
    return () => void this.#due.delete(due);
  }

  /**
   * Lets so much time pass: what falls due runs in order, and after each the event loop turns once, so that promises settle
   * and what follows from one arrival may fall due in the same call.
   */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await turn();
    for (let next = this.#next(); next !== undefined && next.atMs <= endMs; next = this.#next()) {
      this.#due.delete(next);
      this.#nowMs = next.atMs;
      next.run();
      await turn();
    }
    this.#nowMs = endMs;
  }

  /** Of those due at one moment, the one that was asked for first. */
  #next(): Due | undefined {
    let next: Due | undefined;
    for (const due of this.#due) if (next === undefined || due.atMs < next.atMs) next = due;
    return next;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
