import { DEFAULT_LIMITS, Gossip, PROTOCOL, parseTopic, type EntryStore, type SessionBill } from '@icn/gossip';
import { parseDid, randomBytes, type Did } from '@icn/identity';
import { earlyBytesMax, ExchangeRounds, formatAddress, parseAddress, Swarm, type Address } from '@icn/net';
import { NodeError } from './errors.js';
import { FollowedTopics } from './followed-topics.js';
import { GossipDriver } from './gossip-driver.js';
import { LocalDiscovery } from './local-discovery.js';
import type { NodeEvent, NodeListener } from './node-events.js';
import { openParts, type NodeAdapters, type NodeParts } from './node-parts.js';
import { sumOfCounters, type NodeStatus } from './node-status.js';
import { parseOptions, type NodeConfig, type NodeOptions } from './options.js';
import { PeerLinks } from './peer-links.js';
import { peerStatus, soughtStatus } from './peer-status.js';
import { Publisher } from './publisher.js';
import type { SavedSet } from './saved-set.js';
import { TopicHandles } from './topic-handles.js';
import type { TopicHandle } from './topic.js';
import { Transports } from './transports.js';
import type { TrustRecord } from './trust/trust-record.js';

/**
 * Starts a node: opens its data, listens, follows its topics, looks for peers. Resolves when it can be reached.
 *
 * @throws NodeError, IdentityError, NetError; nothing of the node is left running then.
 */
export async function createNode(options: NodeOptions = {}, adapters: NodeAdapters = {}): Promise<IcnNode> {
  const config = parseOptions(options);
  const parts = await openParts(config, adapters);
  try {
    const node = new IcnNode(config, parts);
    await node.start();
    return node;
  } catch (error) {
    await parts.trust.close();
    await parts.store.close();
    throw error;
  }
}

/** The composition root: identity, net, gossip and a store, joined by nothing but their ports. */
export class IcnNode {
  readonly did: Did;
  /** Whether this start made the identity. */
  readonly isNew: boolean;
  /** Whom this node trusts, and by whose word. */
  readonly trust: TrustRecord;
  readonly #config: NodeConfig;
  readonly #store: EntryStore;
  readonly #blocked: SavedSet<Did>;
  readonly #gossip: Gossip;
  readonly #driver: GossipDriver;
  readonly #publisher: Publisher;
  readonly #topics: FollowedTopics;
  readonly #handles: TopicHandles;
  readonly #transports: Transports;
  readonly #links: PeerLinks;
  readonly #swarm: Swarm;
  readonly #discovery: LocalDiscovery | undefined;
  readonly #exchange: ExchangeRounds | undefined;
  readonly #addresses: Address[] = [];
  readonly #listeners = new Set<NodeListener>();
  #hasTwin = false;
  #closing: Promise<void> | undefined;

