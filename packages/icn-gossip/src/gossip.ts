import { verify, type Did, type KeyPair } from '@icn/identity';
import { Counters } from './bounds/counters.js';
import { Deadlines } from './bounds/deadlines.js';
import type { DropName } from './drops.js';
import { ProofVerifier } from './entry/proof.js';
import { GossipError } from './errors.js';
import type { GossipEffect, GossipEvent } from './events.js';
import { limitsWith, PROTOCOL, type GossipLimits } from './limits.js';
import type { Machine } from './machine.js';
import { decodeMessage, type MessageFault } from './wire/message-codec.js';
import { Outbox } from './outbox.js';
import { isLabel } from './wire/label.js';
import { PeerQuota } from './bounds/peer-quota.js';
import type { SessionBill } from './repair/session-bill.js';
import { EvidenceServer } from './pull/evidence-server.js';
import { TokenBucket } from './bounds/token-bucket.js';
import { PullServer } from './pull/pull-server.js';
import type { Topic } from './topic.js';
import type { Reconcile, TopicContext } from './topic/topic-context.js';
import { TopicGossip } from './topic/topic-gossip.js';
import { earlyRoots, namedTopics } from './link/early-roots.js';
import { Peers, type Peer } from './link/peers.js';
import { Rounds } from './link/rounds.js';
import type { GossipMessage, Hello, TopicMessage } from './wire/messages.js';

/** Who may read and write a topic. */
export type AccessControl =
  /** Anyone may subscribe. */
  | { readonly type: 'Public' }
  /** By invitation: these DIDs. */
  | { readonly type: 'Private'; readonly allowed: readonly Did[] }
  /** Whoever this node trusts at least so much (0…1). */
  | { readonly type: 'TrustGated'; readonly minTrust: number };

export interface GossipOptions {
  /** Signs what this node publishes. */
  readonly keyPair: KeyPair;
  /** Nodes of different networks never exchange entries. 1 to 64 printable ASCII characters without a space. */
  readonly network: string;
  /** Unpredictable bytes, for salts, nonces and jitter; seeded in a simulation. */
  readonly random: (byteCount: number) => Uint8Array;
  readonly limits?: Partial<GossipLimits>;
  readonly reconcile?: Reconcile;
  /** Checks the signatures of entries; a simulation may count or remember. Default: `verify` of @icn/identity. */
  readonly verifySignature?: typeof verify;
  /** Reads frames; a simulation may read one that goes to many nodes once. Default: as the protocol says. */
  readonly readMessage?: (frame: Uint8Array) => GossipMessage | MessageFault;
}

/** A topic at a glance. Equal roots mean equal entries. */
export interface TopicStatus {
  readonly topic: Topic;
  readonly entryCount: number;
  readonly authorCount: number;
  readonly root: Uint8Array;
  readonly subscribers: readonly Did[];
  /** Peers whose root, as they last told it, is ours now. */
  readonly inSync: readonly Did[];
}

/**
 * The gossip of one node, as a machine without IO: see `Machine` for how to drive it, `GossipEvent` for what it
 * is told and `GossipEffect` for what it orders. Times are milliseconds since 1970, for they also date what this
 * node publishes. It never throws on what a peer sent: that is counted.
 */
export class Gossip implements Machine<GossipEvent, GossipEffect> {
  readonly #network: string;
  readonly #readMessage: (frame: Uint8Array) => GossipMessage | MessageFault;
  readonly #limits: GossipLimits;
  readonly #counters = new Counters<DropName>();
  readonly #outbox: Outbox;
  readonly #server: PullServer;
  readonly #evidence: EvidenceServer;
  readonly #ownDid = { isElsewhere: false };
  readonly #context: TopicContext;
  readonly #topics = new Map<Topic, TopicGossip>();
  readonly #peers: Peers;
  readonly #rounds: Rounds;
  #nowMs = 0;
  /** When each topic next wants to be woken; set anew by each event that reaches the topic. */
  readonly #wakes = new Deadlines<TopicGossip | Rounds>();

