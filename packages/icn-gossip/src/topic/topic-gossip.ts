import type { Did } from '@icn/identity';
import { earliest } from '../bounds/deadlines.js';
import type { DropName } from '../drops.js';
import { decodeEntry, encodedByteCount, type DecodedEntry, type VerifiedEntry } from '../entry/entry.js';
import type { EntryId, EntryName } from '../entry/entry-name.js';
import type { StoredHeader, StoredWithdrawal } from '../entry/entry-store.js';
import { branchWant } from '../pull/want.js';
import { WantList } from '../pull/want-list.js';
import { PULLED_MAX, type Way } from '../push/push-tree.js';
import { TopicPush } from '../push/topic-push.js';
import { AntiEntropyRounds } from '../repair/anti-entropy.js';
import type { SessionBill } from '../repair/session-bill.js';
import { wantOf } from '../repair/summaries.js';
import type { Topic } from '../topic.js';
import type {
  Announcement,
  Announcements,
  Equivocation,
  PullRequest,
  PullResponse,
  TopicMessage,
} from '../wire/messages.js';
import { Admission } from './admission.js';
import { Publisher } from './publisher.js';
import { restoreInto } from './restore.js';
import type { TopicContext } from './topic-context.js';
import { TopicState } from './topic-state.js';

/** The protocol of one topic: push, pull and anti-entropy around what the node holds of it. */
export class TopicGossip {
  readonly state: TopicState;
  readonly #context: TopicContext;
  readonly #admission: Admission;
  readonly #wants: WantList;
  readonly #rounds: AntiEntropyRounds;
  readonly #push: TopicPush;
  /** While the topic is joined. */
  #publisher: Publisher | undefined;

