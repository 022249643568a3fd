import type { Did } from '@icn/identity';
import { AntiEntropyRounds } from '../repair/anti-entropy.js';
import type { SessionBill } from '../repair/session-bill.js';
import type { DropName } from '../drops.js';
import {
  createEntry,
  decodeEntry,
  encodedByteCount,
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
import type { Announcement, PullResponse, TopicMessage } from '../wire/messages.js';
import { branchWant } from '../pull/want.js';
import { WantList } from '../pull/want-list.js';

/** The protocol of one topic: push, pull and anti-entropy around what the node holds of it. */
export class TopicGossip {
  readonly state: TopicState;
  readonly #context: TopicContext;
  readonly #wants: WantList;
  readonly #rounds: AntiEntropyRounds;
  #isJoined = false;

  constructor(topic: Topic, context: TopicContext) {
    this.#context = context;
    this.state = new TopicState(topic, context.network, context.limits);
    this.#wants = new WantList(this.state, context);
    this.#rounds = new AntiEntropyRounds(context, this.state, this.#wants);
  }

  get isJoined(): boolean {
    return this.#isJoined;
  }

  get wakeAtMs(): number | undefined {
    return earliest(this.state.wakeAtMs, this.#wants.wakeAtMs, this.#rounds.wakeAtMs);
  }

  /** Bills of the last reconciliations, the oldest first. */
  bills(): readonly SessionBill[] {
    return this.#rounds.bills();
  }

  /** Peers whose last root is ours now. */
  inSync(): readonly Did[] {
    return this.#rounds.inSync();
  }

  subscribers(): readonly Did[] {
    return this.#rounds.followers();
  }

  join(nowMs: number): void {
    this.#isJoined = true;
    this.#pump(nowMs);
  }

  leave(): void {
    this.#isJoined = false;
  }

  /** A peer that is up follows the topic. */
  followerUp(peer: Did, nowMs: number): void {
    this.#rounds.addPeer(peer, nowMs);
  }

  followerDown(peer: Did, nowMs: number): void {
    this.#rounds.removePeer(peer, nowMs);
    this.#wants.dropPeer(peer);
    this.#pump(nowMs);
  }

  unreachable(_peer: Did, _nowMs: number): void {}

  twinMet(): void {}

  /** Begins a round with a follower. */
  ask(peer: Did, nowMs: number): void {
    this.#rounds.ask(peer, nowMs);
  }

  /** The peer's root is ours now. */
  confirmEqual(peer: Did): void {
    this.#rounds.confirmEqual(peer);
  }

  received(from: Did, message: TopicMessage, byteCount: number, nowMs: number): void {
    switch (message.type) {
      case 'Announcement':
        return this.#receivedAnnouncement(from, message, nowMs);
      case 'PullRequest':
        this.#rounds.pulled(from, { receivedBytes: byteCount }, nowMs);
        return this.#context.server.request(from, message, this.state);
      case 'PullResponse':
        return this.#receivedPullResponse(from, message, byteCount, nowMs);
      case 'AntiEntropy':
        this.#rounds.received(from, message, byteCount, nowMs);
        return this.#pump(nowMs);
      default:
        return;
    }
  }

  woke(nowMs: number): void {
    this.#deliver(this.state.expire(nowMs));
    this.#rounds.woke(nowMs);
    const expiredCount = this.#wants.expire(nowMs);
    if (expiredCount > 0) this.#context.counters.add('pull-timeout', expiredCount);
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
    outbox.sendWhenDurable(this.#rounds.followers(), announcementOf(entry, topic));
    outbox.effectWhenDurable({ type: 'acknowledge', ref, name: entry.name });
  }

  #receivedAnnouncement(from: Did, { name, entry }: Announcement, nowMs: number): void {
    const { counters, outbox } = this.#context;
    if (this.state.has(name)) return counters.add('duplicate');
    if (entry === undefined) {
      this.#wants.add({ type: 'entry', name }, from);
    } else {
      const verified = this.#admit(decodeEntry(entry), from, nowMs, name);
      const others = this.#rounds.followers().filter((peer) => peer !== from);
      if (verified !== undefined) outbox.send(others, announcementOf(verified, this.state.topic));
    }
    this.#pump(nowMs);
  }

  /** An answer to a pull went out. */
  answered(to: Did, sentBytes: number, entriesSent: number, nowMs: number): void {
    this.#rounds.pulled(to, { sentBytes, entriesSent }, nowMs);
  }

  /** Takes each entry for itself: one that is bad costs itself and nothing else. */
  #receivedPullResponse(
    from: Did,
    { requestId, entries, more }: PullResponse,
    byteCount: number,
    nowMs: number,
  ): void {
    const { counters } = this.#context;
    if (!this.#wants.expects(requestId, from)) return counters.add('response-unsolicited');
    const linkedCountBefore = this.state.entryCount;
    const names: EntryName[] = [];
    let newCount = 0;
    for (const parts of entries) {
      const entry = parts === undefined ? 'entry-malformed' : decodeEntry(parts);
      if (this.#admit(entry, from, nowMs) !== undefined) newCount++;
      if (typeof entry !== 'string') names.push(entry.name);
    }
    const readable = entries.filter((parts) => parts !== undefined);
    const receivedBytes = byteCount - encodedByteCount(readable);
    this.#rounds.pulled(from, { receivedBytes, entriesReceived: newCount }, nowMs);
    const last = names.at(-1);
    const linkedUpTo = last !== undefined && this.state.isLinked(last) ? last.seq : 0;
    const hasLinked = this.state.entryCount > linkedCountBefore;
    this.#wants.settle(requestId, { more, hasNews: newCount > 0, hasLinked, linkedUpTo, names });
    this.#pump(nowMs);
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

  /** Asks every peer that has something we want and is not being asked. When a pull is complete, others are asked whether they have its news. */
  #pump(nowMs: number): void {
    const { outbox, limits } = this.#context;
    const { topic } = this.state;
    for (const peer of this.#wants.sources()) {
      for (let ask = this.#wants.ask(peer, nowMs); ask !== undefined; ask = this.#wants.ask(peer, nowMs)) {
        const bytesMax = limits.responseBytesMax;
        const sentBytes = outbox.send([peer], { type: 'PullRequest', topic, ...ask, bytesMax, evidence: [] });
        this.#rounds.pulled(peer, { sentBytes, isRequest: true }, nowMs);
      }
    }
    if (!this.#rounds.finishDrained(nowMs)) return;
    for (const peer of this.#rounds.outOfSync()) this.#rounds.ask(peer, nowMs);
  }
}

function linksOf({ name, header }: Pick<VerifiedEntry, 'name' | 'header'>): EntryLinks {
  return { name, prev: header.prev, deps: header.deps };
}

function announcementOf({ name, parts }: VerifiedEntry, topic: Topic): Announcement {
  return { type: 'Announcement', topic, name, entry: parts };
}

function isSameName(a: EntryName, b: EntryName): boolean {
  return a.id === b.id && a.author === b.author && a.lane === b.lane && a.seq === b.seq;
}

/** The smallest of the times that are set. */
function earliest(...timesMs: readonly (number | undefined)[]): number | undefined {
  const set = timesMs.filter((timeMs) => timeMs !== undefined);
  return set.length === 0 ? undefined : Math.min(...set);
}
