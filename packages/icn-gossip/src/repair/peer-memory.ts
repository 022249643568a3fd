import { equalBytes, type Did } from '@icn/identity';

/** A state of the topic that both sides had. */
export interface Agreement {
  readonly root: Uint8Array;
  /** `TopicState.version` at that time. */
  readonly version: number;
}

interface Fruitless {
  readonly ours: Uint8Array;
  readonly theirs: Uint8Array;
  /** No other try before. */
  readonly untilMs: number;
  /** For how long it was put off, in mean times between two rounds. */
  readonly waitRounds: number;
}

/** Peers remembered, also while they are away (guess: more than most nodes ever meet). */
const PEERS_MAX = 1_024;
/** The longest wait, in mean times between two rounds: at 5 s a pair of nodes that cannot agree tries again every 5 minutes. */
const WAIT_ROUNDS_MAX = 64;
/** The first wait passes over the next round, which may come late, and not the one after it. */
const WAIT_ROUNDS_FIRST = 1.5;

/**
 * What is remembered of past sessions with each peer, to say less in the next. The root is the checksum of it: what
 * was remembered wrongly shows in the root check, is forgotten, and costs one more trip and no entry.
 */
export class PeerMemory {
  readonly #roundMs: number;
  readonly #agreements = new Map<Did, Agreement>();
  readonly #fruitless = new Map<Did, Fruitless>();

  /** `roundMs` is the mean time between two rounds. */
  constructor(roundMs: number) {
    this.#roundMs = roundMs;
  }

  /** The last state that both sides had. */
  base(peer: Did): Agreement | undefined {
    return this.#agreements.get(peer);
  }

  agreed(peer: Did, agreement: Agreement): void {
    this.#fruitless.delete(peer);
    remember(this.#agreements, peer, agreement);
  }

  /** What was remembered does not fit what the peer says. */
  forget(peer: Did): void {
    this.#agreements.delete(peer);
  }

  /**
   * A session between these roots brought nothing, though they differ: what differs cannot be had, or is refused, or
   * the state that both are said to have had was none.
   */
  noteFruitless(peer: Did, ours: Uint8Array, theirs: Uint8Array, nowMs: number): void {
    this.forget(peer);
    const last = this.#fruitless.get(peer);
    const isSame = last !== undefined && equalBytes(last.ours, ours) && equalBytes(last.theirs, theirs);
    const rounds = isSame ? Math.min(2 * last.waitRounds, WAIT_ROUNDS_MAX) : WAIT_ROUNDS_FIRST;
    remember(this.#fruitless, peer, {
      ours,
      theirs,
      waitRounds: rounds,
      untilMs: nowMs + rounds * this.#roundMs,
    });
  }

  /** Whether a session between these roots is not worth while now. */
  isBarren(peer: Did, ours: Uint8Array, theirs: Uint8Array | undefined, nowMs: number): boolean {
    const last = this.#fruitless.get(peer);
    if (last === undefined || theirs === undefined) return false;
    return nowMs < last.untilMs && equalBytes(last.ours, ours) && equalBytes(last.theirs, theirs);
  }
}

/** The oldest goes where there are too many. */
function remember<Value>(map: Map<Did, Value>, peer: Did, value: Value): void {
  map.delete(peer);
  map.set(peer, value);
  if (map.size <= PEERS_MAX) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
