import { equalBytes, type Did } from '@icn/identity';
import type { WantList } from '../pull/want-list.js';
import { compareClosings } from '../topic/evidence.js';
import type { TopicContext } from '../topic/topic-context.js';
import type { TopicState } from '../topic/topic-state.js';
import type { Topic } from '../topic.js';
import type { AntiEntropy, ClosedLog, HoldingCounts, LogName, PullRequest } from '../wire/messages.js';
import type { Follower, Followers } from './followers.js';
import { headHash, type HeadHash } from './head-hash.js';
import { Learner } from './learner.js';
import type { PeerMemory } from './peer-memory.js';
import type { OpenBill } from './session-bill.js';
import type { Session, Sessions } from './sessions.js';
import { planFor } from './strategy.js';
import { CLOSED_MAX, type Teller } from './teller.js';

export interface DialogueOptions {
  readonly context: TopicContext;
  readonly state: TopicState;
  readonly wants: WantList;
  readonly followers: Followers;
  readonly sessions: Sessions;
  readonly memory: PeerMemory;
  readonly teller: Teller;
  /** A session brought something and did not end in equal roots: another is worth while. */
  readonly askAgain: (peer: Did, nowMs: number) => void;
}

const NOTHING: HoldingCounts = { heads: 0, held: 0, parked: 0 };

/** What is said next in a session: the turns of teller and learner, up to the root check (I10). */
export class Dialogue {
  readonly #context: TopicContext;
  readonly #state: TopicState;
  readonly #wants: WantList;
  readonly #followers: Followers;
  readonly #sessions: Sessions;
  readonly #memory: PeerMemory;
  readonly #teller: Teller;
  readonly #learner: Learner;
  readonly #askAgain: DialogueOptions['askAgain'];

  constructor({ context, state, wants, followers, sessions, memory, teller, askAgain }: DialogueOptions) {
    this.#context = context;
    this.#state = state;
    this.#wants = wants;
    this.#followers = followers;
    this.#sessions = sessions;
    this.#memory = memory;
    this.#teller = teller;
    this.#learner = new Learner(context.limits, state, wants, memory, teller);
    this.#askAgain = askAgain;
  }

  /** What was asked, and by whom it is answered: with "equal", in kind, or by the side that holds more. */
  question(session: Session, follower: Follower, { root, summary }: AntiEntropy, nowMs: number): void {
    const { peer } = session;
    if (this.#followers.isOurs(root ?? undefined)) {
      this.#followers.confirmEqual(peer);
      this.#teller.equal(session);
      return this.#sessions.end(session, 'equal', nowMs);
    }
    if (summary?.type === 'filter') {
      chose(session, 'bloom', 'answered in kind');
      this.#teller.lacked(session, summary);
      return this.#teller.answerFilter(session, follower.filterTurn++);
    }
    if (summary?.type === 'clock') {
      chose(session, 'clock', 'answered in kind');
      const isWhole = this.#learner.clock(session, summary);
      this.#teller.clock(session, true);
      return this.#told(session, isWhole, nowMs);
    }
    if (this.isBarren(peer, session.theirRoot, nowMs)) {
      this.#teller.differs(session);
      return this.#sessions.end(session, 'differs', nowMs);
    }
    return this.#steer(session);
  }

