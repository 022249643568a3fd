import type { Did } from '@icn/identity';
import { earliest } from '../bounds/deadlines.js';
import { AntiEntropyRounds } from '../repair/anti-entropy.js';
import type { DropName } from '../drops.js';
import {
  createEntry,
  decodeEntry,
  verifyEntry,
  type DecodedEntry,
  type VerifiedEntry,
} from '../entry/entry.js';
import { decodeHeader, type EntryLinks } from '../entry/entry-header.js';
import { entryIdOf, type EntryName } from '../entry/entry-name.js';
import type { StoredHeader } from '../entry/entry-store.js';
import { GossipError } from '../errors.js';
import { PROTOCOL } from '../limits.js';
import type { Topic } from '../topic.js';
import type { TopicContext } from './topic-context.js';
import { TopicState, type Delivery } from './topic-state.js';
import type { Announcement, Announcements, PullResponse, TopicMessage } from '../wire/messages.js';
import { TopicPush } from '../push/topic-push.js';
import { branchWant } from '../pull/want.js';
import { WantList } from '../pull/want-list.js';

/** The protocol of one topic: push, pull and anti-entropy around what the node holds of it. */
export class TopicGossip {
  readonly state: TopicState;
  readonly #context: TopicContext;
  readonly #wants: WantList;
  readonly #rounds: AntiEntropyRounds;
  readonly #push: TopicPush;
  /** Peers whose pull brought something new since it began. */
  readonly #bringers = new Set<Did>();
  #isJoined = false;

  constructor(topic: Topic, context: TopicContext) {
    this.#context = context;
    this.state = new TopicState(topic, context.network, context.limits);
    this.#wants = new WantList(this.state, context);
    this.#rounds = new AntiEntropyRounds(context, this.state, this.#wants);
    this.#push = new TopicPush(topic, context);
  }

  get isJoined(): boolean {
    return this.#isJoined;
  }

