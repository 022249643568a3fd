import { equalBytes, type Did } from '@icn/identity';
import type { Counters } from '../bounds/counters.js';
import { PeerBuckets } from '../bounds/peer-buckets.js';
import type { DropName } from '../drops.js';
import type { GossipLimits } from '../limits.js';
import type { Outbox } from '../outbox.js';
import type { Topic } from '../topic.js';
import type { TopicGossip } from '../topic/topic-gossip.js';
import type { Roots, Subscribe, TopicRoots } from '../wire/messages.js';
import { u64FromBytes } from '../wire/u64.js';
import { namedTopics, rowsByTopic } from './early-roots.js';
import type { Peer, Peers } from './peers.js';
import { ROW_BYTES, rootOfRoots, rowOf, rowsOf } from './root-of-roots.js';

export interface RoundsOptions {
  readonly self: Did;
  readonly peers: Peers;
  /** The topics that this node follows. */
  readonly topics: ReadonlyMap<Topic, TopicGossip>;
  readonly limits: GossipLimits;
  readonly outbox: Outbox;
  readonly counters: Counters<DropName>;
  readonly random: (byteCount: number) => Uint8Array;
  /** Lets an event reach a topic. */
  readonly at: (topic: TopicGossip, event: () => void) => void;
}

/** A root of roots as a peer was asked about it. */
interface Question {
  readonly roundId: number;
  readonly root: Uint8Array;
}

/** Questions to a peer that an answer is still taken to: at 5 s a round answers may take 20 s. */
const QUESTIONS_MAX = 4;

/**
 * The periodic repair of all topics with one peer after another. Two that follow one topic compare its roots; two
 * that follow more compare the root of the roots, so that a round costs the same for a thousand topics while
 * nothing differs, and then the roots of each.
 */
export class Rounds {
  readonly #options: RoundsOptions;
  /** Peers in the order of their turns: whose turn it was goes to the end. */
  readonly #turns = new Set<Did>();
  #nextAtMs: number | undefined;
  #lastRound = 0;
  /** How many questions of each peer are looked at: each costs as much as there are topics. */
  readonly #buckets: PeerBuckets;
  /** The last questions to each peer: an answer may take longer than a round. */
  readonly #asked = new Map<Did, readonly Question[]>();

  constructor(options: RoundsOptions) {
    this.#options = options;
    const { roundsBurstMax, roundsPerSecond } = options.limits;
    this.#buckets = new PeerBuckets(roundsBurstMax, roundsPerSecond);
  }

  get wakeAtMs(): number | undefined {
    return this.#nextAtMs;
  }

  peerUp(did: Did, nowMs: number): void {
    this.#turns.add(did);
    this.#nextAtMs ??= this.#drawNext(nowMs);
  }

