/**
 * The partial view of a topic: HyParView (Leitão, Pereira, Rodrigues: "HyParView: a membership protocol for reliable
 * gossip-based broadcast", DSN 2007), §4: active view, passive view, Join and ForwardJoin, Neighbor, Disconnect, Shuffle.
 *
 * What was changed, and why:
 * - Links exist before the overlay asks for any: peers that are found are connected, and those that follow the topic
 *   are *followers*. So neighbours are chosen among the followers first; a DID of the passive view, which nobody
 *   vouches for, is connected only where these do not suffice, and once in a shuffle.
 * - The active view has two bounds. Below the lower one neighbours are sought, up to the upper one they are taken. With a
 *   single one the last nodes of a group find only full ones.
 * - A node is made a neighbour only by its own yes: what ForwardJoin names is asked, like all others, by Neighbor.
 *   A Neighbor or its answer may be lost, so each wait ends, and a push from a peer that is no neighbour is answered
 *   by Neighbor or Disconnect (`pushedBy`): both sides agree again.
 * - With each shuffle one neighbour that the push tree does not need gives way to another peer. Views of two halves
 *   of a healed partition are both full, and would stay apart for ever.
 * - The end of a shuffle's walk replies only to an origin that it has a link to; no link is made for the reply. All
 *   nodes shuffle, so all hear.
 * - What peers can cause is bounded: messages of each by a bucket, links by one bucket for all topics, walks by this
 *   node's own ttl, whatever theirs says.
 */
import type { Did } from '@icn/identity';
import { earliest } from '../bounds/deadlines.js';
import { PeerBuckets } from '../bounds/peer-buckets.js';
import type { TopicContext } from '../topic/topic-context.js';
import type { Topic } from '../topic.js';
import type { OverlayMessage } from '../wire/messages.js';
import { ActiveView, type NeighborUser } from './active-view.js';
import { drawOne, drawUnit } from './draw.js';
import { NeighborAsks } from './neighbor-asks.js';
import { PassiveView } from './passive-view.js';
import { ACTIVE_WALK_LENGTH, Shuffles } from './shuffles.js';

/** Where this many steps are left of a newcomer's walk, it is kept as a hint (HyParView §5.1). */
const PASSIVE_WALK_LENGTH = 3;

/**
 * Who becomes a neighbour, and when: seeks neighbours while there are too few, answers who seeks, exchanges with each
 * shuffle. Nothing is asked of this node itself; a peer is asked for one thing at a time.
 */
export class PartialView {
  readonly #topic: Topic;
  readonly #self: Did;
  readonly #context: TopicContext;
  readonly #user: NeighborUser;
  readonly #buckets: PeerBuckets;
  readonly #active: ActiveView;
  readonly #passive: PassiveView;
  readonly #asks = new NeighborAsks();
  readonly #shuffles: Shuffles;
  #hasJoined = false;
  #retryAtMs: number | undefined;

  constructor(topic: Topic, context: TopicContext, user: NeighborUser) {
    this.#topic = topic;
    this.#self = context.keyPair.did;
    this.#context = context;
    this.#user = user;
    this.#buckets = new PeerBuckets(context.limits.overlayBurstMax, context.limits.overlayPerSecond);
    this.#active = new ActiveView(topic, context, user);
    this.#passive = new PassiveView(context.limits, context.random);
    const { neighbors, followers } = this.#active;
    this.#shuffles = new Shuffles({ topic, context, neighbors, followers, passive: this.#passive });
  }

