import type { Did } from '@icn/identity';

/** What this node waits for: a link to the peer, or its answer whether it will be a neighbour. */
export type AskStep = 'link' | 'answer';

interface Ask {
  readonly step: AskStep;
  readonly endsAtMs: number;
}

/** Peers that this node seeks as neighbours. Each waits for one thing until a stated time, so a lost answer blocks no place. */
export class NeighborAsks {
  readonly #asks = new Map<Did, Ask>();

  get size(): number {
    return this.#asks.size;
  }

  get wakeAtMs(): number | undefined {
    if (this.#asks.size === 0) return undefined;
    return Math.min(...Array.from(this.#asks.values(), ({ endsAtMs }) => endsAtMs));
  }

  has(peer: Did): boolean {
    return this.#asks.has(peer);
  }

  /** Whether an answer of some peer is waited for. */
  get isAnswerDue(): boolean {
    return [...this.#asks.values()].some(({ step }) => step === 'answer');
  }

  stepOf(peer: Did): AskStep | undefined {
    return this.#asks.get(peer)?.step;
  }

  set(peer: Did, step: AskStep, endsAtMs: number): void {
    this.#asks.set(peer, { step, endsAtMs });
  }

  delete(peer: Did): boolean {
    return this.#asks.delete(peer);
  }

  clear(): void {
    this.#asks.clear();
  }

  /** Takes away and returns those that waited long enough. */
  takeDue(nowMs: number): [peer: Did, step: AskStep][] {
    const due = [...this.#asks].filter(([, { endsAtMs }]) => endsAtMs <= nowMs);
    for (const [peer] of due) this.#asks.delete(peer);
    return due.map(([peer, { step }]) => [peer, step]);
  }
}
