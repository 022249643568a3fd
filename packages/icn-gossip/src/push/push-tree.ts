/**
 * Push along a tree: Plumtree (Leitão, Pereira, Rodrigues: "Epidemic Broadcast Trees", SRDS 2007), §3: eager and lazy
 * links, Prune on a duplicate, Graft on a miss.
 *
 * What was changed, and why:
 * - With few followers, or for peers without the extension, there is no tree: all are pushed to eagerly, but who says Prune.
 * - A Graft names no entry: what is missing is pulled like anything else, from whoever announced it.
 * - Entries that are on their way at the same time draw a tree each, and nodes that prune by different ones cut the
 *   group apart. So of all that come within a while only one prunes, the *guide*: that of the smallest author, and of
 *   his the one of the smallest id. All nodes choose the same, and the tree is the one by which it spread. To know what
 *   else comes, a node prunes a while after the duplicate. And a link is pruned only while the link is eager by which
 *   the first copy came: no node cuts itself off.
 * - An entry that a Graft was sent for is passed on like one that was pushed, although it comes by pull: those behind
 *   this node lack it too.
 * - Prune and Graft that cross on one link would leave its ends at odds. Graft wins: a Prune that comes soon after a Graft
 *   was sent is not obeyed; if both links carry entries, a later duplicate prunes one.
 * - What comes by pull says nothing about the tree and changes nothing in it.
 * - A neighbour that said yes begins lazy where entries come by another link. Else first copies would run over links that
 *   no guide has judged yet: fast ways of many hops, which the rest of the tree then grows from.
 * - Hop counts (§3.8) choose between copies of the guide, not between announcements: who pushes it with fewer hops
 *   behind it takes the place of who pushed it first. It is grafted when the others are pruned, for it got a copy from
 *   here, too, and prunes this link. Whoever is chosen had passed it on with fewer hops than this node, so no cycle comes of it.
 */
import type { Did } from '@icn/identity';
import type { VerifiedEntry } from '../entry/entry.js';
import type { EntryId, EntryName } from '../entry/entry-name.js';
import type { TopicContext } from '../topic/topic-context.js';
import type { Topic } from '../topic.js';
import { AnnouncedEntries, type Announced } from './announced.js';
import { earliest } from '../bounds/deadlines.js';
import { PushQueue } from './push-queue.js';

/** A neighbour in the tree. Times are those of the last message sent to it. */
interface Link {
  isEager: boolean;
  prunedAtMs: number;
  graftedAtMs: number;
  /** It was chosen because the guide came by it with fewer hops. */
  isDetour: boolean;
  /** Entries were missing while it was one: what it says of hops is not believed again. */
  isDoubted: boolean;
}

/** By whom an entry was pushed here, and how many links it had passed when it reached that one, if it says so. */
export interface Way {
  readonly from: Did;
  readonly hops: number | undefined;
}

interface Arrival extends Way {
  /** It came later than another, with fewer hops, and no Graft was sent for it yet. */
  readonly isDetour?: boolean;
}

/** A neighbour pushed this entry, which had come before. */
interface Duplicate {
  readonly id: EntryId;
  readonly pruneAtMs: number;
}

/** The entry by which links are pruned. */
interface Guide {
  readonly author: Did;
  readonly id: EntryId;
  readonly heardAtMs: number;
}

/** Entries of which is known by which link they came first: those that may still come again (guess). */
const ARRIVALS_MAX = 4_096;
/** Entries that were announced, did not come in time and are pulled; for longer ones the rounds make up (guess). */
const GRAFTED_MAX = 4_096;
/** A pull that brings more new entries than this catches up: its names do not go along the tree, but neighbours are asked whether they lack it (guess). */
export const PULLED_MAX = 64;

/** The followers of a topic, and what is asked of the overlay below the tree. */
export interface PushTreeUser {
  readonly followers: ReadonlySet<Did>;
  /** A follower that is no neighbour pushed. */
  pushedBy(peer: Did, nowMs: number): void;
}

/**
 * 1. While at most `allEagerPeersMax` followers are connected, none is made lazy here; who says Prune is, for he has a tree.
 * 2. Each new entry that came by push is told to each neighbour at most once, and never to who is known to hold it.
 * 3. A duplicate makes its sender lazy only if it came by push, is the guide, and its first copy came by a link that is
 *    eager.
 */