  get wakeAtMs(): number | undefined {
    return earliest(this.#asks.wakeAtMs, this.#shuffles.atMs, this.#retryAtMs);
  }

  get neighbors(): ReadonlySet<Did> {
    return this.#active.neighbors;
  }

  followerUp(peer: Did, nowMs: number): void {
    if (!this.#active.addFollower(peer, () => this.#buckets.of(peer, nowMs))) return;
    this.#passive.delete(peer);
    this.#shuffles.news(nowMs);
    if (this.#asks.delete(peer)) this.#askInstead(peer, nowMs);
    this.#fill(nowMs);
  }

  /** A follower's link is down, or it follows no more: then it is no candidate either. */
  followerDown(peer: Did, isFollowing: boolean, nowMs: number): void {
    if (!this.#active.deleteFollower(peer)) return;
    this.#asks.delete(peer);
    if (isFollowing) this.#passive.add(peer, true);
    if (this.#active.followers.size > 0) this.#shuffles.news(nowMs);
    else this.#shuffles.stop();
    this.#fill(nowMs);
  }

  /** A link that was asked for cannot be had. */
  unreachable(peer: Did, nowMs: number): void {
    if (this.#asks.stepOf(peer) !== 'link') return;
    this.#asks.delete(peer);
    this.#passive.failed(peer, nowMs);
    this.#fill(nowMs);
  }

  /** The topic is followed no more: its neighbours are released. Peers hear of it by Unsubscribe. */
  leave(): void {
    this.#active.clear();
    this.#asks.clear();
    this.#shuffles.stop();
    this.#retryAtMs = undefined;
  }

  /** A follower that is no neighbour pushes as if it were one: it becomes one, or is told that it is none. */
  pushedBy(peer: Did, nowMs: number): void {
    const follower = this.#active.followers.get(peer);
    if (follower === undefined || this.neighbors.has(peer) || this.#asks.has(peer)) return;
    if (nowMs < follower.notBeforeMs || !this.#speaks(peer)) return;
    if (this.neighbors.size + this.#asks.size < this.#context.limits.activeViewMax) this.#ask(peer, nowMs);
    else this.#active.refuse(peer, nowMs);
  }

  received(from: Did, message: OverlayMessage, nowMs: number): void {
    const follower = this.#active.followers.get(from);
    if (follower === undefined) return;
    if (!follower.bucket.take(1, nowMs)) return this.#context.counters.add('overlay-overload');
    switch (message.type) {
      case 'Join':
        return this.#receivedJoin(from, nowMs);
      case 'ForwardJoin':
        return this.#receivedForwardJoin(from, message.joiner, message.ttl, nowMs);
      case 'Neighbor':
        return this.#receivedNeighbor(from, message.isUrgent, nowMs);
      case 'NeighborAnswer':
        return this.#receivedAnswer(from, message.accepted, nowMs);
      case 'Disconnect':
        return this.#receivedDisconnect(from, nowMs);
      case 'Shuffle':
        return this.#heardOf(this.#shuffles.received(from, message), nowMs);
      case 'ShuffleReply':
        return this.#heardOf(this.#shuffles.receivedReply(message.peers), nowMs);
    }
  }

  woke(nowMs: number): void {
    for (const [peer, step] of this.#asks.takeDue(nowMs)) {
      if (step === 'link') {
        this.#passive.failed(peer, nowMs);
      } else {
        this.#context.counters.add('neighbor-timeout');
        this.#active.leaveAlone(peer, nowMs);
      }
    }
    if (this.#shuffles.takeDue(nowMs)) {
      this.#shuffles.begin();
      this.#exchange(nowMs);
    }
    this.#fill(nowMs);
  }

  /** The newcomer is a neighbour of its contact, and walks on from there. */
  #receivedJoin(from: Did, nowMs: number): void {
    const isNew = !this.neighbors.has(from) && this.#active.mayWalk(from, nowMs);
    this.#take(from, nowMs);
    this.#send([from], { type: 'NeighborAnswer', topic: this.#topic, accepted: true });
    if (!isNew) return; // else one peer could use up what others look at of this node's messages
    const others = [...this.neighbors].filter((peer) => peer !== from);
    this.#send(others, { type: 'ForwardJoin', topic: this.#topic, joiner: from, ttl: ACTIVE_WALK_LENGTH });
  }

  #receivedForwardJoin(from: Did, joiner: Did, theirTtl: number, nowMs: number): void {
    if (joiner === this.#self || joiner === from || !this.neighbors.has(from)) return;
    const ttl = Math.min(theirTtl, ACTIVE_WALK_LENGTH);
    const isKnown = this.neighbors.has(joiner) || this.#asks.has(joiner);
    const next = drawOne(
      [...this.neighbors].filter((peer) => peer !== from && peer !== joiner),
      this.#context.random,
    );
    const isEnd = ttl === 0 || next === undefined;
    const isWelcome = this.neighbors.size + this.#asks.size < this.#context.limits.activeViewMin;
    if (!isKnown && (isEnd || isWelcome)) return this.#adopt(joiner, nowMs);
    if (isEnd) return;
    if (ttl === PASSIVE_WALK_LENGTH) this.#heardOf([joiner], nowMs);
    this.#send([next], { type: 'ForwardJoin', topic: this.#topic, joiner, ttl: ttl - 1 });
  }

  #receivedNeighbor(from: Did, isUrgent: boolean, nowMs: number): void {
    const isTaken =
      isUrgent || this.neighbors.has(from) || this.neighbors.size < this.#context.limits.activeViewMax;
    if (isTaken) this.#take(from, nowMs);
    this.#send([from], { type: 'NeighborAnswer', topic: this.#topic, accepted: isTaken });
  }

  #receivedAnswer(from: Did, accepted: boolean, nowMs: number): void {
    const wasAsked = this.#asks.stepOf(from) === 'answer' && this.#asks.delete(from);
    if (this.neighbors.has(from)) return;
    if (!accepted) {
      if (!wasAsked) return;
      this.#active.leaveAlone(from, nowMs);
      return this.#fill(nowMs);
    }
    if (this.neighbors.size >= this.#context.limits.activeViewMax) return this.#active.refuse(from, nowMs);
    this.#take(from, nowMs);
    this.#user.acceptedBy(from, nowMs);
  }

  #receivedDisconnect(from: Did, nowMs: number): void {
    this.#asks.delete(from);
    this.#active.remove(from);
    this.#active.leaveAlone(from, nowMs);
    this.#fill(nowMs);
  }

  /** Seeks neighbours while there are too few: followers first, then one that is not connected. */
  #fill(nowMs: number): void {
    const { activeViewMin } = this.#context.limits;
    this.#retryAtMs = undefined;
    while (this.neighbors.size + this.#asks.size < activeViewMin) {
      const candidate = drawOne(this.#candidates(nowMs), this.#context.random);
      if (candidate !== undefined) this.#ask(candidate, nowMs);
      else if (!this.#connect(nowMs)) break;
    }
    if (this.neighbors.size < activeViewMin) this.#retryAtMs = this.#nextTryAtMs(nowMs);
  }

  /** When a peer that is left alone now may be tried again. */
  #nextTryAtMs(nowMs: number): number | undefined {
    const times = this.#active.retryTimesMs((peer) => !this.#asks.has(peer));
    if (this.#passive.dueAtMs !== undefined) times.push(this.#passive.dueAtMs);
    return times.length === 0 ? undefined : Math.max(nowMs + 1_000, Math.min(...times));
  }

  /** Lets another peer have the place of a neighbour that the tree does not need. */
  #exchange(nowMs: number): void {
    const { limits, random } = this.#context;
    const candidate = drawOne(this.#candidates(nowMs), random);
    const isLinkWanted =
      this.#passive.drawDue(nowMs) !== undefined && (candidate === undefined || drawUnit(random) < 0.5);
    if (candidate === undefined && !isLinkWanted) return;
    if (this.neighbors.size + this.#asks.size > limits.activeViewMin) this.#active.shedSpare(nowMs);
    if (this.neighbors.size + this.#asks.size >= limits.activeViewMax) return;
    if (isLinkWanted) this.#connect(nowMs);
    else if (candidate !== undefined) this.#ask(candidate, nowMs);
  }

  #heardOf(peers: readonly Did[], nowMs: number): void {
    let hasNews = false;
    for (const peer of peers) {
      if (peer === this.#self || this.#active.followers.has(peer) || this.#isConnected(peer)) continue;
      if (this.#passive.add(peer, false)) hasNews = true;
    }
    if (!hasNews) return;
    this.#shuffles.news(nowMs);
    this.#fill(nowMs);
  }

  /**
   * Makes the end of a newcomer's walk its neighbour, at the cost of a neighbour that the tree does not need: not before
   * there is a link to it, for a name costs nothing.
   */
  #adopt(joiner: Did, nowMs: number): void {
    if (this.#active.followers.has(joiner)) return this.#askInstead(joiner, nowMs);
    if (this.#isConnected(joiner)) return;
    this.#passive.add(joiner, false);
    if (this.#passive.has(joiner)) this.#connectTo(joiner, nowMs);
  }

  /** Asks a follower, for which a neighbour that the tree does not need gives way where there is no room. */
  #askInstead(peer: Did, nowMs: number): void {
    if (!this.#isCandidate(peer, nowMs)) return;
    const isFull = this.neighbors.size + this.#asks.size >= this.#context.limits.activeViewMax;
    if (!isFull || this.#active.shedSpare(nowMs)) this.#ask(peer, nowMs);
  }

  /** A node without a neighbour is never refused: as a newcomer by Join, later because it says that it is urgent. */
  #ask(peer: Did, nowMs: number): void {
    const isAlone = this.neighbors.size === 0 && !this.#asks.isAnswerDue;
    this.#asks.set(peer, 'answer', nowMs + this.#context.limits.neighborTimeoutMs);
    if (isAlone && !this.#hasJoined) this.#send([peer], { type: 'Join', topic: this.#topic });
    else this.#send([peer], { type: 'Neighbor', topic: this.#topic, isUrgent: isAlone });
    this.#hasJoined = true;
  }

  /** Asks the driver for a link to one of the passive view. Returns whether it did. */
  #connect(nowMs: number): boolean {
    const peer = this.#passive.drawDue(nowMs);
    return peer !== undefined && this.#connectTo(peer, nowMs);
  }

  #connectTo(peer: Did, nowMs: number): boolean {
    const { connects, limits, outbox } = this.#context;
    if (!connects.take(1, nowMs)) return false;
    const endsAtMs = nowMs + limits.connectTimeoutMs;
    this.#asks.set(peer, 'link', endsAtMs);
    this.#passive.postpone(peer, endsAtMs);
    outbox.effect({ type: 'connect', peer });
    return true;
  }

  #take(peer: Did, nowMs: number): void {
    this.#asks.delete(peer);
    this.#active.add(peer, nowMs);
  }

  #candidates(nowMs: number): Did[] {
    return [...this.#active.followers.keys()].filter((peer) => this.#isCandidate(peer, nowMs));
  }

  #isCandidate(peer: Did, nowMs: number): boolean {
    return !this.#asks.has(peer) && this.#active.isCandidate(peer, nowMs);
  }

  #speaks(peer: Did): boolean {
    return this.#context.peers.speaks(peer, 'push-tree');
  }

  #isConnected(peer: Did): boolean {
    return this.#context.peers.get(peer) !== undefined;
  }

  #send(to: readonly Did[], message: OverlayMessage): void {
    this.#context.outbox.send(to, message);
  }
}