  get wakeAtMs(): number | undefined {
    return earliest(this.state.wakeAtMs, this.#wants.wakeAtMs, this.#push.wakeAtMs);
  }

  /** Peers whose last root is ours now. */
  inSync(): readonly Did[] {
    return this.#rounds.inSync();
  }

  subscribers(): readonly Did[] {
    return this.#rounds.subscribers();
  }

  join(nowMs: number): void {
    this.#isJoined = true;
    this.#pump(nowMs);
  }

  leave(): void {
    this.#isJoined = false;
    this.#push.leave();
  }

  /** A peer that is up follows the topic. */
  followerUp(peer: Did, nowMs: number): void {
    this.#rounds.addPeer(peer, nowMs);
    this.#push.followerUp(peer, nowMs);
  }

  followerDown(peer: Did, nowMs: number): void {
    this.#rounds.removePeer(peer);
    this.#bringers.delete(peer);
    this.#wants.dropPeer(peer);
    this.#push.followerDown(peer, nowMs);
    this.#pump(nowMs);
  }

  /** A link to the peer was asked for, and cannot be had. */
  unreachable(peer: Did, nowMs: number): void {
    this.#push.unreachable(peer, nowMs);
  }

  twinMet(): void {}

  /** Begins a round with a follower. */
  ask(peer: Did, _nowMs: number): void {
    this.#rounds.ask([peer]);
  }

  /** The peer's root is ours now. */
  confirmEqual(peer: Did): void {
    this.#rounds.confirmEqual(peer);
  }

  received(from: Did, message: TopicMessage, _byteCount: number, nowMs: number): void {
    switch (message.type) {
      case 'Announcement':
        return this.#receivedAnnouncement(from, message, nowMs);
      case 'Announcements':
        return this.#receivedAnnouncements(from, message, nowMs);
      case 'PullRequest':
        return this.#context.server.request(from, message, this.state);
      case 'PullResponse':
        return this.#receivedPullResponse(from, message, nowMs);
      case 'AntiEntropy':
        this.#rounds.received(from, message, nowMs);
        return this.#pump(nowMs);
      case 'Equivocation':
        return;
      default:
        return this.#push.received(from, message, nowMs);
    }
  }

  woke(nowMs: number): void {
    this.#deliver(this.state.expire(nowMs));
    const expiredCount = this.#wants.expire(nowMs);
    if (expiredCount > 0) this.#context.counters.add('pull-timeout', expiredCount);
    for (const { name, by } of this.#push.woke(nowMs))
      for (const peer of by) if (this.#push.isFollower(peer)) this.#wants.add({ type: 'entry', name }, peer);
    this.#pump(nowMs);
  }

  /** Takes in what the store held, before the topic is joined. */
  restored(entries: readonly StoredHeader[], nowMs: number): void {
    for (const { header: bytes, position } of entries) {
      const header = decodeHeader(bytes);
      if (typeof header === 'string') {
        this.#context.counters.add(header);
        if (position !== undefined) this.state.skip(position);
        continue;
      }
      const { author, lane, seq, prev, deps } = header;
      const links: EntryLinks = { name: { author, lane, seq, id: entryIdOf(bytes) }, prev, deps };
      if (this.state.has(links.name)) continue;
      if (position === undefined) this.#deliver(this.state.accept(links, nowMs));
      else this.state.restore(links, position);
    }
  }

  /** Makes an entry of our own, of a copy of the payload. Announced, delivered and acknowledged once durable (I8). */
  submit(payload: Uint8Array, ref: number, nowMs: number): void {
    const { keyPair, network, outbox, limits } = this.#context;
    if (payload.length > PROTOCOL.payloadBytesMax) {
      const message = `the payload has ${payload.length} bytes; an entry takes at most ${PROTOCOL.payloadBytesMax}`;
      throw new GossipError('payload-too-large', message);
    }
    const { topic } = this.state;
    const prev = this.state.lastOf(keyPair.did, 0);
    const fields = {
      network,
      topic,
      lane: 0 as const,
      seq: (prev?.seq ?? 0) + 1,
      prev: prev?.id ?? null,
      deps: this.state.frontier(prev),
      timestampMs: Math.floor(nowMs),
    };
    const entry = createEntry(keyPair, fields, Uint8Array.from(payload));
    if (this.state.refusalOf(linksOf(entry)) !== undefined) {
      const message = `topic ${topic} holds ${limits.entriesPerTopicMax} entries, which is the limit of this node`;
      throw new GossipError('topic-full', message);
    }
    this.#take(entry, nowMs);
    this.#push.publish(entry, nowMs);
    outbox.effectWhenDurable({ type: 'acknowledge', ref, name: entry.name });
  }

  /** A name alone is to be pulled at once: repair and peers without the tree announce so. */
  #receivedAnnouncement(from: Did, { name, entry }: Announcement, nowMs: number): void {
    if (this.state.has(name)) this.#repeated(name, from, entry !== undefined, nowMs);
    else if (entry === undefined) this.#wants.add({ type: 'entry', name }, from);
    else this.#receivedPush(from, decodeEntry(entry), nowMs, name);
    this.#pump(nowMs);
  }

  #receivedAnnouncements(from: Did, { entries, names }: Announcements, nowMs: number): void {
    for (const parts of entries) this.#receivedPush(from, decodeEntry(parts), nowMs);
    for (const name of names) this.#push.announced(name, from, this.state.has(name), nowMs);
    this.#pump(nowMs);
  }

  #receivedPush(from: Did, entry: DecodedEntry | DropName, nowMs: number, announced?: EntryName): void {
    if (typeof entry !== 'string' && this.state.has(entry.name))
      return this.#repeated(entry.name, from, true, nowMs);
    const verified = this.#admit(entry, from, nowMs, announced);
    if (verified !== undefined) this.#push.relay(verified, from, nowMs);
  }

