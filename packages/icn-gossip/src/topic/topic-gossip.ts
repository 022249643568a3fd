import type { Did } from '@icn/identity';
import { AntiEntropyRounds } from '../repair/anti-entropy.js';
import type { SessionBill } from '../repair/session-bill.js';
import type { DropName } from '../drops.js';
import {
  decodeEntry,
  encodedByteCount,
  verifyEntry,
  type DecodedEntry,
  type VerifiedEntry,
} from '../entry/entry.js';
import type { EntryLinks } from '../entry/entry-header.js';
import type { EntryName } from '../entry/entry-name.js';
import type { StoredHeader, StoredWithdrawal } from '../entry/entry-store.js';
import type { Topic } from '../topic.js';
import { EvidenceGate } from './evidence.js';
import { Publisher } from './publisher.js';
import { restoreInto } from './restore.js';
import type { TopicContext } from './topic-context.js';
import { TopicState, type Closing, type Delivery } from './topic-state.js';
import type { Announcement, Equivocation, PullResponse, TopicMessage } from '../wire/messages.js';
import { branchWant } from '../pull/want.js';
import { WantList } from '../pull/want-list.js';

/** The protocol of one topic: push, pull and anti-entropy around what the node holds of it. */
export class TopicGossip {
  readonly state: TopicState;
  readonly #context: TopicContext;
  readonly #wants: WantList;
  readonly #rounds: AntiEntropyRounds;
  readonly #evidence: EvidenceGate;
  /** While the topic is joined. */
  #publisher: Publisher | undefined;

  constructor(topic: Topic, context: TopicContext) {
    this.#context = context;
    this.state = new TopicState(topic, context.network, context.limits);
    this.#wants = new WantList(this.state, context);
    this.#rounds = new AntiEntropyRounds(context, this.state, this.#wants);
    this.#evidence = new EvidenceGate(context, this.state);
  }

  get isJoined(): boolean {
    return this.#publisher !== undefined;
  }

