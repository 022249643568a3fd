import { equalBytes, type Did } from '@icn/identity';
import { filterOf, lackedBy, summaryBytes, wantsOf } from './reconcile.js';
import { TokenBucket } from '../bounds/token-bucket.js';
import type { TopicContext } from '../topic/topic-context.js';
import type { TopicState } from '../topic/topic-state.js';
import type { AntiEntropy, ClockComponent } from '../wire/messages.js';
import { u64FromBytes } from '../wire/u64.js';
import type { WantList } from '../pull/want-list.js';

/** What is known of one peer in one topic. */
interface PeerView {
  /** It spoke of the topic, so it follows it. */
  isSubscribed: boolean;
  /** The root that it last said is its own. */
  root: Uint8Array | undefined;
  /** Which slice of the id space its next filter covers. */
  filterTurn: number;
  /** How many of its messages are looked at. */
  readonly bucket: TokenBucket;
}

/** How a message tells what its sender holds. */
type Summary = Pick<AntiEntropy, 'clock' | 'filter'>;
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
  #nextRoundAtMs: number | undefined;
  #roundCount = 0;

  constructor(context: TopicContext, state: TopicState, wants: WantList) {
    this.#context = context;
    this.#state = state;
    this.#wants = wants;
  }

  get wakeAtMs(): number | undefined {
    return this.#nextRoundAtMs;
  }

  /** Peers that follow the topic, as far as they said so. */
  subscribers(): readonly Did[] {
    return [...this.#peers].filter(([, view]) => view.isSubscribed).map(([peer]) => peer);
  }

  /** Peers whose last root is ours now. */
  inSync(): readonly Did[] {
    return [...this.#peers].filter(([, view]) => this.#isInSync(view)).map(([peer]) => peer);
  }

  addPeer(peer: Did, nowMs: number): void {
    const { roundsBurstMax, roundsPerSecond } = this.#context.limits;
    const bucket = new TokenBucket(roundsBurstMax, roundsPerSecond, nowMs);
    this.#peers.set(peer, { isSubscribed: false, root: undefined, filterTurn: 0, bucket });
    this.#nextRoundAtMs ??= this.#drawNextRound(nowMs);
  }

  removePeer(peer: Did): void {
    this.#peers.delete(peer);
    if (this.#peers.size === 0) this.#nextRoundAtMs = undefined;
  }

  /** The peer spoke of the topic. */
  markSubscribed(peer: Did): void {
    const view = this.#peers.get(peer);
    if (view !== undefined) view.isSubscribed = true;
  }

  /** Begins a round with each of `peers`. */
  ask(peers: readonly Did[]): void {
    for (const peer of peers)
      this.#send(peer, this.#randomU32(), false, (salt, view) => this.#firstSummary(salt, view));
  }

  /** Begins a round with the peer whose turn it is. */
  woke(nowMs: number): void {
    if (this.#nextRoundAtMs === undefined || nowMs < this.#nextRoundAtMs) return;
    this.#nextRoundAtMs = this.#drawNextRound(nowMs);
    const peers = [...this.#peers.keys()];
    const peer = peers[this.#roundCount++ % peers.length];
    if (peer !== undefined) this.ask([peer]);
  }

  received(peer: Did, message: AntiEntropy, nowMs: number): void {
    const { counters, limits } = this.#context;
    const view = this.#peers.get(peer);
    if (view === undefined) return;
    const scanCount = message.filter === null ? 0 : this.#state.entryCount;
    if (!view.bucket.take(1 + scanCount / limits.idsPerFilterMax, nowMs))
      return counters.add('rounds-overload');
    const isNews = !view.isSubscribed;
    view.isSubscribed = true;
    view.root = message.root;
    if (!this.#isInSync(view)) {
      this.#announceLacked(peer, message);
      for (const want of wantsOf(this.#state, message.clock ?? [])) this.#wants.add(want, peer);
    }
    if (!message.answer) this.#reply(peer, message);
    // We went on since we asked, and as its topic was news to us, we did not announce that to it.
    else if (isNews && !this.#isInSync(view) && kindOf(message) === undefined) this.ask([peer]);
  }

  #reply(peer: Did, question: AntiEntropy): void {
    const kind = kindOf(question);
    const isAnswer = kind !== undefined || equalBytes(question.root, this.#state.root);
    this.#send(peer, question.roundId, isAnswer, (salt, view) =>
      this.#summary(kind ?? this.#ownKind(), salt, view),
    );
  }

  #isInSync({ root }: PeerView): boolean {
    return root !== undefined && equalBytes(root, this.#state.root);
  }

  #announceLacked(peer: Did, message: AntiEntropy): void {
    const { outbox, limits } = this.#context;
    const { topic } = this.#state;
    for (const name of lackedBy(this.#state, message, limits.announcementsPerRoundMax)) {
      outbox.sendWhenDurable([peer], { type: 'Announcement', topic, name, entry: undefined });
    }
  }

  /** Speaks of what we hold, so it goes out when all of that is durable. Says no more than a root to who has ours. */
  #send(
    peer: Did,
    roundId: number,
    answer: boolean,
    summarize: (salt: bigint, view: PeerView) => Summary,
  ): void {
    const view = this.#peers.get(peer);
    if (view === undefined) return;
    const { root, topic } = this.#state;
    const { outbox, epoch } = this.#context;
    const salt = this.#randomU64();
    const summary = this.#isInSync(view) ? BARE : summarize(salt, view);
    outbox.sendWhenDurable([peer], {
      type: 'AntiEntropy',
      topic,
      roundId,
      answer,
      salt,
      root,
      epoch,
      closed: [],
      sketch: null,
      ...summary,
    });
  }

  #firstSummary(salt: bigint, view: PeerView): Summary {
    const kind = this.#ownKind();
    const isShort = this.#bytes()[kind] <= SUMMARY_IN_QUESTION_BYTES_MAX;
    return isShort ? this.#summary(kind, salt, view) : BARE;
  }

  #summary(kind: SummaryKind, salt: bigint, view: PeerView): Summary {
    if (kind === 'clock') return { clock: this.#clock(), filter: null };
    const { idsPerFilterMax } = this.#context.limits;
    return { clock: null, filter: filterOf(this.#state, view.filterTurn++, salt, idsPerFilterMax) };
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

  #drawNextRound(nowMs: number): number {
    const jitter = 0.8 + (0.4 * this.#randomU32()) / 0xffff_ffff;
    return nowMs + this.#context.limits.antiEntropyIntervalMs * jitter;
  }

  #randomU32(): number {
    return Number(this.#randomU64() & 0xffff_ffffn);
  }

  #randomU64(): bigint {
    return u64FromBytes(this.#context.random(8));
  }
}

/** A root alone. */
const BARE: Summary = { clock: null, filter: null };

function kindOf({ clock, filter }: Summary): SummaryKind | undefined {
  if (clock !== null) return 'clock';
  return filter === null ? undefined : 'filter';
}
