import type { EntryName } from '../entry/entry-name.js';
import type { TopicContext } from '../topic/topic-context.js';
import type { TopicState } from '../topic/topic-state.js';
import type { AntiEntropy, ClosedLog, FilterSummary, GossipMessage, Summary } from '../wire/messages.js';
import { u64FromBytes } from '../wire/u64.js';
import type { HeadHash } from './head-hash.js';
import type { PeerMemory } from './peer-memory.js';
import type { Session } from './sessions.js';
import { codedSymbols, SYMBOLS_MAX } from './sketch.js';
import { clockOf, filterOf, lackedBy } from './summaries.js';

/** Bytes of a root that name a remembered state. */
export const BASE_BYTES = 8;
/** Closed logs in one message: 40 KiB of them (guess). */
export const CLOSED_MAX = 1_024;

/** Says, within a session, what this node holds; bills what that costs. */
export class Teller {
  readonly #context: TopicContext;
  readonly #state: TopicState;
  readonly #memory: PeerMemory;

  constructor(context: TopicContext, state: TopicState, memory: PeerMemory) {
    this.#context = context;
    this.#state = state;
    this.#memory = memory;
  }

  /** Begins a session: our root and counts, with a filter of our ids where that is how we reconcile. */
  question(session: Session, summary: FilterSummary | null): void {
    const { root, counts } = this.#state;
    session.bill.roundTrips++;
    this.#send(session, { answer: false, root, counts, summary });
  }

  /** Our root is the peer's. */
  equal(session: Session): void {
    this.#send(session, { answer: true, root: null });
  }

  /** Our root is not the peer's, and there is nothing to say about it. */
  differs(session: Session): void {
    this.#send(session, { answer: true, ...this.#unsaid(session), root: this.#state.root });
  }

  request(session: Session, summary: Summary): void {
    session.bill.roundTrips++;
    this.#send(session, { answer: true, root: null, closed: this.#unsaid(session).closed, summary });
  }

  /** Our heads: those that changed since a state that the peer had too, or all, where it does not know that state. */
  clock(session: Session, isWhole = false): void {
    const base = isWhole ? undefined : this.#memory.base(session.peer);
    if (isWhole) this.#memory.forget(session.peer);
    const heads = base === undefined ? this.#state.heads() : this.#state.headsSince(base.version);
    const summary = clockOf(heads, base?.root.subarray(0, BASE_BYTES) ?? null, () => this.#randomU32());
    this.#send(session, { answer: true, ...this.#unsaid(session), summary });
  }

  /** Some of our heads, which the peer lacks: its turn to learn. */
  heads(session: Session, heads: readonly EntryName[]): void {
    session.ourRoot = this.#state.root;
    const summary = clockOf(heads, null, () => this.#randomU32());
    this.#send(session, { answer: true, root: this.#state.root, summary });
  }

  sketch(session: Session, hash: HeadHash, first: number, count: number): void {
    const items = Array.from(this.#state.heads(), ({ id }) => hash(id));
    const symbols = codedSymbols(items, first, Math.min(count, SYMBOLS_MAX));
    this.#send(session, {
      answer: true,
      ...this.#unsaid(session),
      summary: { type: 'sketch', first, symbols },
    });
  }

  /** The next slice of our ids as a filter. */
  filter(turn: number): FilterSummary {
    return filterOf(this.#state, turn, this.#randomU64(), this.#context.limits.idsPerFilterMax);
  }

  answerFilter(session: Session, turn: number): void {
    this.#send(session, { answer: true, ...this.#unsaid(session), summary: this.filter(turn) });
  }

  /** Names what a peer's filter lacks; the peer asks for it. */
  lacked({ peer, bill }: Session, filter: FilterSummary): void {
    const { outbox, limits, peers } = this.#context;
    const { topic } = this.#state;
    const names = [...lackedBy(this.#state, filter, limits.announcementsPerRoundMax)];
    if (names.length === 0) return;
    const messages: readonly GossipMessage[] = peers.speaks(peer, 'push-tree')
      ? [{ type: 'Announcements', topic, entries: [], names, isRepair: true }]
      : names.map((name) => ({ type: 'Announcement', topic, name, entry: undefined }));
    for (const message of messages) bill.sentBytes += outbox.sendWhenDurable([peer], message);
  }

  /** What the peer was not told in a question or an answer yet: root, counts, and from where logs are closed here. */
  #unsaid({ bill, hasAnswered }: Session): Pick<AntiEntropy, 'root' | 'counts' | 'closed'> {
    if (bill.role === 'asked' || hasAnswered) return { root: null, counts: null, closed: [] };
    const { root, counts } = this.#state;
    return { root, counts, closed: this.#closed() };
  }

  /** From where logs are closed here; of too many some, from a random place on, so that later rounds tell of the rest. */
  #closed(): readonly ClosedLog[] {
    const all = this.#state.closed();
    if (all.length <= CLOSED_MAX) return all;
    const start = this.#randomU32() % all.length;
    return [...all.slice(start), ...all.slice(0, start)].slice(0, CLOSED_MAX);
  }

  /** Speaks of what we hold, so it goes out when all of that is durable. */
  #send(
    session: Session,
    fields: Pick<AntiEntropy, 'answer' | 'root'> &
      Partial<Pick<AntiEntropy, 'counts' | 'closed' | 'summary'>>,
  ): void {
    const { peer, roundId, bill } = session;
    const { topic } = this.#state;
    const message = { type: 'AntiEntropy', topic, roundId, counts: null, closed: [], summary: null } as const;
    bill.sentBytes += this.#context.outbox.sendWhenDurable([peer], { ...message, ...fields });
    session.hasAnswered ||= fields.answer;
    const { summary } = fields;
    if (summary?.type === 'clock' || summary?.type === 'sketch') session.knowledge.told(this.#state.version);
  }

  #randomU32(): number {
    return Number(this.#randomU64() & 0xffff_ffffn);
  }

  #randomU64(): bigint {
    return u64FromBytes(this.#context.random(8));
  }
}