  constructor({
    keyPair,
    network,
    random,
    limits = {},
    reconcile = 'auto',
    verifySignature = verify,
    readMessage = decodeMessage,
  }: GossipOptions) {
    if (!isLabel(network))
      throw new RangeError('a network name is 1 to 64 printable ASCII characters without a space');
    this.#network = network;
    this.#readMessage = readMessage;
    this.#limits = limitsWith(limits);
    this.#outbox = new Outbox(this.#limits.heldBytesMax, this.#counters);
    this.#server = new PullServer({
      limits: this.#limits,
      outbox: this.#outbox,
      counters: this.#counters,
      linkKey: (peer) => this.#peers.linkKey(peer),
      onAnswered: (topic, peer, byteCount, entryCount) =>
        this.#topics.get(topic)?.answered(peer, byteCount, entryCount, this.#nowMs),
    });
    this.#evidence = new EvidenceServer(this.#limits, this.#outbox, this.#counters);
    const self = keyPair.did;
    const outbox = this.#outbox;
    this.#peers = new Peers({ self, network, random, outbox });
    this.#rounds = new Rounds({
      self,
      peers: this.#peers,
      topics: this.#topics,
      limits: this.#limits,
      outbox,
      counters: this.#counters,
      random,
      at: (topic, event) => this.#at(topic, event),
    });
    this.#context = {
      keyPair,
      network,
      random,
      reconcile,
      limits: this.#limits,
      peers: this.#peers,
      rounds: this.#rounds,
      proofs: new ProofVerifier(verifySignature),
      counters: this.#counters,
      outbox: this.#outbox,
      server: this.#server,
      evidence: this.#evidence,
      ownDid: this.#ownDid,
      wantQuota: new PeerQuota(this.#limits.wantsPerPeerMax),
      connects: new TokenBucket(this.#limits.connectsBurstMax, this.#limits.connectsPerSecond, 0),
    };
  }

  get wakeAtMs(): number | undefined {
    return this.#wakes.earliestMs;
  }

  /** What was dropped so far, by name (`DropName`). */
  get counters(): Readonly<Record<string, number>> {
    return this.#counters.snapshot();
  }

  status(): readonly TopicStatus[] {
    const joined = [...this.#topics.values()].filter((topic) => topic.isJoined);
    return joined.map((topic) => ({
      topic: topic.state.topic,
      entryCount: topic.state.entryCount,
      authorCount: topic.state.authorCount,
      root: topic.state.root,
      subscribers: topic.subscribers(),
      inSync: topic.inSync(),
    }));
  }

  /** What the last reconciliations of a topic cost and came to, the oldest first. */
  sessions(topic: Topic): readonly SessionBill[] {
    return this.#topics.get(topic)?.bills() ?? [];
  }

  /**
   * What to ask a peer while a link to it is made, as a frame of at most `bytesMax` bytes; its answer is a frame `received` once
   * the link is up. Undefined where no topic is followed, or the disk lags behind. Changes nothing.
   */
  earlyQuestion(bytesMax: number): Uint8Array | undefined {
    if (!this.#outbox.isDurable) return undefined;
    return earlyRoots(
      [...this.#topics.values()].filter(({ isJoined }) => isJoined),
      bytesMax,
    );
  }

  /** Answers a frame that a peer made by `earlyQuestion`, or that somebody replays. Total; changes nothing. */
  answerEarly(frame: Uint8Array, bytesMax: number): Uint8Array | undefined {
    if (!this.#outbox.isDurable) return undefined;
    const message = this.#readMessage(frame);
    if (typeof message === 'string' || message.type !== 'TopicRoots') return undefined;
    return earlyRoots(namedTopics(message, this.#topics), bytesMax);
  }

  /** Throws `GossipError` only where the driver itself asks for what cannot be: joining a topic of gated access. */
  handle(event: GossipEvent, nowMs: number): readonly GossipEffect[] {
    this.#nowMs = nowMs;
    switch (event.type) {
      case 'peer-up':
        this.#peerUp(event.peer, nowMs);
        break;
      case 'peer-down':
        this.#peerDown(event.peer, nowMs);
        break;
      case 'received':
        this.#received(event.from, event.frame, nowMs);
        break;
      case 'restored':
        this.#at(this.#topicOf(event.topic), (topic) => topic.restored(event.entries));
        break;
      case 'joined':
        this.#joined(event.topic, event.access, nowMs);
        break;
      case 'submitted':
        this.#submitted(event.topic, event.payloads, event.ref, nowMs);
        break;
      case 'persisted':
        this.#outbox.persisted(event.write);
        break;
      case 'loaded':
        this.#server.loaded(event.load, event.entries);
        this.#evidence.loaded(event.load, event.entries);
        break;
      case 'woke':
        for (const due of this.#wakes.takeDue(nowMs)) this.#at(due, (topic) => topic.woke(nowMs));
        break;
      case 'left':
        this.#left(event.topic);
        break;
      case 'unreachable':
        for (const each of this.#topics.values())
          this.#at(each, (topic) => topic.unreachable(event.peer, nowMs));
        break;
      case 'twin-met':
        this.#ownDid.isElsewhere = true;
        for (const each of this.#topics.values()) this.#at(each, (topic) => topic.twinMet());
        break;
      default:
        event satisfies never;
    }
    return this.#outbox.take();
  }

  #peerUp(did: Did, nowMs: number): void {
    const peer = this.#peers.up(did);
    if (peer === undefined) return;
    this.#rounds.subscribe([peer], false);
    this.#rounds.peerUp(did, nowMs);
    this.#wakes.set(this.#rounds, this.#rounds.wakeAtMs);
  }

  #peerDown(did: Did, nowMs: number): void {
    const peer = this.#peers.down(did);
    if (peer === undefined) return;
    this.#outbox.dropPeer(did);
    this.#server.dropPeer(did);
    this.#evidence.dropPeer(did);
    this.#rounds.peerDown(did);
    this.#wakes.set(this.#rounds, this.#rounds.wakeAtMs);
    for (const each of this.#topics.values()) this.#at(each, (topic) => topic.followerDown(did, nowMs));
  }

  #joined(topic: Topic, access: AccessControl, nowMs: number): void {
    if (access.type !== 'Public') {
      const message = `topics of ${access.type} access are not enforced on every path yet, so this version does not open them`;
      throw new GossipError('access-not-yet', message);
    }
    const joined = this.#topicOf(topic);
    if (joined.isJoined) return;
    this.#at(joined, () => joined.join(nowMs));
    this.#rounds.subscribe(this.#peers, true, [topic]);
  }

  #left(topic: Topic): void {
    const left = this.#topics.get(topic);
    if (left?.isJoined !== true) return;
    for (const peer of this.#peers) peer.topics.delete(topic);
    this.#outbox.send(
      [...this.#peers].map(({ did }) => did),
      { type: 'Unsubscribe', topics: [topic] },
    );
    left.leave();
    this.#wakes.set(left, undefined);
    this.#topics.delete(topic);
  }

  #submitted(topic: Topic, payloads: readonly Uint8Array[], ref: number, nowMs: number): void {
    try {
      const followed = this.#topics.get(topic);
      if (followed?.isJoined !== true)
        throw new GossipError('not-joined', `this node does not follow ${topic}`);
      this.#at(followed, () => followed.submit(payloads, ref, nowMs));
    } catch (error) {
      if (!(error instanceof GossipError)) throw error;
      this.#outbox.effect({ type: 'reject', ref, code: error.code, message: error.message });
    }
  }

  #received(from: Did, frame: Uint8Array, nowMs: number): void {
    const peer = this.#peers.get(from);
    if (peer === undefined) return this.#counters.add('peer-unknown');
    const message = this.#readMessage(frame);
    if (typeof message === 'string') return this.#counters.add(message);
    if ('topic' in message) return this.#receivedOfTopic(peer, message, frame.length, nowMs);
    switch (message.type) {
      case 'Hello':
        return this.#receivedHello(peer, message, nowMs);
      case 'Subscribe':
        this.#rounds.receivedSubscribe(peer, message, nowMs);
        for (const each of this.#topics.values()) this.#at(each, (topic) => topic.peersChanged(nowMs));
        return;
      case 'Unsubscribe':
        return this.#receivedUnsubscribe(peer, message.topics, nowMs);
      case 'Roots':
        return this.#rounds.receivedRoots(peer, message, nowMs);
      case 'TopicRoots':
        return this.#rounds.receivedTopicRoots(peer, message, nowMs);
    }
  }

  #receivedOfTopic(peer: Peer, message: TopicMessage, byteCount: number, nowMs: number): void {
    const topic = this.#topics.get(message.topic);
    if (topic?.isJoined !== true) {
      this.#counters.add('topic-unknown');
      if (message.type === 'AntiEntropy' && !message.answer)
        this.#outbox.send([peer.did], { type: 'Unsubscribe', topics: [message.topic] });
      return;
    }
    // Who speaks of a topic follows it.
    this.#rounds.follow(peer, message.topic, nowMs);
    this.#at(topic, () => topic.received(peer.did, message, byteCount, nowMs));
  }

  #receivedUnsubscribe(peer: Peer, topics: readonly Topic[], nowMs: number): void {
    for (const name of topics) {
      if (!peer.topics.delete(name)) continue;
      const topic = this.#topics.get(name);
      if (topic !== undefined) this.#at(topic, () => topic.followerDown(peer.did, nowMs));
    }
  }

  /** A peer that has nothing to say to this node is gone for it at once, whenever the driver closes the link. */
  #receivedHello(peer: Peer, hello: Hello, nowMs: number): void {
    const { network, version } = hello;
    if (network === this.#network && version === PROTOCOL.version) return this.#peers.greeted(peer, hello);
    this.#peerDown(peer.did, nowMs);
    const reason = network === this.#network ? 'version-unknown' : 'network-wrong';
    this.#outbox.effect({ type: 'disconnect', peer: peer.did, reason });
  }

  /** Lets an event reach a topic, and notes when that wants to be woken now. */
  #at<Part extends TopicGossip | Rounds>(topic: Part, event: (topic: Part) => void): void {
    event(topic);
    this.#wakes.set(topic, topic.wakeAtMs);
  }

  #topicOf(name: Topic): TopicGossip {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      if (this.#topics.size >= this.#limits.topicsMax) {
        throw new GossipError(
          'topic-full',
          `this node follows ${this.#limits.topicsMax} topics, which is its limit`,
        );
      }
      this.#topics.set(name, (topic = new TopicGossip(name, this.#context)));
    }
    return topic;
  }
}