  /** Use `createNode`. */
  constructor(config: NodeConfig, parts: NodeParts) {
    const { store, createTransports, classOf, trust, blocked, left, keyPair, created } = parts;
    const { network, reconcile } = config;
    this.did = keyPair.did;
    this.isNew = created;
    this.trust = trust;
    this.#config = config;
    this.#store = store;
    this.#blocked = blocked;
    this.#gossip = new Gossip({ keyPair, network, reconcile, random: randomBytes });
    this.#driver = this.#createDriver();
    this.#publisher = new Publisher((topic, payloads, ref) =>
      this.#driver.handle({ type: 'submitted', topic, payloads, ref }),
    );
    this.#topics = new FollowedTopics({
      store,
      left,
      tell: (event) => this.#driver.handle(event),
      written: () => this.#driver.written(),
    });
    this.#handles = new TopicHandles(this.#topics, this.#publisher);
    this.#links = new PeerLinks({
      frameBytesMax: PROTOCOL.frameBytesMax,
      classOf,
      onGossip: (from, frame) => {
        this.#driver.handle({ type: 'received', from, frame });
        return this.#driver.room();
      },
      onExchange: (from, message) => this.#exchange?.received(from, message),
    });
    const transports = createTransports({
      keyPair,
      admit: (did) => (this.#swarm.isBlocked(did) ? 'blocked' : undefined),
      onTwin: () => this.#twinMet(),
      answerEarly: (_from, question) => this.#gossip.answerEarly(question, earlyBytesMax),
    });
    // Said once somebody can listen to it.
    const warn = (message: string) => void setImmediate(() => this.#emit({ type: 'warning', message }));
    this.#transports = new Transports(transports, warn);
    this.#swarm = this.#createSwarm();
    this.#discovery = config.mdns ? this.#createDiscovery() : undefined;
    this.#exchange = config.exchange ? this.#createExchange() : undefined;
  }

  /** Where this node can be dialled, with its DID. */
  get addresses(): readonly string[] {
    return this.#addresses.map(formatAddress);
  }

  /** Called by `createNode`. */
  async start(): Promise<void> {
    try {
      for (const did of this.#blocked) this.#swarm.block(did);
      const topics = await this.#topics.atStart(this.#config.topics);
      for (const topic of topics.slice(0, DEFAULT_LIMITS.topicsMax)) await this.#topics.follow(topic);
      const listening = await this.#transports.listen(this.#config.listen);
      this.#addresses.push(...listening.flatMap(({ listener }) => listener.addresses));
      // From here on nothing is awaited: who subscribes as soon as the node is there misses no event.
      for (const { listener } of listening) void this.#swarm.serve(listener);
      for (const address of this.#config.peers) this.#swarm.hint(address, { keep: true });
      this.#discovery?.start(listening.flatMap(({ announced }) => announced));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Tells `listener` what happens from now on; returns how to stop it. */
  subscribe(listener: NodeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** One topic, followed from the first use on. Throws GossipError `topic-invalid`. */
  topic(name: string): TopicHandle {
    return this.#handles.of(parseTopic(name));
  }

  /**
   * Follows a topic no more, across restarts, until it is used again or named in `topics`. Its entries stay in the store.
   * Throws GossipError `topic-invalid`, NodeError `request-refused` where it is not followed.
   */
  leave(name: string): Promise<void> {
    return this.#topics.leave(parseTopic(name));
  }

  /** Whether this node follows a topic, or is about to. */
  follows(name: string): boolean {
    return this.#topics.has(parseTopic(name));
  }

  status(): NodeStatus {
    return {
      did: this.did,
      network: this.#config.network,
      reconcile: this.#config.reconcile,
      addresses: this.addresses,
      peers: this.#swarm.peers.map(peerStatus),
      sought: this.#swarm.sought.map(soughtStatus),
      blocked: this.#swarm.blocked,
      topics: this.#gossip.status(),
      traffic: this.#links.traffic,
      counters: sumOfCounters(
        ...this.#transports.counters,
        this.#swarm.counters,
        this.#links.counters,
        this.#gossip.counters,
        this.#discovery?.counters ?? {},
        this.#exchange?.counters ?? {},
      ),
    };
  }

  /** What the recent reconciliation sessions of a topic cost, oldest first. Throws GossipError `topic-invalid`. */
  sessions(name: string): readonly SessionBill[] {
    return this.#gossip.sessions(parseTopic(name));
  }

  /** Tries to reach a peer, for as long as the node lives. Throws NetError `address-invalid`. */
  connect(address: string): void {
    this.#swarm.hint(parseAddress(address), { keep: true });
  }

  /**
   * Drops a peer and refuses it, across restarts, until `unblock`. Throws IdentityError `did-invalid`, NodeError
   * `own-did`: nobody blocks himself.
   */
  async block(peer: Did): Promise<void> {
    const did = parseDid(peer);
    if (did === this.did) throw new NodeError('own-did', `${did} is this very node: it cannot block itself`);
    this.#swarm.block(did);
    await this.#blocked.add(did);
  }

  async unblock(peer: Did): Promise<void> {
    await this.#blocked.delete(peer);
    this.#swarm.unblock(peer);
  }

  /** Says goodbye, closes connections, finishes writes and releases everything. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#discovery?.close();
    this.#exchange?.close();
    await this.#swarm.close();
    await this.#transports.close();
    await this.#driver.stop();
    this.#publisher.abandon(new NodeError('node-closed', 'the node was closed before the entry was durable'));
    await this.#topics.end();
    await this.trust.close();
    await this.#store.close();
  }

  #createDriver(): GossipDriver {
    return new GossipDriver({
      gossip: this.#gossip,
      store: this.#store,
      send: (to, frame, priority) => this.#links.send(to, frame, priority),
      disconnect: (peer, reason) => this.#links.disconnect(peer, { code: 'protocol-error', text: reason }),
      connect: (peer) => this.#swarm.reach(peer),
      protect: (peer) => this.#swarm.protect(peer),
      release: (peer) => this.#swarm.release(peer),
      onDelivered: ({ topic, position, name }) => {
        this.#topics.feed(topic).advance(position);
        this.#emit({ type: 'delivered', topic, position, author: name.author });
      },
      onWithdrawn: ({ topic, position, log }) => {
        this.#topics.feed(topic).advance(position);
        this.#emit({ type: 'withdrawn', topic, position, log });
      },
      onAcknowledged: (ref, name) => this.#publisher.acknowledged(ref, name),
      onRejected: ({ ref, code, message }) => this.#publisher.rejected(ref, code, message),
      onStoreFailed: (error) => this.#storeFailed(error),
    });
  }

  #createSwarm(): Swarm {
    return new Swarm({
      self: this.did,
      transports: this.#transports.all,
      onPeerUp: (connection) => {
        this.#links.add(connection);
        this.#discovery?.connected(connection.remote, connection.remoteAddress);
        this.#exchange?.peerUp(connection);
        this.#emit({
          type: 'peer-up',
          did: connection.remote,
          address: formatAddress(connection.remoteAddress),
        });
        this.#driver.handle({ type: 'peer-up', peer: connection.remote });
      },
      onPeerDown: (did, reason) => {
        this.#links.delete(did);
        this.#discovery?.disconnected(did);
        this.#exchange?.peerDown(did);
        this.#driver.handle({ type: 'peer-down', peer: did });
        this.#emit({ type: 'peer-down', did, reason });
      },
      onDialFailed: (address, error) => {
        const message = `cannot reach ${formatAddress(address)}, still trying: ${error.message}`;
        this.#emit({ type: 'warning', message });
      },
      early: {
        question: () => this.#gossip.earlyQuestion(earlyBytesMax),
        onAnswer: (from, frame) => this.#driver.handle({ type: 'received', from, frame }),
      },
      onSilent: (silent, answering) => {
        const isServing = this.#swarm.connections.some(
          ({ remoteAddress }) => remoteAddress.scheme === silent.scheme,
        );
        this.#transports.silent(silent, answering, isServing);
      },
    });
  }

  #createDiscovery(): LocalDiscovery {
    return new LocalDiscovery({
      did: this.did,
      network: this.#config.network,
      transports: this.#transports.all.map(({ scheme }) => scheme),
      onPeer: (address) => this.#swarm.hint(address),
      onWarning: (message) => this.#emit({ type: 'warning', message }),
    });
  }

  #createExchange(): ExchangeRounds {
    return new ExchangeRounds({
      self: this.did,
      ownAddresses: () => this.#addresses,
      transports: this.#transports.all.map(({ scheme }) => scheme),
      send: (peer, message) => this.#links.send([peer], message, 'exchange'),
      onTold: (address) => this.#swarm.hint(address, { isRumour: true }),
      onListening: (address) => this.#swarm.hint(address),
    });
  }

  #twinMet(): void {
    this.#driver.handle({ type: 'twin-met' });
    if (this.#hasTwin) return;
    this.#hasTwin = true;
    const message = `another node runs with the identity of this one (${this.did}), which would fork its log: stop one of them, and give each data directory an identity of its own`;
    this.#emit({ type: 'warning', message });
  }

  #storeFailed(cause: Error): void {
    const message = `the store failed (${cause.message}); what was not acknowledged may be lost, so the node stops`;
    const error = new NodeError('store-failed', message, { cause });
    this.#publisher.abandon(error);
    this.#emit({ type: 'failed', error });
    // Whoever waits for the end of the node hears of what fails on the way.
    this.close().catch(() => undefined);
  }

  /** What a listener throws is an uncaught exception of its own, and keeps nobody else from what has to be done. */
  #emit(event: NodeEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