  peerDown(did: Did): void {
    this.#turns.delete(did);
    this.#asked.delete(did);
    if (this.#turns.size === 0) this.#nextAtMs = undefined;
  }

  /**
   * Numbers a round: small, because it travels in every message of the round; even from the smaller DID and odd from
   * the larger, because both may begin one at once.
   */
  nextRoundId(peer: Did): number {
    this.#lastRound = (this.#lastRound + 1) % 0x8000;
    return 2 * this.#lastRound + (this.#options.self < peer ? 0 : 1);
  }

  woke(nowMs: number): void {
    if (this.#nextAtMs === undefined || nowMs < this.#nextAtMs) return;
    this.#nextAtMs = this.#drawNext(nowMs);
    const [did] = this.#turns;
    if (did === undefined) return;
    this.#turns.delete(did);
    this.#turns.add(did);
    const peer = this.#options.peers.get(did);
    if (peer !== undefined) this.begin(peer, nowMs);
  }

  /** Compares with a peer whatever both follow. What was lost of the meeting is said again. */
  begin(peer: Peer, nowMs: number): void {
    const { peers, outbox } = this.#options;
    if (peer.hello === undefined) peers.greet(peer);
    if (!peer.hasSubscribed || peer.repliesDue > 0) {
      peer.repliesDue = 0;
      this.subscribe([peer], true);
    }
    const common = this.#common(peer);
    if (common.length <= 1 || !peers.speaks(peer.did, 'topics')) {
      for (const topic of common) this.#ask(topic, peer.did, nowMs);
      return;
    }
    const roundId = this.nextRoundId(peer.did);
    const root = rootOfRoots(common.map(({ state }) => state));
    this.#asked.set(
      peer.did,
      [...(this.#asked.get(peer.did) ?? []), { roundId, root }].slice(-QUESTIONS_MAX),
    );
    const topicCount = common.length;
    outbox.sendWhenDurable([peer.did], {
      type: 'Roots',
      roundId,
      answer: false,
      topicCount,
      root,
      rows: null,
    });
  }

  /** Says what this node follows, or that it follows these now. A reply that does not come is asked for again. */
  subscribe(to: Iterable<Peer>, reply: boolean, topics = this.#followed()): void {
    const peers = [...to];
    if (reply) for (const peer of peers) peer.repliesDue++;
    this.#options.outbox.send(
      peers.map(({ did }) => did),
      { type: 'Subscribe', topics, reply },
    );
  }

  receivedSubscribe(peer: Peer, { topics, reply }: Subscribe, nowMs: number): void {
    // The first is that of the meeting: it may be older than what was asked.
    if (!reply && peer.hasSubscribed) peer.repliesDue = Math.max(0, peer.repliesDue - 1);
    peer.hasSubscribed = true;
    const named = new Set(topics);
    peer.unnamed = [...peer.topics].filter((topic) => !named.has(topic));
    const common = topics.filter((topic) => this.#follows(topic));
    const news = common.filter((topic) => !peer.topics.has(topic));
    for (const topic of common) this.follow(peer, topic, nowMs);
    if (reply) this.#options.outbox.send([peer.did], { type: 'Subscribe', topics: common, reply: false });
    // Of two that meet, the one with the smaller DID asks: one round serves both.
    if (news.length === 0 || peer.did < this.#options.self) return;
    if (this.#isLookedAt(peer, nowMs)) this.begin(peer, nowMs);
    else this.#options.counters.add('rounds-overload');
  }

  /** The peer follows a topic that this node follows too. */
  follow(peer: Peer, topic: Topic, nowMs: number): void {
    if (peer.topics.has(topic)) return;
    peer.topics.add(topic);
    const followed = this.#options.topics.get(topic);
    if (followed !== undefined) this.#options.at(followed, () => followed.followerUp(peer.did, nowMs));
  }

  receivedRoots(peer: Peer, message: Roots, nowMs: number): void {
    if (message.answer) this.#receivedAnswer(peer, message, nowMs);
    else if (this.#isLookedAt(peer, nowMs)) this.#answer(peer, message);
    else this.#options.counters.add('rounds-overload');
  }

  /** What the peer holds, told without being asked on this link: what differs is asked for at once. */
  receivedTopicRoots(peer: Peer, message: TopicRoots, nowMs: number): void {
    if (!this.#isLookedAt(peer, nowMs)) return this.#options.counters.add('rounds-overload');
    const rows = rowsByTopic(message);
    for (const topic of namedTopics(message, this.#options.topics)) {
      this.follow(peer, topic.state.topic, nowMs);
      const row = rows.get(topic.state.topic);
      if (row !== undefined && !equalBytes(row, rowOf(topic.state))) this.#ask(topic, peer.did, nowMs);
    }
  }

  #isLookedAt({ did }: Peer, nowMs: number): boolean {
    return this.#buckets.of(did, nowMs).take(1, nowMs);
  }

  #answer(peer: Peer, { roundId, topicCount, root: theirs }: Roots): void {
    const common = this.#common(peer);
    const root = rootOfRoots(common.map(({ state }) => state));
    const isEqual = theirs !== null && equalBytes(theirs, root);
    if (isEqual) for (const topic of common) topic.confirmEqual(peer.did);
    const isSameCount = topicCount === common.length;
    if (!isSameCount) this.subscribe([peer], true);
    const rows = isEqual || !isSameCount ? null : rowsOf(common.map(({ state }) => state));
    this.#options.outbox.sendWhenDurable([peer.did], {
      type: 'Roots',
      roundId,
      answer: true,
      topicCount: common.length,
      root: isEqual ? null : root,
      rows,
    });
  }

  #receivedAnswer(peer: Peer, { roundId, root, rows }: Roots, nowMs: number): void {
    const questions = this.#asked.get(peer.did) ?? [];
    const asked = questions.find((question) => question.roundId === roundId);
    if (asked === undefined) return;
    this.#asked.set(
      peer.did,
      questions.filter((question) => question !== asked),
    );
    const common = this.#common(peer);
    if (root === null) {
      if (!equalBytes(asked.root, rootOfRoots(common.map(({ state }) => state)))) return; // went on since; the next round sees
      for (const topic of common) topic.confirmEqual(peer.did);
      return;
    }
    if (rows?.length !== common.length * ROW_BYTES) return this.#askUnnamed(peer, nowMs);
    for (const [index, topic] of common.entries()) {
      const row = rows.subarray(index * ROW_BYTES, (index + 1) * ROW_BYTES);
      if (!equalBytes(row, rowOf(topic.state))) this.#ask(topic, peer.did, nowMs);
    }
  }

  /** The peer counts other topics: it has just said which, and those that it left it says so of when asked. */
  #askUnnamed(peer: Peer, nowMs: number): void {
    for (const name of peer.unnamed) {
      const topic = this.#options.topics.get(name);
      if (topic !== undefined && peer.topics.has(name)) this.#ask(topic, peer.did, nowMs);
    }
  }

  #ask(topic: TopicGossip, peer: Did, nowMs: number): void {
    this.#options.at(topic, () => topic.ask(peer, nowMs));
  }

  #follows(topic: Topic): boolean {
    return this.#options.topics.get(topic)?.isJoined === true;
  }

  #followed(): Topic[] {
    return [...this.#options.topics.keys()].filter((topic) => this.#follows(topic));
  }

  /** In the order of their names. */
  #common({ topics }: Peer): TopicGossip[] {
    const names = [...topics].filter((topic) => this.#follows(topic)).sort();
    return names.map((name) => this.#options.topics.get(name)!);
  }

  #drawNext(nowMs: number): number {
    const jitter = 0.8 + (0.4 * Number(u64FromBytes(this.#options.random(4)))) / 0xffff_ffff;
    return nowMs + this.#options.limits.antiEntropyIntervalMs * jitter;
  }
}
