import { equalBytes, type Did } from '@icn/identity';
import { TokenBucket } from '../bounds/token-bucket.js';
import type { WantList } from '../pull/want-list.js';
import type { TopicContext } from '../topic/topic-context.js';
import type { TopicState } from '../topic/topic-state.js';
import type { Topic } from '../topic.js';
import { compareClosings } from '../topic/evidence.js';
import type {
  AntiEntropy,
  ClosedLog,
  HoldingCounts,
  LogName,
  PullRequest,
  Summary,
} from '../wire/messages.js';
import type { GossipLimits } from '../limits.js';
import { headHash, type HeadHash } from './head-hash.js';
import { Learner } from './learner.js';
import { PeerKnowledge } from './peer-knowledge.js';
import { PeerMemory } from './peer-memory.js';
import { SessionBills, type SessionBill } from './session-bill.js';
import { Sessions, type Session } from './sessions.js';
import { planFor } from './strategy.js';
import { CLOSED_MAX, Teller } from './teller.js';

/** What is known of one follower. */
interface PeerView {
  /** The root that it last said is its own. */
  root: Uint8Array | undefined;
  /** Which slice of the id space its next filter covers. */
  filterTurn: number;
  /** How many of its messages are looked at. */
  readonly bucket: TokenBucket;
}

/** A frame of a pull that passed within a session: bytes without those of the entries in it. */
export interface PullCost {
  readonly sentBytes?: number;
  readonly receivedBytes?: number;
  readonly entriesReceived?: number;
  readonly entriesSent?: number;
  /** It is a request of ours. */
  readonly isRequest?: boolean;
}

const NOTHING: HoldingCounts = { heads: 0, held: 0, parked: 0 };

/**
 * The reconciliation of one topic with one peer after another. A session:
 *
 * 1. A question carries our root and counts. An equal root is answered by "equal": done.
 * 2. Else the side that holds fewer entries learns and the other tells: whoever answers sees both counts, chooses a
 *    strategy, and tells or asks to be told. What is told is a clock, what changed of a clock since both had one
 *    root, or a sketch of the heads, which goes on until it shows the difference or is given up for the clock.
 * 3. Whoever learns pulls what it lacks, and nothing else. Then its root is that of the other side: done. Or it is
 *    not: then it tells the other side of heads that this one lacks, or a later round finds out (I10, I11).
 *
 * By choice (`reconcile: 'bloom'`) a question carries a Bloom filter of ids under a fresh salt; who gets it announces
 * what it lacks and answers with a filter of its own.
 *
 * Every message is safe to lose, repeat or reorder: the next round starts from what is held then. Each causes at
 * most one other of its session, and a session has an end, so two nodes never keep each other busy.
 */
export class AntiEntropyRounds {
  readonly #context: TopicContext;
  readonly #state: TopicState;
  readonly #peers = new Map<Did, PeerView>();
  readonly #sessions: Sessions;
  readonly #bills = new SessionBills();
  readonly #memory = new PeerMemory();
  readonly #teller: Teller;
  readonly #learner: Learner;
  readonly #wants: WantList;

  constructor(context: TopicContext, state: TopicState, wants: WantList) {
    this.#context = context;
    this.#state = state;
    this.#wants = wants;
    this.#sessions = new Sessions(context.limits.pullTimeoutMs);
    this.#teller = new Teller(context, state, this.#memory);
    this.#learner = new Learner(context.limits, state, wants, this.#memory, this.#teller);
  }

  get wakeAtMs(): number | undefined {
    return this.#sessions.wakeAtMs;
  }