  /** Whoever answers sees both counts: the side that holds fewer entries learns. */
  #steer(session: Session): void {
    const theirs = session.theirCounts ?? NOTHING;
    const ours = this.#state.counts;
    const isLearner = theirs.held > ours.held;
    const base = this.#memory.base(session.peer);
    const hash = this.#hash(session);
    const plan = planFor({
      reconcile: this.#context.reconcile,
      teller: isLearner ? theirs : ours,
      learner: isLearner ? ours : theirs,
      changedCount: isLearner || base === undefined ? undefined : this.#state.headsSince(base.version).length,
      canSketch: hash !== undefined,
    });
    chose(session, plan.type, plan.why);
    if (plan.type === 'clock' || hash === undefined) {
      if (isLearner) this.#teller.request(session, { type: 'clock-request' });
      else this.#teller.clock(session);
    } else if (isLearner) {
      this.#teller.request(session, { type: 'sketch-request', first: 0, count: plan.symbolCount });
    } else this.#teller.sketch(session, hash, 0, plan.symbolCount);
  }

  answer(session: Session, follower: Follower, { root, summary, closed }: AntiEntropy, nowMs: number): void {
    // "Equal" names no closed logs, because both hold the same closed.
    const isEqual = root === null && summary === null;
    if (session.bill.role === 'asked' && !session.hasHeard && !isEqual)
      this.#compareClosings(session, closed);
    session.hasHeard = true;
    const hash = this.#hash(session);
    switch (summary?.type) {
      case undefined:
        return this.#takeVerdict(session, root, nowMs);
      case 'filter':
        this.#teller.lacked(session, summary);
        if (session.bill.role === 'asked' && follower.root !== undefined) session.isTold = true;
        return;
      case 'clock':
        chose(session, 'clock', session.bill.strategy === 'root' ? 'chosen by the peer' : session.bill.why);
        return this.#told(session, this.#learner.clock(session, summary), nowMs);
      case 'sketch':
        if (hash === undefined) return;
        chose(session, 'sketch', session.bill.strategy === 'root' ? 'chosen by the peer' : session.bill.why);
        return this.#takeSketch(session, follower, this.#learner.sketch(session, hash, summary), nowMs);
      case 'clock-request':
        chose(session, 'clock', 'asked for by the peer');
        return this.#teller.clock(session, true);
      case 'sketch-request':
        if (hash === undefined) return;
        chose(session, 'sketch', 'asked for by the peer');
        return this.#teller.sketch(session, hash, summary.first, summary.count);
    }
  }

  /** Once it shows the difference, all that is held may have been searched for heads of the peer: paid for afterwards. */
  #takeSketch(session: Session, { bucket }: Follower, isWhole: boolean, nowMs: number): void {
    if (isWhole) bucket.charge(scanCost(this.#context, this.#state));
    this.#told(session, isWhole, nowMs);
  }

  /** Who asked sees which logs either side holds closed and the other does not: asks for evidence, or gives it. */
  #compareClosings({ peer, bill }: Session, theirs: readonly ClosedLog[]): void {
    const { outbox, evidence, peers } = this.#context;
    const { topic } = this.#state;
    const ours = this.#state.closed();
    const { wanted, lacking } = compareClosings(ours, theirs);
    if (wanted.length > 0) bill.sentBytes += outbox.send([peer], evidenceRequest(topic, wanted));
    if (theirs.length >= CLOSED_MAX || !peers.speaks(peer, 'evidence')) return;
    for (const { author, lane } of lacking) evidence.tell([peer], topic, this.#state.witness(author, lane));
  }

  /** "Equal", which is meant of the root that we asked with; or a root that differs, and nothing to say about it. */
  #takeVerdict(session: Session, root: Uint8Array | null, nowMs: number): void {
    const isStillAsked = equalBytes(session.ourRoot, this.#state.root);
    if (root === null && isStillAsked) this.#followers.confirmEqual(session.peer);
    const isEqual = root === null || this.#followers.isOurs(root);
    const equal = session.receivedAtTurn === undefined ? 'equal' : 'repaired';
    this.#sessions.end(session, isEqual ? equal : 'differs', nowMs);
  }

  /** What the peer tells was taken in. Where nothing is to be pulled, the session is at its end. */
  #told(session: Session, isWhole: boolean, nowMs: number): void {
    session.isTold ||= isWhole;
    if (isWhole && this.#wants.isDrained(session.peer)) this.finish(session, nowMs);
  }

  /**
   * The root check. Where the peer lacks heads of ours it is told them and learns in turn, then we again, for as long
   * as a turn brings something: where both miss entries of one log, each can go on only as far as the other has linked.
   */
  finish(session: Session, nowMs: number): void {
    const { peer, theirRoot, bill } = session;
    if (this.#followers.isOurs(theirRoot)) {
      this.#followers.confirmEqual(peer);
      if (session.knowledge.hasTold) this.#teller.equal(session);
      return this.#sessions.end(session, 'repaired', nowMs);
    }
    const heads = session.knowledge.lackedOf(this.#state);
    const hasNews = bill.entriesReceived > (session.receivedAtTurn ?? -1);
    if (heads.length > 0 && hasNews) {
      session.receivedAtTurn = bill.entriesReceived;
      session.isTold = false;
      return this.#teller.heads(session, heads);
    }
    if (bill.entriesReceived === 0 && theirRoot !== undefined && !session.isPartial)
      this.#memory.noteFruitless(peer, this.#state.root, theirRoot, nowMs);
    this.#sessions.end(session, 'differs', nowMs);
    if (bill.entriesReceived > 0 && hasNews) this.#askAgain(peer, nowMs);
  }

  /** How heads are named in a session, where both sides know how. */
  #hash({ peer, roundId }: Session): HeadHash | undefined {
    const { peers } = this.#context;
    const linkKey = peers.linkKey(peer);
    return linkKey === undefined || !peers.speaks(peer, 'sketch') ? undefined : headHash(linkKey, roundId);
  }

  /** Filters hide what the next would show, so it takes many of them to learn that nothing can be had. */
  isBarren(peer: Did, theirRoot: Uint8Array | undefined, nowMs: number): boolean {
    if (this.#context.reconcile === 'bloom') return false;
    return this.#memory.isBarren(peer, this.#state.root, theirRoot, nowMs);
  }
}

/** What a look at all that is held counts as, in messages. */
export function scanCost({ limits }: TopicContext, { entryCount }: TopicState): number {
  return entryCount / limits.idsPerFilterMax;
}

function evidenceRequest(topic: Topic, evidence: readonly LogName[]): PullRequest {
  const nothing = { missing: [], ranges: [], heads: null } as const;
  return { type: 'PullRequest', requestId: 0, topic, ...nothing, bytesMax: 1, evidence };
}

/** Notes in the bill what a session goes by. */
export function chose({ bill }: Session, strategy: OpenBill['strategy'], why: string): void {
  bill.strategy = strategy;
  bill.why = why;
}