  get wakeAtMs(): number | undefined {
    return earliest(
      this.state.wakeAtMs,
      this.#wants.wakeAtMs,
      this.#rounds.wakeAtMs,
      this.#publisher?.wakeAtMs,
    );
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
    this.#publisher = new Publisher({
      context: this.#context,
      state: this.state,
      startedAtMs: nowMs,
      followers: () => this.#rounds.followers(),
      publish: (entry, madeAtMs) => this.#publish(entry, madeAtMs),
    });
    this.#deliver(this.state.settle(nowMs));
    this.#pump(nowMs);
  }

  leave(): void {
    this.#publisher?.rejectAll('not-joined', `this node does not follow ${this.state.topic} any more`);
    this.#publisher = undefined;
  }

  /** What there was to learn of who is there has changed; only what waits for peers cares. */
  peersChanged(nowMs: number): void {
    if (this.#publisher?.isAsking === true) this.#publisher.tend(nowMs);
  }

  /** A peer that is up follows the topic. */
  followerUp(peer: Did, nowMs: number): void {
    this.#rounds.addPeer(peer, nowMs);
    this.peersChanged(nowMs);
  }

  followerDown(peer: Did, nowMs: number): void {
    this.#rounds.removePeer(peer, nowMs);
    this.#wants.dropPeer(peer);
    this.#publisher?.peerDown(peer);
    this.peersChanged(nowMs);
    this.#pump(nowMs);
  }

  unreachable(_peer: Did, _nowMs: number): void {}

  twinMet(): void {
    this.#publisher?.twinMet();
  }

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
        this.#context.evidence.request(from, message, this.state);
        return this.#context.server.request(from, message, this.state);
      case 'PullResponse':
        this.#receivedPullResponse(from, message, byteCount, nowMs);
        return this.peersChanged(nowMs);
      case 'Equivocation':
        this.#receivedEquivocation(from, message, nowMs);
        return this.#pump(nowMs);
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
    this.peersChanged(nowMs);
    this.#pump(nowMs);
  }

  /** Takes in what the store held, before the topic is joined. */
  restored(entries: readonly (StoredHeader | StoredWithdrawal)[]): void {
    restoreInto(this.state, entries, this.#context.counters);
  }

  /** Makes an entry of our own, of a copy of the payload. Announced, delivered and acknowledged once durable (I8). */
  submit(payload: Uint8Array, ref: number, nowMs: number): void {
    this.#publisher?.submit(payload, ref, nowMs);
  }

  #publish(entry: VerifiedEntry, nowMs: number): void {
    this.#take(entry, nowMs);
    const announcement = announcementOf(entry, this.state.topic);
    this.#context.outbox.sendWhenDurable(this.#rounds.followers(), announcement);
  }

  #receivedAnnouncement(from: Did, { name, entry }: Announcement, nowMs: number): void {
    const { counters, outbox } = this.#context;
    if (this.state.has(name)) return counters.add('duplicate');
    if (this.state.isClosed(name)) return counters.add('log-closed');
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
  #receivedPullResponse(from: Did, message: PullResponse, byteCount: number, nowMs: number): void {
    const { requestId, entries, more } = message;
    const { counters } = this.#context;
    const isOwnLog = this.#publisher?.expects(requestId, from) === true;
    if (!isOwnLog && !this.#wants.expects(requestId, from)) return counters.add('response-unsolicited');
    const names: EntryName[] = [];
    let newCount = 0;
    for (const parts of entries) {
      const entry = parts === undefined ? 'entry-malformed' : decodeEntry(parts);
      if (this.#admit(entry, from, nowMs) !== undefined) newCount++;
      if (typeof entry !== 'string') names.push(entry.name);
    }
    if (isOwnLog) this.#publisher?.answered(from, more, newCount);
    const readable = entries.filter((parts) => parts !== undefined);
    const receivedBytes = byteCount - encodedByteCount(readable);
    this.#rounds.pulled(from, { receivedBytes, entriesReceived: newCount }, nowMs);
    const last = names.at(-1);
    const linkedUpTo = last !== undefined && this.state.isLinked(last) ? last.seq : 0;
    this.#wants.settle(requestId, { more, hasNews: newCount > 0, linkedUpTo, names });
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
    this.#publisher?.arrived(verified);
    this.#take(verified, nowMs, from);
    if (this.state.has(verified.name) && !this.state.isLinked(verified.name))
      this.#wantParents(verified, from);
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
  #take(entry: VerifiedEntry, nowMs: number, from?: Did): void {
    const { topic } = this.state;
    this.#context.outbox.write({ type: 'entry', topic, id: entry.name.id, parts: entry.parts });
    this.#deliver(this.state.accept(linksOf(entry), nowMs), from);
  }

  /** Makes known what closed, and then what has its turn: in the order of their positions. */
  #deliver(deliveries: readonly Delivery[], from?: Did): void {
    const { outbox, counters } = this.#context;
    const { topic } = this.state;
    const { closings, evictedCount } = this.state.takeNews();
    if (evictedCount > 0) counters.add('parked-evicted', evictedCount);
    for (const closing of closings) this.#closed(closing, from);
    for (const { name, position, late, forked } of deliveries) {
      outbox.write({ type: 'position', topic, position, id: name.id });
      outbox.effectWhenDurable({ type: 'deliver', topic, position, name, late, forked });
    }
  }

  /** Tells consumers what left that they had been given, and the followers why; but not who told us. */
  #closed({ log, position, witness }: Closing, from: Did | undefined): void {
    const { outbox, peers, evidence } = this.#context;
    const { topic } = this.state;
    if (position !== undefined) {
      outbox.write({ type: 'withdrawal', topic, position, log });
      outbox.effectWhenDurable({ type: 'withdraw', topic, position, log });
    }
    const told = this.#rounds.followers().filter((peer) => peer !== from && peers.speaks(peer, 'evidence'));
    evidence.tell(told, topic, witness);
  }

  #receivedEquivocation(from: Did, message: Equivocation, nowMs: number): void {
    const headers = this.#evidence.admit(message);
    const [first] = headers;
    if (first === undefined) return;
    const { topic } = this.state;
    const unheld = new Map(headers.map(({ name, parts }) => [name.id, parts]));
    for (const { name } of headers) if (this.state.has(name)) unheld.delete(name.id);
    const deliveries = this.state.prove(headers.map(linksOf));
    for (const id of this.state.witness(first.name.author, first.name.lane)) {
      const parts = unheld.get(id);
      if (parts !== undefined) this.#context.outbox.write({ type: 'entry', topic, id, parts });
    }
    this.#deliver(deliveries, from);
    this.#rounds.ask(from, nowMs);
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
