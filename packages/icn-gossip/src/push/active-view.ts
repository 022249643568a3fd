import type { Did } from '@icn/identity';
import type { TokenBucket } from '../bounds/token-bucket.js';
import type { TopicContext } from '../topic/topic-context.js';
import type { Topic } from '../topic.js';
import { drawOne } from './draw.js';

/** What the partial view tells, and asks, of the push tree above it. */
export interface NeighborUser {
  /** The peer is a neighbour from now on, until `neighborDown`. */
  neighborUp(peer: Did): void;
  /** The new neighbour said yes: after `neighborUp`. */
  acceptedBy(peer: Did, nowMs: number): void;
  neighborDown(peer: Did): void;
  /** Whether the tree gets on without this neighbour. */
  isSpare(peer: Did): boolean;
}

/** A peer that is connected and follows the topic. */
interface Follower {
  /** Not to be asked to be a neighbour before. */
  notBeforeMs: number;
  /** When its last walk as a newcomer began. */
  walkedAtMs: number;
  /** How many of its messages are looked at. */
  readonly bucket: TokenBucket;
}

/**
 * The active view of HyParView, and the followers that its neighbours are chosen from. Each neighbour is protected once,
 * and released once when it is a neighbour no more.
 */
export class ActiveView {
  readonly #topic: Topic;
  readonly #context: TopicContext;
  readonly #user: NeighborUser;
  readonly #followers = new Map<Did, Follower>();
  readonly #neighbors = new Set<Did>();

  constructor(topic: Topic, context: TopicContext, user: NeighborUser) {
    this.#topic = topic;
    this.#context = context;
    this.#user = user;
  }

  get followers(): ReadonlyMap<Did, Follower> {
    return this.#followers;
  }

  get neighbors(): ReadonlySet<Did> {
    return this.#neighbors;
  }

  /** Returns whether it is a new one. */
  addFollower(peer: Did, bucket: () => TokenBucket): boolean {
    if (this.#followers.has(peer)) return false;
    this.#followers.set(peer, { notBeforeMs: 0, walkedAtMs: -Infinity, bucket: bucket() });
    return true;
  }

  /** Its link is down, or it follows no more. Returns whether it was a follower. */
  deleteFollower(peer: Did): boolean {
    if (!this.#followers.delete(peer)) return false;
    this.remove(peer);
    return true;
  }

  clear(): void {
    for (const peer of this.#neighbors) this.remove(peer);
    this.#followers.clear();
  }

  /** The peer is a neighbour now; one too many makes room. */
  add(peer: Did, nowMs: number): void {
    if (this.#neighbors.has(peer)) return;
    const { limits, random, outbox } = this.#context;
    if (this.#neighbors.size >= limits.activeViewMax && !this.shedSpare(nowMs)) {
      const victim = drawOne([...this.#neighbors], random);
      if (victim !== undefined) this.refuse(victim, nowMs);
    }
    this.#neighbors.add(peer);
    outbox.effect({ type: 'protect', peer });
    this.#user.neighborUp(peer);
  }

  remove(peer: Did): void {
    if (!this.#neighbors.delete(peer)) return;
    this.#context.outbox.effect({ type: 'release', peer });
    this.#user.neighborDown(peer);
  }

  /** Tells a peer that it is no neighbour, or none any more. */
  refuse(peer: Did, nowMs: number): void {
    this.remove(peer);
    this.leaveAlone(peer, nowMs);
    this.#context.outbox.send([peer], { type: 'Disconnect', topic: this.#topic });
  }

  /** Gives up a neighbour that the tree does not need. Returns whether there is one. */
  shedSpare(nowMs: number): boolean {
    const spares = [...this.#neighbors].filter((peer) => this.#user.isSpare(peer));
    const spare = drawOne(spares, this.#context.random);
    if (spare !== undefined) this.refuse(spare, nowMs);
    return spare !== undefined;
  }

  /** The peer is not asked for a while. */
  leaveAlone(peer: Did, nowMs: number): void {
    const follower = this.#followers.get(peer);
    if (follower !== undefined) follower.notBeforeMs = nowMs + this.#context.limits.neighborRetryMs;
  }

  /** Whether a newcomer may be sent on a walk: not twice in a while. If so, it counts as sent. */
  mayWalk(peer: Did, nowMs: number): boolean {
    const follower = this.#followers.get(peer);
    if (follower === undefined || nowMs - follower.walkedAtMs < this.#context.limits.neighborRetryMs)
      return false;
    follower.walkedAtMs = nowMs;
    return true;
  }

  /** Whether the peer may be asked now to be a neighbour. */
  isCandidate(peer: Did, nowMs: number): boolean {
    const notBeforeMs = this.#followers.get(peer)?.notBeforeMs ?? Infinity;
    return notBeforeMs <= nowMs && !this.#neighbors.has(peer) && this.#speaks(peer);
  }

  /** When each follower that is no neighbour may be asked, where `isFree`. */
  retryTimesMs(isFree: (peer: Did) => boolean): number[] {
    const others = [...this.#followers].filter(([peer]) => !this.#neighbors.has(peer) && this.#speaks(peer));
    return others.flatMap(([peer, { notBeforeMs }]) => (isFree(peer) ? [notBeforeMs] : []));
  }

  #speaks(peer: Did): boolean {
    return this.#context.peers.speaks(peer, 'push-tree');
  }
}
