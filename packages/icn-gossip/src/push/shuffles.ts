import type { Did } from '@icn/identity';
import type { TopicContext } from '../topic/topic-context.js';
import type { Topic } from '../topic.js';
import type { OverlayMessage } from '../wire/messages.js';
import { drawOne, drawSome, jittered } from './draw.js';
import type { PassiveView } from './passive-view.js';

/** Steps of a walk, of a newcomer and of a shuffle (HyParView §5.1). */
export const ACTIVE_WALK_LENGTH = 6;
/** Peers that one shuffle tells of its sender's active view, and of the others it knows (HyParView §5.1: ka, kp). */
const SHUFFLE_ACTIVE = 3;
const SHUFFLE_OTHERS = 4;
/** A node that has nothing new to learn shuffles this many times less often in the end (guess). */
const WAIT_FACTOR_MAX = 16;

type Shuffle = Extract<OverlayMessage, { type: 'Shuffle' }>;

/** What a node knows of its topic's followers. */
export interface Known {
  readonly topic: Topic;
  readonly context: TopicContext;
  readonly neighbors: ReadonlySet<Did>;
  readonly followers: ReadonlyMap<Did, unknown>;
  readonly passive: PassiveView;
}

/** The shuffles of HyParView, §4.4: when to begin one, and what is told in it. The more rarely, the longer nothing new was heard. */
export class Shuffles {
  readonly #known: Known;
  #waitFactor = 1;
  #hasNews = false;
  #isReplyDue = false;
  #atMs: number | undefined;

  constructor(known: Known) {
    this.#known = known;
  }

  get atMs(): number | undefined {
    return this.#atMs;
  }

  /** Something changed around this node: the waits begin anew. */
  news(nowMs: number): void {
    this.#hasNews = true;
    if (this.#waitFactor === 1 && this.#atMs !== undefined) return;
    this.#waitFactor = 1;
    this.#draw(nowMs);
  }

  /** Whether it is time; if so, the next time is drawn. */
  takeDue(nowMs: number): boolean {
    if (this.#atMs === undefined || nowMs < this.#atMs) return false;
    this.#waitFactor = this.#hasNews ? 1 : Math.min(WAIT_FACTOR_MAX, this.#waitFactor * 2);
    this.#hasNews = false;
    this.#draw(nowMs);
    return true;
  }

  stop(): void {
    this.#atMs = undefined;
    this.#waitFactor = 1;
  }

  /** Sends some of the peers that are known on a walk. */
  begin(): void {
    const { topic, context, neighbors } = this.#known;
    const target = drawOne([...neighbors], context.random);
    if (target === undefined) return;
    this.#isReplyDue = true;
    const origin = context.keyPair.did;
    const peers = this.#sample(target);
    context.outbox.send([target], { type: 'Shuffle', topic, origin, ttl: ACTIVE_WALK_LENGTH, peers });
  }

  /** Passes a shuffle on; at the end of its walk replies, and returns whom it told of. */
  received(from: Did, { origin, ttl: theirTtl, peers }: Shuffle): readonly Did[] {
    const { topic, context, neighbors, followers } = this.#known;
    if (!this.#fits(peers) || origin === context.keyPair.did) return [];
    const ttl = Math.min(theirTtl, ACTIVE_WALK_LENGTH) - 1;
    const others = [...neighbors].filter((peer) => peer !== from && peer !== origin);
    const next = drawOne(others, context.random);
    if (ttl > 0 && next !== undefined) {
      context.outbox.send([next], { type: 'Shuffle', topic, origin, ttl, peers });
      return [];
    }
    if (followers.has(origin))
      context.outbox.send([origin], { type: 'ShuffleReply', topic, peers: this.#sample(origin) });
    return [origin, ...peers];
  }

  /** Returns whom the reply to a shuffle of this node told of. */
  receivedReply(peers: readonly Did[]): readonly Did[] {
    if (!this.#isReplyDue) {
      this.#known.context.counters.add('shuffle-unsolicited');
      return [];
    }
    this.#isReplyDue = false;
    return this.#fits(peers) ? peers : [];
  }

  #fits(peers: readonly Did[]): boolean {
    const isFitting = peers.length <= SHUFFLE_ACTIVE + SHUFFLE_OTHERS;
    if (!isFitting) this.#known.context.counters.add('shuffle-too-large');
    return isFitting;
  }

  /** Some of the neighbours, and some others that are known. */
  #sample(except: Did): Did[] {
    const { context, neighbors, followers, passive } = this.#known;
    const { random } = context;
    const told = [...neighbors].filter((peer) => peer !== except);
    const rest = [...followers.keys()].filter((peer) => peer !== except && !neighbors.has(peer));
    const others = [...drawSome(rest, SHUFFLE_OTHERS, random), ...passive.drawSome(SHUFFLE_OTHERS)];
    return [...drawSome(told, SHUFFLE_ACTIVE, random), ...drawSome(others, SHUFFLE_OTHERS, random)];
  }

  #draw(nowMs: number): void {
    const { limits, random } = this.#known.context;
    this.#atMs = nowMs + this.#waitFactor * jittered(limits.shuffleIntervalMs, random);
  }
}