  #repeated(name: EntryName, from: Did, isPushed: boolean, nowMs: number): void {
    this.#context.counters.add('duplicate');
    if (isPushed) this.#push.repeated(name, from, nowMs);
  }

  /** Takes each entry for itself: one that is bad costs itself and nothing else. */
  #receivedPullResponse(from: Did, { requestId, entries, more }: PullResponse, nowMs: number): void {
    const { counters } = this.#context;
    if (!this.#wants.expects(requestId, from)) return counters.add('response-unsolicited');
    const linkedCountBefore = this.state.entryCount;
    const news: VerifiedEntry[] = [];
    let last: EntryName | undefined;
    for (const parts of entries) {
      const entry = parts === undefined ? 'entry-malformed' : decodeEntry(parts);
      const verified = this.#admit(entry, from, nowMs);
      if (verified !== undefined) news.push(verified);
      if (typeof entry !== 'string') last = entry.name;
    }
    if (news.length > 0) this.#bringers.add(from);
    this.#push.relayPulled(news, from, nowMs);
    const linkedUpTo = last !== undefined && this.state.isLinked(last) ? last.seq : 0;
    const hasLinked = this.state.entryCount > linkedCountBefore;
    this.#wants.settle(requestId, { more, hasNews: news.length > 0, hasLinked, linkedUpTo });
    this.#pump(nowMs);
    if (this.#wants.isDrained(from) && this.#bringers.delete(from)) this.#compareRoots(from);
  }

  /** Decides on an entry from a peer: known, at fault, no room, or taken. The only way into the topic. */
  #admit(
    entry: DecodedEntry | DropName,
    from: Did,
    nowMs: number,
    announced?: EntryName,
  ): VerifiedEntry | undefined {
    const verified = typeof entry === 'string' ? entry : this.#verify(entry, announced);
    if (typeof verified === 'string') {
      this.#context.counters.add(verified);
      return undefined;
    }
    this.#take(verified, nowMs);
    if (!this.state.isLinked(verified.name)) this.#wantParents(verified, from);
    return verified;
  }

  #verify(entry: DecodedEntry, announced: EntryName | undefined): VerifiedEntry | DropName {
    const { header, name } = entry;
    if (header.network !== this.#context.network) return 'network-wrong';
    if (header.topic !== this.state.topic) return 'topic-wrong';
    if (announced !== undefined && !isSameName(announced, name)) return 'name-wrong';
    if (this.state.has(name)) return 'duplicate';
    return this.state.refusalOf(linksOf(entry)) ?? verifyEntry(entry, this.#context.verifySignature);
  }

  /** Stores a verified entry, and delivers what it brings the turn of. */
  #take(entry: VerifiedEntry, nowMs: number): void {
    const { topic } = this.state;
    this.#push.came(entry.name);
    this.#context.outbox.write({ type: 'entry', topic, id: entry.name.id, parts: entry.parts });
    this.#deliver(this.state.accept(linksOf(entry), nowMs));
  }

  #deliver(deliveries: readonly Delivery[]): void {
    const { outbox } = this.#context;
    const { topic } = this.state;
    for (const { name, position, late } of deliveries) {
      outbox.write({ type: 'position', topic, position, id: name.id });
      outbox.effectWhenDurable({ type: 'deliver', topic, position, name, late, forked: false });
    }
  }

  /** An entry is parked: whoever sent it is asked for what lies below. */
  #wantParents({ name }: VerifiedEntry, from: Did): void {
    const { author, lane, seq } = name;
    const linkedSeqMax = this.state.log(author, lane)?.linkedSeqMax ?? 0;
    const isFork = seq <= linkedSeqMax + 1;
    this.#wants.add(isFork ? branchWant(name) : { type: 'range', author, lane, to: seq - 1 }, from);
  }

  /** A pull is complete: the source is asked whether all is equal now, the others whether they want the news. */
  #compareRoots(source: Did): void {
    this.#rounds.ask([source, ...this.#rounds.subscribers().filter((peer) => peer !== source)]);
  }

  /** Asks every peer that has something we want and is not being asked. */
  #pump(nowMs: number): void {
    const { outbox, limits } = this.#context;
    const { topic } = this.state;
    for (const peer of this.#wants.idlePeers()) {
      const ask = this.#wants.ask(peer, nowMs);
      if (ask === undefined) continue;
      outbox.send([peer], {
        type: 'PullRequest',
        topic,
        ...ask,
        bytesMax: limits.responseBytesMax,
        heads: null,
        evidence: [],
      });
    }
  }
}

function linksOf({ name, header }: Pick<VerifiedEntry, 'name' | 'header'>): EntryLinks {
  return { name, prev: header.prev, deps: header.deps };
}

function isSameName(a: EntryName, b: EntryName): boolean {
  return a.id === b.id && a.author === b.author && a.lane === b.lane && a.seq === b.seq;
}
