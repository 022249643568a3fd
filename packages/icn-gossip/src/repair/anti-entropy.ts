import type { Did } from '@icn/identity';
import { PeerBuckets } from '../bounds/peer-buckets.js';
import type { GossipLimits } from '../limits.js';
import type { WantList } from '../pull/want-list.js';
import type { TopicContext } from '../topic/topic-context.js';
import type { TopicState } from '../topic/topic-state.js';
import type { AntiEntropy, Summary } from '../wire/messages.js';
import { chose, Dialogue, scanCost } from './dialogue.js';
import { Followers } from './followers.js';
import { PeerKnowledge } from './peer-knowledge.js';
import { PeerMemory } from './peer-memory.js';
import { SessionBills, type SessionBill } from './session-bill.js';
import { Sessions, type Session } from './sessions.js';
import { Teller } from './teller.js';

/** A frame of a pull that passed within a session: bytes without those of the entries in it. */
export interface PullCost {
  readonly sentBytes?: number;
  readonly receivedBytes?: number;
  readonly entriesReceived?: number;
  readonly entriesSent?: number;
  /** It is a request of ours. */
  readonly isRequest?: boolean;
}

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
  readonly #wants: WantList;
  readonly #memory: PeerMemory;
  readonly #followers: Followers;
  readonly #buckets: PeerBuckets;
  readonly #sessions: Sessions;
  readonly #bills = new SessionBills();
  readonly #teller: Teller;
  readonly #dialogue: Dialogue;

  constructor(context: TopicContext, state: TopicState, wants: WantList) {
    const { limits } = context;
    this.#context = context;
    this.#state = state;
    this.#wants = wants;
    this.#memory = new PeerMemory(limits.antiEntropyIntervalMs);
    this.#followers = new Followers(state, this.#memory);
    this.#buckets = new PeerBuckets(limits.roundsBurstMax, limits.roundsPerSecond);
    this.#sessions = new Sessions(limits.pullTimeoutMs);
    this.#teller = new Teller(context, state, this.#memory);
    const [followers, sessions, memory, teller] = [
      this.#followers,
      this.#sessions,
      this.#memory,
      this.#teller,
    ];
    const askAgain = (peer: Did, nowMs: number) => this.ask(peer, nowMs);
    this.#dialogue = new Dialogue({ context, state, wants, followers, sessions, memory, teller, askAgain });
  }

  get wakeAtMs(): number | undefined {
    return this.#sessions.wakeAtMs;
  }

  /** Followers that were not seen to have our root. */
  outOfSync(): readonly Did[] {
    return this.#followers.inSync(false);
  }

  /** Peers that follow the topic, as far as they said so. */
  followers(): readonly Did[] {
    return this.#followers.all();
  }

  /** Peers whose last root is ours now. */
  inSync(): readonly Did[] {
    return this.#followers.inSync(true);
  }

  /** Bills of the last sessions, the oldest first. */
  bills(): readonly SessionBill[] {
    return this.#bills.list();
  }

  addPeer(peer: Did, nowMs: number): void {
    this.#followers.add(peer, this.#buckets.of(peer, nowMs));
  }

  removePeer(peer: Did, nowMs: number): void {
    this.#followers.delete(peer);
    for (const session of this.#sessions.of(peer)) this.#sessions.end(session, 'timed-out', nowMs);
  }

  woke(nowMs: number): void {
    this.#sessions.expire(nowMs);
  }

  /** The peer's root is ours now. */
  confirmEqual(peer: Did): void {
    this.#followers.confirmEqual(peer);
  }

  /** Begins a session with a follower, unless one that we began is under way, or is not worth while. */
  ask(peer: Did, nowMs: number): void {
    const follower = this.#followers.get(peer);
    if (follower === undefined) return;
    if (this.#sessions.of(peer).some((session) => isWaiting(session, nowMs, this.#context.limits))) return;
    if (this.#dialogue.isBarren(peer, follower.root, nowMs)) return;
    const session = this.#open(peer, this.#context.rounds.nextRoundId(peer), 'asked', nowMs);
    const isBloom = this.#context.reconcile === 'bloom' && !this.#followers.isOurs(follower.root);
    if (isBloom) chose(session, 'bloom', 'a Bloom filter of ids, as configured');
    this.#teller.question(session, isBloom ? this.#teller.filter(follower.filterTurn++) : null);
  }

  received(peer: Did, message: AntiEntropy, byteCount: number, nowMs: number): void {
    const follower = this.#followers.get(peer);
    if (follower === undefined) return;
    if (!follower.bucket.take(this.#cost(message.summary), nowMs))
      return this.#context.counters.add('rounds-overload');
    const { roundId, answer, root, counts } = message;
    if (root !== null) follower.root = root;
    const known = this.#sessions.find(peer, roundId);
    if (known === undefined && answer) return;
    const session = known ?? this.#open(peer, roundId, 'answered', nowMs);
    this.#sessions.touch(session, nowMs);
    session.bill.receivedBytes += byteCount;
    session.theirRoot = root ?? session.theirRoot;
    session.theirCounts = counts ?? session.theirCounts;
    session.bill.heldCount = Math.max(session.bill.heldCount, counts?.held ?? 0);
    if (answer) this.#dialogue.answer(session, follower, message, nowMs);
    else this.#dialogue.question(session, follower, message, nowMs);
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
    for (const session of drained) this.#dialogue.finish(session, nowMs);
    return Math.max(0, ...drained.map(({ bill }) => bill.entriesReceived));
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
      isPartial: false,
      hasAnswered: false,
      hasHeard: false,
      receivedAtTurn: undefined,
    };
    this.#sessions.add(session, nowMs);
    return session;
  }

  /**
   * A filter costs a look at all that is held, and, because it may be answered at length, a second's worth besides. The
   * symbols of a sketch cost a look at the heads: a session takes many stretches of them, which have to fit one burst.
   */
  #cost(summary: Summary | null): number {
    const { idsPerFilterMax, roundsPerSecond } = this.#context.limits;
    if (summary?.type === 'filter') return roundsPerSecond + scanCost(this.#context, this.#state);
    const isOfSketch = summary?.type === 'sketch' || summary?.type === 'sketch-request';
    return isOfSketch ? 1 + this.#state.headCount / idsPerFilterMax : 1;
  }
}

/** Whether we began a session of which the last sign of life is recent: then another would only cost more. */
function isWaiting({ bill, endsAtMs }: Session, nowMs: number, { pullTimeoutMs }: GossipLimits): boolean {
  return bill.role === 'asked' && endsAtMs - nowMs > pullTimeoutMs / 2;
}
