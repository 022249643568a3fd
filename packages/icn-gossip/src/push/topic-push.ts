import type { Did } from '@icn/identity';
import { earliest } from '../bounds/deadlines.js';
import type { VerifiedEntry } from '../entry/entry.js';
import type { EntryName } from '../entry/entry-name.js';
import type { TopicContext } from '../topic/topic-context.js';
import type { Topic } from '../topic.js';
import type { Graft, OverlayMessage, Prune } from '../wire/messages.js';
import type { Announced } from './announced.js';
import { PartialView } from './partial-view.js';
import { PushTree, type Way } from './push-tree.js';

/** Push in one topic: the tree over the partial view of the topic's followers. */
export class TopicPush {
  readonly #context: TopicContext;
  readonly #followers = new Set<Did>();
  readonly #view: PartialView;
  readonly #tree: PushTree;
  /** The announcers of the entry that came last: they hold it. */
  #lastCame: { readonly name: EntryName; readonly by: readonly Did[] } | undefined;

  constructor(topic: Topic, context: TopicContext) {
    this.#context = context;
    this.#tree = new PushTree(topic, context, {
      followers: this.#followers,
      pushedBy: (peer, nowMs) => this.#view.pushedBy(peer, nowMs),
    });
    this.#view = new PartialView(topic, context, this.#tree);
  }

  get wakeAtMs(): number | undefined {
    return earliest(this.#view.wakeAtMs, this.#tree.wakeAtMs);
  }

  /** Peers that this node exchanges pushes with by the overlay. */
  get neighbors(): ReadonlySet<Did> {
    return this.#view.neighbors;
  }

  isFollower(peer: Did): boolean {
    return this.#followers.has(peer);
  }

  followerUp(peer: Did, nowMs: number): void {
    this.#followers.add(peer);
    this.#view.followerUp(peer, nowMs);
  }

  /** A follower's link is down, or it follows the topic no more. */
  followerDown(peer: Did, nowMs: number): void {
    this.#followers.delete(peer);
    const isFollowing = this.#context.peers.get(peer) === undefined;
    this.#view.followerDown(peer, isFollowing, nowMs);
    this.#tree.followerDown(peer);
  }

  unreachable(peer: Did, nowMs: number): void {
    this.#view.unreachable(peer, nowMs);
  }

  /** The topic is left: every neighbour is released. */
  leave(): void {
    this.#view.leave();
    this.#tree.leave();
    this.#followers.clear();
  }

  /** Pushes an own entry, once it is durable (I8). */
  publish(entry: VerifiedEntry, nowMs: number): void {
    this.#tree.publish(entry, nowMs);
  }

  /** An entry is held now, however it came. Before `relay`. */
  came(name: EntryName): void {
    this.#lastCame = { name, by: this.#tree.came(name.id) };
  }

  /** Passes on a new entry that was pushed here. */
  relay(entry: VerifiedEntry, way: Way, nowMs: number): void {
    const announcers = this.#lastCame?.name.id === entry.name.id ? this.#lastCame.by : [];
    this.#tree.relay(entry, way, announcers, nowMs);
  }

  /** Passes on the new entries that one pull brought. */
  relayPulled(entries: readonly VerifiedEntry[], from: Did, nowMs: number): void {
    this.#tree.relayPulled(entries, from, nowMs);
  }

  /** An entry that is held here was pushed again. */
  repeated(name: EntryName, way: Way, nowMs: number): void {
    this.#tree.repeated(name, way, nowMs);
  }

  /** `from` announced an entry by its name alone, as the tree does. */
  announced(name: EntryName, from: Did, isHeld: boolean, nowMs: number): void {
    this.#tree.announced(name, from, isHeld, nowMs);
  }

  received(from: Did, message: Graft | Prune | OverlayMessage, nowMs: number): void {
    if (message.type === 'Graft') this.#tree.receivedGraft(from, nowMs);
    else if (message.type === 'Prune') this.#tree.receivedPrune(from, nowMs);
    else this.#view.received(from, message, nowMs);
  }

  /** Returns what was announced and did not come in time: to be pulled from its announcers. */
  woke(nowMs: number): readonly Announced[] {
    this.#view.woke(nowMs);
    return this.#tree.woke(nowMs);
  }
}
