import type { Did } from '@icn/identity';
import type { HoldingCounts } from '../wire/messages.js';
import type { PeerKnowledge } from './peer-knowledge.js';
import type { OpenBill } from './session-bill.js';
import type { SketchLearner } from './sketch-learner.js';

/** One reconciliation with one peer, from the first question to the root check at its end. */
export interface Session {
  readonly peer: Did;
  readonly roundId: number;
  readonly bill: OpenBill;
  endsAtMs: number;
  /** Our root as the peer was told it last: what an "equal" means. */
  ourRoot: Uint8Array;
  /** What the peer said it holds. */
  theirRoot: Uint8Array | undefined;
  theirCounts: HoldingCounts | undefined;
  learner: SketchLearner | undefined;
  /** What the session showed of the peer's heads. */
  readonly knowledge: PeerKnowledge;
  /** Whether this side sent an answer, and got one. */
  hasAnswered: boolean;
  hasHeard: boolean;
  /** Entries that had been received when the peer was told heads that it lacks; undefined before it was. */
  receivedAtTurn: number | undefined;
  /** Whether all that the peer tells was taken in: now it is only pulled. */
  isTold: boolean;
  /** Not all that the peer holds was told, or not all that is lacking was asked for: the next session may bring what this one did not. */
  isPartial: boolean;
}

/** Sessions with one peer at once: one that each side began, and one that a message of the first was lost of (guess). */
const PER_PEER_MAX = 4;

/** The sessions of one topic that are under way; each ends `timeoutMs` after its last sign of life. */
export class Sessions {
  readonly #timeoutMs: number;
  /** In the order in which they end. */
  readonly #sessions = new Set<Session>();

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  get wakeAtMs(): number | undefined {
    const [first] = this.#sessions;
    return first?.endsAtMs;
  }

  find(peer: Did, roundId: number): Session | undefined {
    return this.of(peer).find((session) => session.roundId === roundId);
  }

  /** The sessions with one peer, that with the last sign of life last. */
  of(peer: Did): Session[] {
    return [...this.#sessions].filter((session) => session.peer === peer);
  }

  /** The sessions of which all was told, and only pulls are left. */
  told(): Session[] {
    return [...this.#sessions].filter(({ isTold }) => isTold);
  }

  add(session: Session, nowMs: number): void {
    const others = this.of(session.peer);
    if (others.length >= PER_PEER_MAX) this.end(others[0]!, 'timed-out', nowMs);
    this.#sessions.add(session);
    this.touch(session, nowMs);
  }

  touch(session: Session, nowMs: number): void {
    if (!this.#sessions.delete(session)) return;
    session.endsAtMs = nowMs + this.#timeoutMs;
    this.#sessions.add(session);
  }

  end(session: Session, outcome: OpenBill['outcome'], nowMs: number): void {
    this.#sessions.delete(session);
    session.bill.outcome = outcome;
    session.bill.endedAtMs = nowMs;
  }

  expire(nowMs: number): void {
    for (const session of this.#sessions) {
      if (session.endsAtMs > nowMs) return;
      this.end(session, session.receivedAtTurn === undefined ? 'timed-out' : 'differs', nowMs);
    }
  }
}