  constructor(topic: Topic, context: TopicContext) {
    this.#context = context;
    this.state = new TopicState(topic, context.network, context.limits);
    this.#wants = new WantList(this.state, context);
    this.#rounds = new AntiEntropyRounds(context, this.state, this.#wants);
    this.#push = new TopicPush(topic, context);
    this.#admission = new Admission({
      context,
      state: this.state,
      followers: () => this.subscribers(),
      onTaking: (entry, from) => {
        if (from !== undefined) this.#publisher?.arrived(entry);
        this.#push.came(entry.name);
      },
    });
  }

  get isJoined(): boolean {
    return this.#publisher !== undefined;
  }

  get wakeAtMs(): number | undefined {
    return earliest(
      this.state.wakeAtMs,
      this.#wants.wakeAtMs,
      this.#rounds.wakeAtMs,
      this.#push.wakeAtMs,
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

  /** Peers that are up and follow the topic. */
  subscribers(): readonly Did[] {
    return this.#rounds.followers();
  }

  join(nowMs: number): void {
    this.#publisher = new Publisher({
      context: this.#context,
      state: this.state,
      startedAtMs: nowMs,
      followers: () => this.subscribers(),
      publish: (entry, madeAtMs) => {
        this.#admission.take(entry, madeAtMs);
        this.#push.publish(entry, madeAtMs);
      },
    });
    this.#admission.deliver(this.state.settle(nowMs));
    this.#pump(nowMs);
  }

  leave(): void {
    this.#publisher?.rejectAll('not-joined', `this node does not follow ${this.state.topic} any more`);
    this.#publisher = undefined;
    this.#push.leave();
    // What each peer may make this node want is one share for all topics.
    for (const peer of this.#wants.sources()) this.#wants.dropPeer(peer);
  }

  /** What there was to learn of who is there has changed; only what waits for peers cares. */
  peersChanged(nowMs: number): void {
    if (this.#publisher?.isAsking === true) this.#publisher.tend(nowMs);
  }

  /** A peer that is up follows the topic. */
  followerUp(peer: Did, nowMs: number): void {
    this.#rounds.addPeer(peer, nowMs);
    this.#push.followerUp(peer, nowMs);
    this.peersChanged(nowMs);
  }

  followerDown(peer: Did, nowMs: number): void {
    this.#rounds.removePeer(peer, nowMs);
    this.#wants.dropPeer(peer);
    this.#push.followerDown(peer, nowMs);
    this.#publisher?.peerDown(peer);
    this.peersChanged(nowMs);
    this.#pump(nowMs);
  }

  /** A link to the peer was asked for, and cannot be had. */
  unreachable(peer: Did, nowMs: number): void {
    this.#push.unreachable(peer, nowMs);
  }

  twinMet(): void {
    this.#publisher?.twinMet();
  }

  /** Begins a reconciliation with a follower. */
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
      case 'Announcements':
        return this.#receivedAnnouncements(from, message, nowMs);
      case 'PullRequest':
        return this.#receivedPullRequest(from, message, byteCount, nowMs);
      case 'PullResponse':
        this.#receivedPullResponse(from, message, byteCount, nowMs);
        return this.peersChanged(nowMs);
      case 'AntiEntropy':
        this.#rounds.received(from, message, byteCount, nowMs);
        return this.#pump(nowMs);
      case 'Equivocation':
        return this.#receivedEquivocation(from, message, nowMs);
      case 'Graft':
      case 'Prune':
      case 'Join':
      case 'ForwardJoin':
      case 'Neighbor':
      case 'NeighborAnswer':
      case 'Disconnect':
      case 'Shuffle':
      case 'ShuffleReply':
        return this.#push.received(from, message, nowMs);
    }
  }

  woke(nowMs: number): void {
    this.#admission.deliver(this.state.expire(nowMs));
    this.#rounds.woke(nowMs);
    const expiredCount = this.#wants.expire(nowMs);
    if (expiredCount > 0) this.#context.counters.add('pull-timeout', expiredCount);
    for (const { name, by } of this.#push.woke(nowMs))
      for (const peer of by) if (this.#push.isFollower(peer)) this.#wants.add({ type: 'entry', name }, peer);
    this.peersChanged(nowMs);
    this.#pump(nowMs);
  }

  /** Takes in what the store held, before the topic is joined. */
  restored(entries: readonly (StoredHeader | StoredWithdrawal)[]): void {
    restoreInto(this.state, entries, this.#context.counters);
  }

  /** Makes entries of our own, of copies of the payloads. Announced, delivered and acknowledged once durable (I8). */
  submit(payloads: readonly Uint8Array[], ref: number, nowMs: number): void {
    this.#publisher?.submit(payloads, ref, nowMs);
  }

  /** An answer to a pull went out. */
  answered(to: Did, sentBytes: number, entriesSent: number, nowMs: number): void {
    this.#rounds.pulled(to, { sentBytes, entriesSent }, nowMs);
  }

  /** A name alone is to be pulled at once: repair and peers without the tree announce so. */
  #receivedAnnouncement(from: Did, { name, entry, hops }: Announcement, nowMs: number): void {
    if (this.state.has(name)) this.#repeated(name, { from, hops }, entry !== undefined, nowMs);
    else if (this.state.isClosed(name)) this.#context.counters.add('log-closed');
    else if (entry === undefined) this.#wants.add({ type: 'entry', name }, from);
    else this.#receivedPush({ from, hops }, decodeEntry(entry), nowMs, name);
    this.#pump(nowMs);
  }

  #receivedAnnouncements(from: Did, { entries, names, isRepair }: Announcements, nowMs: number): void {
    for (const parts of entries) this.#receivedPush({ from, hops: undefined }, decodeEntry(parts), nowMs);
    const named = new Set<EntryId>();
    for (const name of names) {
      if (named.has(name.id)) continue;
      named.add(name.id);
      // Who names it for repair holds all below it: wanted so, it is not also pulled as part of its log.
      if (isRepair) this.#want(name, from);
      else this.#push.announced(name, from, this.state.has(name) || this.state.isClosed(name), nowMs);
    }
    this.#pump(nowMs);
  }

  #receivedPush(way: Way, entry: DecodedEntry | DropName, nowMs: number, announced?: EntryName): void {
    if (typeof entry !== 'string' && this.state.has(entry.name))
      return this.#repeated(entry.name, way, true, nowMs);
    const verified = this.#admit(entry, way.from, nowMs, announced);
    if (verified !== undefined) this.#push.relay(verified, way, nowMs);
  }

  #repeated(name: EntryName, way: Way, isPushed: boolean, nowMs: number): void {
    this.#context.counters.add('duplicate');
    if (isPushed) this.#push.repeated(name, way, nowMs);
  }

  #receivedPullRequest(from: Did, request: PullRequest, receivedBytes: number, nowMs: number): void {
    this.#rounds.pulled(from, { receivedBytes }, nowMs);
    this.#context.evidence.request(from, request, this.state);
    this.#context.server.request(from, request, this.state, nowMs);
  }

  /** Takes each entry for itself: one that is bad costs itself and nothing else. */
  #receivedPullResponse(from: Did, message: PullResponse, byteCount: number, nowMs: number): void {
    const { requestId, entries, more } = message;
    const { counters } = this.#context;
    const isOwnLog = this.#publisher?.expects(requestId, from) === true;
    if (!isOwnLog && !this.#wants.expects(requestId, from)) return counters.add('response-unsolicited');
    const decoded = entries.map((parts) => (parts === undefined ? 'entry-malformed' : decodeEntry(parts)));
    const news = decoded
      .map((entry) => this.#admit(entry, from, nowMs))
      .filter((entry) => entry !== undefined);
    if (isOwnLog) this.#publisher?.answered(from, more, news.length);
    this.#push.relayPulled(news, from, nowMs);
    const readable = entries.filter((parts) => parts !== undefined);
    const receivedBytes = byteCount - encodedByteCount(readable);
    this.#rounds.pulled(from, { receivedBytes, entriesReceived: news.length }, nowMs);
    const names = decoded.filter((entry) => typeof entry !== 'string').map(({ name }) => name);
    const last = names.at(-1);
    const linkedUpTo = last !== undefined && this.state.isLinked(last) ? last.seq : 0;
    this.#wants.settle(requestId, { more, hasNews: news.length > 0, linkedUpTo, names });
    this.#pump(nowMs);
  }

  #receivedEquivocation(from: Did, message: Equivocation, nowMs: number): void {
    if (this.#admission.admitEvidence(from, message)) this.#rounds.ask(from, nowMs);
    this.#pump(nowMs);
  }

  /** Takes an entry from a peer, where it is to be taken; where it is parked, the peer is asked for what lies below. */
  #admit(
    entry: DecodedEntry | DropName,
    from: Did,
    nowMs: number,
    announced?: EntryName,
  ): VerifiedEntry | undefined {
    const verified = this.#admission.admit(entry, from, nowMs, announced);
    if (verified === undefined) return undefined;
    const { name } = verified;
    if (this.state.has(name) && !this.state.isLinked(name)) this.#wantParents(name, from);
    return verified;
  }

  #want(name: EntryName, from: Did): void {
    const want = wantOf(this.state, name);
    if (want !== undefined) this.#wants.add(want, from);
  }

  #wantParents(name: EntryName, from: Did): void {
    const { author, lane, seq } = name;
    const linkedSeqMax = this.state.log(author, lane)?.linkedSeqMax ?? 0;
    const isFork = seq <= linkedSeqMax + 1;
    this.#wants.add(isFork ? branchWant(name) : { type: 'range', author, lane, to: seq - 1 }, from);
  }

  /** Asks every peer that has something we want. When a pull is complete, neighbours are asked whether they have its news. */
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
    // Of few entries the names went along the tree; of many it is cheaper to ask who lacks them.
    if (this.#rounds.finishDrained(nowMs) <= PULLED_MAX) return;
    for (const peer of this.#rounds.outOfSync())
      if (this.#push.neighbors.has(peer)) this.#rounds.ask(peer, nowMs);
  }
}
