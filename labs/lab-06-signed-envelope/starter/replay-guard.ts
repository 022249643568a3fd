/** Takes each sequence of each sender once, in any order within a window; what is older is refused. */
export class ReplayGuard {
  /** `window`: how many sequences, up to the highest of a sender, may come in any order. */
  constructor(window = 64) {
    if (window < 1) throw new RangeError('a window has room for one sequence at least');
    // TODO once
  }

  /** True the first time, false ever after, and for what is older than the window. */
  accept(sender: string, sequence: number): boolean {
    throw new Error('TODO once: replay-guard.ts, accept');
  }
}