export class PushTree {
  readonly #topic: Topic;
  readonly #context: TopicContext;
  readonly #user: PushTreeUser;
  readonly #links = new Map<Did, Link>();
  readonly #queue: PushQueue;
  readonly #announced: AnnouncedEntries;
  /** The way by which an entry was pushed here first, or a shorter one. Own entries stand here too. */
  readonly #arrivals = new Map<EntryId, Arrival>();
  /** By the neighbour that is to be pruned. The wait is the same for all, so the first ends first. */
  readonly #duplicates = new Map<Did, Duplicate>();
  /** What a Graft was sent for. */
  readonly #grafted = new Set<EntryId>();
  #guide: Guide | undefined;
  /** Something did not come in time since there was this guide. */
  #hasMissed = false;

  constructor(topic: Topic, context: TopicContext, user: PushTreeUser) {
    const { keyPair, limits, outbox, wantQuota } = context;
    this.#topic = topic;
    this.#context = context;
    this.#user = user;
    this.#queue = new PushQueue(topic, keyPair.did, limits, outbox);
    this.#announced = new AnnouncedEntries(wantQuota, limits.graftTimeoutMs);
  }

  get wakeAtMs(): number | undefined {
    const [duplicate] = this.#duplicates.values();
    return earliest(this.#queue.wakeAtMs, this.#announced.wakeAtMs, duplicate?.pruneAtMs);
  }

  neighborUp(peer: Did): void {
    this.#links.set(peer, {
      isEager: true,
      prunedAtMs: -Infinity,
      graftedAtMs: -Infinity,
      isDetour: false,
      isDoubted: false,
    });
  }

  /** A new neighbour said yes. Where entries come by another link, both ends of its own are lazy until one lacks something. */
  acceptedBy(peer: Did, nowMs: number): void {
    const link = this.#links.get(peer);
    if (link === undefined || this.#isAllEager || !this.#hasSourceBesides(peer)) return;
    this.#makeLazy(link, nowMs);
    this.#context.outbox.send([peer], { type: 'Prune', topic: this.#topic });
  }

  /** One follower less. Where there is no tree any more, nothing stays lazy that was of it. */
  followerDown(peer: Did): void {
    this.#queue.dropPeer(peer);
    if (this.#user.followers.size !== this.#context.limits.allEagerPeersMax) return;
    for (const link of this.#links.values()) link.isEager = true;
  }

  neighborDown(peer: Did): void {
    this.#links.delete(peer);
    this.#duplicates.delete(peer);
    this.#queue.dropPeer(peer);
  }

  /** Whether entries reach this node without the neighbour. */
  isSpare(peer: Did): boolean {
    return this.#links.get(peer)?.isEager === false;
  }

  /** Pushes an own entry, once it is durable (I8). */
  publish(entry: VerifiedEntry, nowMs: number): void {
    this.#noteArrival(entry.name, { from: this.#context.keyPair.did, hops: 0 }, nowMs);
    this.#spread(entry, 0, [], nowMs);
  }

  /** Passes on a new entry that was pushed here. Others announced it before: they hold it. */
  relay(entry: VerifiedEntry, way: Way, announcers: readonly Did[], nowMs: number): void {
    const { from, hops } = way;
    this.#noteArrival(entry.name, way, nowMs);
    const link = this.#links.get(from);
    if (link === undefined) this.#user.pushedBy(from, nowMs);
    else if (nowMs - link.prunedAtMs >= this.#context.limits.linkSettleMs) link.isEager = true;
    this.#spread(entry, hops === undefined ? undefined : hops + 1, [from, ...announcers], nowMs);
  }

  /**
   * Passes on what came by pull. What was grafted for goes on like what is pushed. Of other entries, if they are few,
   * the names go along the tree at once, to be pulled by whoever lacks them: some are on their way by push, and the
   * copy that comes will stop here as a duplicate. Of many, the rounds tell with less.
   */
  relayPulled(entries: readonly VerifiedEntry[], from: Did, nowMs: number): void {
    const names: EntryName[] = [];
    for (const entry of entries) {
      if (this.#grafted.delete(entry.name.id)) this.#spread(entry, undefined, [from], nowMs);
      else names.push(entry.name);
    }
    if (names.length === 0 || names.length > PULLED_MAX) return;
    const { peers, outbox } = this.#context;
    const to = this.#eagerPeers().filter((peer) => peer !== from && peers.speaks(peer, 'push-tree'));
    const topic = this.#topic;
    outbox.sendWhenDurable(to, { type: 'Announcements', topic, entries: [], names, isRepair: true });
  }

  /** An entry is held now, however it came: its timer ends. Returns who announced it. */
  came(id: EntryId): readonly Did[] {
    return this.#announced.came(id);
  }

  /** An entry that is held was pushed again: one of two ways is too many. */
  repeated({ id, author }: EntryName, way: Way, nowMs: number): void {
    const { from } = way;
    this.#queue.holds(from, id);
    const known = this.#arrivals.get(id);
    if (known === undefined || known.from === from || this.#isAllEager) return;
    const link = this.#links.get(from);
    if (link === undefined) return this.#user.pushedBy(from, nowMs);
    const { linkSettleMs } = this.#context.limits;
    const isSettled = nowMs - Math.max(link.prunedAtMs, link.graftedAtMs) >= linkSettleMs;
    if (id !== this.#guide?.id || !isSettled) return;
    const isSaidShorter = (way.hops ?? Infinity) < (known.hops ?? -Infinity);
    // Nobody but the author has it over no link.
    const isBelieved = !link.isDoubted && (way.hops !== 0 || from === author);
    if (!isSaidShorter || !isBelieved) return this.#noteDuplicate(from, id, nowMs);
    this.#arrivals.set(id, { ...way, isDetour: true });
    this.#duplicates.delete(from);
    if (this.#links.has(known.from)) this.#noteDuplicate(known.from, id, nowMs);
  }

  /** `from` holds an entry, as it says. If it is not held here, it may be on its way. */
  announced(name: EntryName, from: Did, isHeld: boolean, nowMs: number): void {
    this.#queue.holds(from, name.id);
    if (isHeld) return;
    if (!this.#announced.add(name, from, nowMs)) this.#context.counters.add('wants-full');
  }

  receivedPrune(from: Did, nowMs: number): void {
    const link = this.#links.get(from);
    if (link === undefined) return;
    if (nowMs - link.graftedAtMs >= this.#context.limits.linkSettleMs) link.isEager = false;
  }

  receivedGraft(from: Did, nowMs: number): void {
    const link = this.#links.get(from);
    if (link === undefined) return this.#user.pushedBy(from, nowMs);
    link.isEager = true;
    this.#duplicates.delete(from);
  }

  /** Sends what was gathered. Returns what was announced and did not come in time: to be pulled. */
  woke(nowMs: number): readonly Announced[] {
    this.#queue.woke(nowMs);
    this.#prune(nowMs);
    const due = this.#announced.takeDue(nowMs);
    if (due.length > 0) this.#missed();
    for (const { by } of due) {
      // An eager one that only announces would be grafted in vain.
      const announcer = by.find((peer) => this.isSpare(peer)) ?? by.find((peer) => this.#links.has(peer));
      if (announcer !== undefined) this.#graft(announcer, nowMs);
    }
    for (const { name } of due) addBounded(this.#grafted, name.id, GRAFTED_MAX);
    return due;
  }

  leave(): void {
    this.#links.clear();
    this.#queue.clear();
    this.#announced.clear();
    this.#arrivals.clear();
    this.#duplicates.clear();
    this.#grafted.clear();
  }

  #eagerPeers(): Did[] {
    return [...this.#user.followers].filter((peer) => this.#isEager(peer));
  }

  /** Whether a follower gets entries whole: neighbours as agreed, others where the tree is not for them. */
  #isEager(peer: Did): boolean {
    if (!this.#context.peers.speaks(peer, 'push-tree')) return true;
    return this.#links.get(peer)?.isEager ?? this.#isAllEager;
  }

  get #isAllEager(): boolean {
    return this.#user.followers.size <= this.#context.limits.allEagerPeersMax;
  }

  /** Prunes whom duplicates came from, unless another guide came meanwhile, or the other way is lazy. */
  #prune(nowMs: number): void {
    const pruned: Did[] = [];
    for (const [peer, { id, pruneAtMs }] of this.#duplicates) {
      if (pruneAtMs > nowMs) break;
      this.#duplicates.delete(peer);
      const link = this.#links.get(peer);
      if (link === undefined || this.#isAllEager || id !== this.#guide?.id) continue;
      const way = this.#arrivals.get(id);
      if (way === undefined || way.from === peer || !this.#isKept(id, way, nowMs)) continue;
      this.#makeLazy(link, nowMs);
      pruned.push(peer);
    }
    this.#context.outbox.send(pruned, { type: 'Prune', topic: this.#topic });
  }

  /** Whether the way will bring what comes after, too. A detour is grafted: its end may have pruned it as a duplicate's. */
  #isKept(id: EntryId, way: Arrival, nowMs: number): boolean {
    if (way.isDetour !== true) return this.#isEagerSource(way.from);
    this.#arrivals.set(id, { from: way.from, hops: way.hops });
    const link = this.#links.get(way.from);
    if (link !== undefined) link.isDetour = true;
    return this.#graft(way.from, nowMs);
  }

  /** What did not come in time should have come by the guide's way, which may have been chosen for what its end says. */
  #missed(): void {
    this.#hasMissed = true;
    for (const link of this.#links.values()) link.isDoubted ||= link.isDetour;
  }

  #makeLazy(link: Link, nowMs: number): void {
    link.isEager = false;
    link.prunedAtMs = nowMs;
  }

  /** Returns whether it was sent: not to anybody twice in a while. */
  #graft(peer: Did, nowMs: number): boolean {
    const link = this.#links.get(peer);
    if (link === undefined || nowMs - link.graftedAtMs < this.#context.limits.graftTimeoutMs) return false;
    link.isEager = true;
    link.graftedAtMs = nowMs;
    this.#context.outbox.send([peer], { type: 'Graft', topic: this.#topic });
    return true;
  }

  #noteDuplicate(peer: Did, id: EntryId, nowMs: number): void {
    if (this.#duplicates.get(peer)?.id === id) return;
    this.#duplicates.delete(peer);
    this.#duplicates.set(peer, { id, pruneAtMs: nowMs + this.#context.limits.pruneDelayMs });
  }

  /** The entry itself to all eager peers at once or in their batches, its name to the lazy ones. */
  #spread(entry: VerifiedEntry, hops: number | undefined, holders: readonly Did[], nowMs: number): void {
    const { limits, keyPair, outbox, peers } = this.#context;
    const { name, parts } = entry;
    const atOnce: Did[] = [];
    for (const peer of this.#user.followers) {
      if (holders.includes(peer)) continue;
      const isGathered = limits.pushBatchMs > 0 && peers.speaks(peer, 'push-tree');
      if (!this.#isEager(peer)) {
        if (this.#links.has(peer)) this.#queue.addName(peer, name, nowMs);
      } else if (isGathered) this.#queue.addEntry(peer, entry, nowMs);
      else atOnce.push(peer);
    }
    const message = { type: 'Announcement' as const, topic: this.#topic, name, entry: parts, hops };
    if (name.author === keyPair.did) outbox.sendWhenDurable(atOnce, message);
    else outbox.send(atOnce, message);
  }

  /** Whether entries come by the way by which the guide came: from another neighbour, for an own guide says nothing of that. */
  #hasSourceBesides(peer: Did): boolean {
    const way = this.#guide && this.#arrivals.get(this.#guide.id);
    if (way === undefined || way.from === peer || this.#hasMissed) return false;
    return this.#links.get(way.from)?.isEager === true;
  }

  /** Whether the peer will push what comes after, too. */
  #isEagerSource(peer: Did): boolean {
    if (peer === this.#context.keyPair.did) return true;
    return this.#user.followers.has(peer) && this.#isEager(peer);
  }

  #noteArrival({ id, author }: EntryName, way: Way, nowMs: number): void {
    const { guideMs } = this.#context.limits;
    const isOver = this.#guide === undefined || nowMs - this.#guide.heardAtMs >= guideMs;
    if (isOver || isBefore({ author, id }, this.#guide!)) {
      this.#guide = { author, id, heardAtMs: nowMs };
      this.#hasMissed = false;
    }
    this.#arrivals.set(id, way);
    dropOldest(this.#arrivals, ARRIVALS_MAX);
  }
}

function isBefore(a: Pick<Guide, 'author' | 'id'>, b: Pick<Guide, 'author' | 'id'>): boolean {
  return a.author < b.author || (a.author === b.author && a.id < b.id);
}

function addBounded<Item>(set: Set<Item>, item: Item, countMax: number): void {
  set.add(item);
  dropOldest(set, countMax);
}

/** Of a map or set, the first to be put in. */
function dropOldest<Key>(table: Map<Key, unknown> | Set<Key>, countMax: number): void {
  for (const oldest of table.keys()) {
    if (table.size <= countMax) return;
    table.delete(oldest);
  }
}
