import { equalBytes, type Did } from '@icn/identity';
import { filterOf, lackedBy, summaryBytes, wantsOf } from './reconcile.js';
import { TokenBucket } from '../bounds/token-bucket.js';
import type { TopicContext } from '../topic/topic-context.js';
import type { TopicState } from '../topic/topic-state.js';
import type { AntiEntropy, ClockComponent, FilterSummary, Summary } from '../wire/messages.js';
import { u64FromBytes } from '../wire/u64.js';
import type { WantList } from '../pull/want-list.js';

/** What is known of one peer in one topic. */
interface PeerView {
  /** The root that it last said is its own. */
  root: Uint8Array | undefined;
  /** Which slice of the id space its next filter covers. */
  filterTurn: number;
  /** How many of its messages are looked at. */
  readonly bucket: TokenBucket;
}

type SummaryKind = 'clock' | 'filter';

/** A clock or filter up to here goes out with the first question, which saves a round trip (guess: 32 heads). */
const SUMMARY_IN_QUESTION_BYTES_MAX = 2_432;
/** 8,192 components are about 610 KiB, within a frame; a longer clock is told in parts, from a random place on. */
const CLOCK_COMPONENTS_MAX = 8_192;

/**
 * The periodic repair of one topic. A round is a question and, where the roots differ, an answer:
 *
 * 1. The question carries our root, and a summary of what we hold where that is short. An equal root is answered
 *    by a root: done. A question without summary whose root differs is answered by a question with one.
 * 2. The summary is a clock, or a Bloom filter of ids under a fresh salt, as `reconcile` says. Whoever gets a clock
 *    pulls what it shows to be lacking; whoever gets a filter announces what that lacks. A question with a summary
 *    is answered with one of the same kind, or only one of the two would learn anything.
 * 3. When a pull has brought all, a new question compares the roots (I10, I11).
 *
 * Every message is safe to lose, repeat or reorder: the next round starts from what is held then. No message
 * causes more than one answer, and an answer none, so two nodes never keep each other busy.
 */
export class AntiEntropyRounds {
  readonly #context: TopicContext;
  readonly #state: TopicState;
  readonly #wants: WantList;
  readonly #peers = new Map<Did, PeerView>();
  constructor(context: TopicContext, state: TopicState, wants: WantList) {
    this.#context = context;
    this.#state = state;
    this.#wants = wants;
  }

  /** Peers that follow the topic, as far as they said so. */
  subscribers(): readonly Did[] {
    return [...this.#peers.keys()];
  }

  /** Peers whose last root is ours now. */
  inSync(): readonly Did[] {
    return [...this.#peers].filter(([, view]) => this.#isInSync(view)).map(([peer]) => peer);
  }

  addPeer(peer: Did, nowMs: number): void {
    const { roundsBurstMax, roundsPerSecond } = this.#context.limits;
    const bucket = new TokenBucket(roundsBurstMax, roundsPerSecond, nowMs);
    this.#peers.set(peer, { root: undefined, filterTurn: 0, bucket });
  }

  removePeer(peer: Did): void {
    this.#peers.delete(peer);
  }

  confirmEqual(peer: Did): void {
    const view = this.#peers.get(peer);
    if (view !== undefined) view.root = this.#state.root;
  }

  /** Begins a round with each of `peers`. */
  ask(peers: readonly Did[]): void {
    const { rounds } = this.#context;
    for (const peer of peers)
      this.#send(peer, rounds.nextRoundId(), false, (view) => this.#firstSummary(view));
  }

  received(peer: Did, message: AntiEntropy, nowMs: number): void {
    const { counters, limits } = this.#context;
    const view = this.#peers.get(peer);
    if (view === undefined) return;
    const scanCount = message.summary?.type === 'filter' ? this.#state.entryCount : 0;
    if (!view.bucket.take(1 + scanCount / limits.idsPerFilterMax, nowMs))
      return counters.add('rounds-overload');
    if (message.root !== null) view.root = message.root;
    else if (message.answer) view.root = this.#state.root;
    const { summary } = message;
    if (!this.#isInSync(view)) {
      if (summary?.type === 'filter') this.#announceLacked(peer, summary);
      if (summary?.type === 'clock')
        for (const want of wantsOf(this.#state, summary.clock)) this.#wants.add(want, peer);
    }
    if (!message.answer) this.#reply(peer, message);
  }

  #reply(peer: Did, question: AntiEntropy): void {
    const kind = kindOf(question.summary);
    const isEqual = question.root !== null && equalBytes(question.root, this.#state.root);
    this.#send(peer, question.roundId, kind !== undefined || isEqual, (view) =>
      this.#summary(kind ?? this.#ownKind(), view),
    );
  }

  #isInSync({ root }: PeerView): boolean {
    return root !== undefined && equalBytes(root, this.#state.root);
  }

  #announceLacked(peer: Did, filter: FilterSummary): void {
    const { outbox, limits } = this.#context;
    const { topic } = this.#state;
    for (const name of lackedBy(this.#state, filter, limits.announcementsPerRoundMax)) {
      outbox.sendWhenDurable([peer], { type: 'Announcement', topic, name, entry: undefined });
    }
  }

  /** Speaks of what we hold, so it goes out when all of that is durable. Says no more than a root to who has ours. */
  #send(peer: Did, roundId: number, answer: boolean, summarize: (view: PeerView) => Summary | null): void {
    const view = this.#peers.get(peer);
    if (view === undefined) return;
    const { root, topic } = this.#state;
    const summary = this.#isInSync(view) ? null : summarize(view);
    this.#context.outbox.sendWhenDurable([peer], {
      type: 'AntiEntropy',
      topic,
      roundId,
      answer,
      root,
      counts: null,
      closed: [],
      summary,
    });
  }

  #firstSummary(view: PeerView): Summary | null {
    const kind = this.#ownKind();
    const isShort = this.#bytes()[kind] <= SUMMARY_IN_QUESTION_BYTES_MAX;
    return isShort ? this.#summary(kind, view) : null;
  }

  #summary(kind: SummaryKind, view: PeerView): Summary {
    if (kind === 'clock') return { type: 'clock', clock: this.#clock(), base: null };
    const { idsPerFilterMax } = this.#context.limits;
    return filterOf(this.#state, view.filterTurn++, this.#randomU64(), idsPerFilterMax);
  }

  /** A short clock is better than any filter, because it is exact. */
  #ownKind(): SummaryKind {
    const { reconcile } = this.#context;
    if (reconcile !== 'auto') return reconcile === 'bloom' ? 'filter' : 'clock';
    const { clock, filter } = this.#bytes();
    return clock > SUMMARY_IN_QUESTION_BYTES_MAX && filter < clock ? 'filter' : 'clock';
  }

  #bytes(): Record<SummaryKind, number> {
    return summaryBytes(this.#state, this.#context.limits.idsPerFilterMax);
  }

  #clock(): readonly ClockComponent[] {
    const clock = this.#state.clock();
    if (clock.length <= CLOCK_COMPONENTS_MAX) return clock;
    const start = this.#randomU32() % clock.length;
    return [...clock.slice(start), ...clock.slice(0, start)].slice(0, CLOCK_COMPONENTS_MAX);
  }

  #randomU32(): number {
    return Number(this.#randomU64() & 0xffff_ffffn);
  }

  #randomU64(): bigint {
    return u64FromBytes(this.#context.random(8));
  }
}

function kindOf(summary: Summary | null): SummaryKind | undefined {
  return summary?.type === 'clock' || summary?.type === 'filter' ? summary.type : undefined;
}