  /** Followers that were not seen to have our root. */
  outOfSync(): readonly Did[] {
    return [...this.#peers].filter(([, { root }]) => !this.#isOurs(root)).map(([peer]) => peer);
  }

  /** Peers that follow the topic, as far as they said so. */
  followers(): readonly Did[] {
    return [...this.#peers.keys()];
  }

  /** Peers whose last root is ours now. */
  inSync(): readonly Did[] {
    return [...this.#peers].filter(([, { root }]) => this.#isOurs(root)).map(([peer]) => peer);
  }

  /** Bills of the last sessions, the oldest first. */
  bills(): readonly SessionBill[] {
    return this.#bills.list();
  }

  addPeer(peer: Did, nowMs: number): void {
    const { roundsBurstMax, roundsPerSecond } = this.#context.limits;
    const fresh = () => new TokenBucket(roundsBurstMax, roundsPerSecond, nowMs);
    const bucket = this.#memory.bucket(peer, fresh);
    this.#peers.set(peer, { root: undefined, filterTurn: 0, bucket });
  }

  removePeer(peer: Did, nowMs: number): void {
    this.#peers.delete(peer);
    for (const session of this.#sessions.of(peer)) this.#sessions.end(session, 'timed-out', nowMs);
  }

  woke(nowMs: number): void {
    this.#sessions.expire(nowMs);
  }

  /** The peer's root is ours now. */
  confirmEqual(peer: Did): void {
    const view = this.#peers.get(peer);
    if (view === undefined) return;
    const { root, version } = this.#state;
    view.root = root;
    this.#memory.agreed(peer, { root, version });
  }

  /** Begins a session with a follower, unless one that we began is under way, or is not worth while. */
  ask(peer: Did, nowMs: number): void {
    const view = this.#peers.get(peer);
    if (view === undefined) return;
    if (this.#sessions.of(peer).some((session) => isWaiting(session, nowMs, this.#context.limits))) return;
    if (this.#isBarren(peer, view.root)) return;
    const session = this.#open(peer, this.#context.rounds.nextRoundId(peer), 'asked', nowMs);
    const isBloom = this.#context.reconcile === 'bloom' && !this.#isOurs(view.root);
    if (isBloom) chose(session, 'bloom', 'a Bloom filter of ids, as configured');
    this.#teller.question(session, isBloom ? this.#teller.filter(view.filterTurn++) : null);
  }

  received(peer: Did, message: AntiEntropy, byteCount: number, nowMs: number): void {
    const view = this.#peers.get(peer);
    if (view === undefined) return;
    if (!view.bucket.take(this.#cost(message.summary), nowMs))
      return this.#context.counters.add('rounds-overload');
    const { roundId, answer, root, counts } = message;
    if (root !== null) view.root = root;
    const known = this.#sessions.find(peer, roundId);
    if (known === undefined && answer) return;
    const session = known ?? this.#open(peer, roundId, 'answered', nowMs);
    this.#sessions.touch(session, nowMs);
    session.bill.receivedBytes += byteCount;
    session.theirRoot = root ?? session.theirRoot;
    session.theirCounts = counts ?? session.theirCounts;
    session.bill.heldCount = Math.max(session.bill.heldCount, counts?.held ?? 0);
    if (answer) this.#takeAnswer(session, view, message, nowMs);
    else this.#takeQuestion(session, view, message, nowMs);
  }

  /**
   * A pull from or for `peer` goes on. What it pulls from here is no sign that a session which we began goes on: else
   * one of which an answer was lost would keep the next from beginning, for as long as the peer pulls.
   */
  pulled(peer: Did, cost: PullCost, nowMs: number): void {
    const session = this.#sessions.of(peer).at(-1);
    if (session === undefined) return;
    const { bill } = session;
    const isOurs = cost.isRequest === true || cost.entriesReceived !== undefined;
    if (isOurs || bill.role === 'answered') this.#sessions.touch(session, nowMs);
    bill.sentBytes += cost.sentBytes ?? 0;
    bill.receivedBytes += cost.receivedBytes ?? 0;
    bill.entriesReceived += cost.entriesReceived ?? 0;
    bill.entriesSent += cost.entriesSent ?? 0;
    if (cost.isRequest === true) bill.roundTrips++;
  }

  /** Ends the sessions of which all that was told is here, or cannot be had. Returns how many entries one of them brought at most. */
  finishDrained(nowMs: number): number {
    const drained = this.#sessions.told().filter(({ peer }) => this.#wants.isDrained(peer));
    for (const session of drained) this.#finish(session, nowMs);
    return Math.max(0, ...drained.map(({ bill }) => bill.entriesReceived));
  }

  #takeQuestion(session: Session, view: PeerView, { root, summary }: AntiEntropy, nowMs: number): void {
    const { peer } = session;
    if (this.#isOurs(root ?? undefined)) {
      this.confirmEqual(peer);
      this.#teller.equal(session);
      return this.#sessions.end(session, 'equal', nowMs);
    }
    if (summary?.type === 'filter') {
      chose(session, 'bloom', 'answered in kind');
      this.#teller.lacked(session, summary);
      return this.#teller.answerFilter(session, view.filterTurn++);
    }
    if (summary?.type === 'clock') {
      chose(session, 'clock', 'answered in kind');
      const isWhole = this.#learner.clock(session, summary);
      this.#teller.clock(session, true);
      return this.#told(session, isWhole, nowMs);
    }
    if (this.#isBarren(peer, session.theirRoot)) {
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

  #takeAnswer(session: Session, view: PeerView, { root, summary, closed }: AntiEntropy, nowMs: number): void {
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
        if (session.bill.role === 'asked' && view.root !== undefined) session.isTold = true;
        return;
      case 'clock':
        chose(session, 'clock', session.bill.strategy === 'root' ? 'chosen by the peer' : session.bill.why);
        return this.#told(session, this.#learner.clock(session, summary), nowMs);
      case 'sketch':
        if (hash === undefined) return;
        chose(session, 'sketch', session.bill.strategy === 'root' ? 'chosen by the peer' : session.bill.why);
        return this.#takeSketch(session, view, this.#learner.sketch(session, hash, summary), nowMs);
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
  #takeSketch(session: Session, { bucket }: PeerView, isWhole: boolean, nowMs: number): void {
    if (isWhole) bucket.charge(this.#scanCost);
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
    if (root === null && isStillAsked) this.confirmEqual(session.peer);
    const isEqual = root === null || this.#isOurs(root);
    const equal = session.receivedAtTurn === undefined ? 'equal' : 'repaired';
    this.#sessions.end(session, isEqual ? equal : 'differs', nowMs);
  }

  /** What the peer tells was taken in. Where nothing is to be pulled, the session is at its end. */
  #told(session: Session, isWhole: boolean, nowMs: number): void {
    session.isTold ||= isWhole;
    if (isWhole && this.#wants.isDrained(session.peer)) this.#finish(session, nowMs);
  }

  /**
   * The root check. Where the peer lacks heads of ours it is told them and learns in turn, then we again, for as long
   * as a turn brings something: where both miss entries of one log, each can go on only as far as the other has linked.
   */
  #finish(session: Session, nowMs: number): void {
    const { peer, theirRoot, bill } = session;
    if (this.#isOurs(theirRoot)) {
      this.confirmEqual(peer);
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
    if (bill.entriesReceived === 0 && theirRoot !== undefined && !session.isClockCut)
      this.#memory.noteFruitless(peer, this.#state.root, theirRoot);
    this.#sessions.end(session, 'differs', nowMs);
    if (bill.entriesReceived > 0 && hasNews) this.ask(peer, nowMs);
  }

  #open(peer: Did, roundId: number, role: SessionBill['role'], nowMs: number): Session {
    const { topic, counts, root } = this.#state;
    const session: Session = {
      peer,
      roundId,
      bill: this.#bills.open({ peer, topic, role, startedAtMs: nowMs, heldCount: counts.held }),
      endsAtMs: nowMs,
      ourRoot: root,
      theirRoot: undefined,
      theirCounts: undefined,
      learner: undefined,
      knowledge: new PeerKnowledge(),
      isTold: false,
      isClockCut: false,
      hasAnswered: false,
      hasHeard: false,
      receivedAtTurn: undefined,
    };
    this.#sessions.add(session, nowMs);
    return session;
  }

  /** How heads are named in a session, where both sides know how. */
  #hash({ peer, roundId }: Session): HeadHash | undefined {
    const { peers } = this.#context;
    const linkKey = peers.linkKey(peer);
    return linkKey === undefined || !peers.speaks(peer, 'sketch') ? undefined : headHash(linkKey, roundId);
  }

  /**
   * A filter costs a look at all that is held, and, because it may be answered at length, a second's worth besides. The
   * symbols of a sketch cost a look at the heads: a session takes many stretches of them, which have to fit one burst.
   */
  #cost(summary: Summary | null): number {
    const { idsPerFilterMax, roundsPerSecond } = this.#context.limits;
    if (summary?.type === 'filter') return roundsPerSecond + this.#scanCost;
    const isOfSketch = summary?.type === 'sketch' || summary?.type === 'sketch-request';
    return isOfSketch ? 1 + this.#state.headCount / idsPerFilterMax : 1;
  }

  get #scanCost(): number {
    return this.#state.entryCount / this.#context.limits.idsPerFilterMax;
  }

  /** Filters hide what the next would show, so it takes many of them to learn that nothing can be had. */
  #isBarren(peer: Did, theirRoot: Uint8Array | undefined): boolean {
    return this.#context.reconcile !== 'bloom' && this.#memory.isBarren(peer, this.#state.root, theirRoot);
  }

  #isOurs(root: Uint8Array | undefined): boolean {
    return root !== undefined && equalBytes(root, this.#state.root);
  }
}

function evidenceRequest(topic: Topic, evidence: readonly LogName[]): PullRequest {
  const nothing = { missing: [], ranges: [], heads: null } as const;
  return { type: 'PullRequest', requestId: 0, topic, ...nothing, bytesMax: 1, evidence };
}

/** Whether we began a session of which the last sign of life is recent: then another would only cost more. */
function isWaiting({ bill, endsAtMs }: Session, nowMs: number, { pullTimeoutMs }: GossipLimits): boolean {
  return bill.role === 'asked' && endsAtMs - nowMs > pullTimeoutMs / 2;
}

function chose({ bill }: Session, strategy: SessionBill['strategy'], why: string): void {
  bill.strategy = strategy;
  bill.why = why;
}
