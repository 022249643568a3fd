import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  DEFAULT_LIMITS,
  Gossip,
  PROTOCOL,
  parseTopic,
  type EntryStore,
  type Topic,
  type TopicStatus,
} from '@icn/gossip';
import { generateKeyPair, parseDid, randomBytes, type Did, type KeyPair } from '@icn/identity';
import { loadOrCreateIdentity } from '@icn/identity/identity-file';
import {
  createQuicTransport,
  formatAddress,
  parseAddress,
  Swarm,
  type Address,
  type Listener,
  type QuicTransportOptions,
  type Transport,
} from '@icn/net';
import { BlockList } from './block-list.js';
import { NodeError } from './errors.js';
import { FollowedTopics } from './followed-topics.js';
import { GossipDriver } from './gossip-driver.js';
import { LocalDiscovery } from './local-discovery.js';
import type { NodeEvent, NodeListener } from './node-events.js';
import { parseOptions, type NodeConfig, type NodeOptions } from './options.js';
import { PeerLinks } from './peer-links.js';
import { Publisher } from './publisher.js';
import { LevelStore } from './store/level-store.js';
import { MemoryStore } from './store/memory-store.js';
import type { TopicHandle } from './topic.js';

/** A peer that was killed, and so says nothing, is missed within this time; three signs of life may get lost (guess). */
const IDLE_TIMEOUT_MS = 15_000;
const KEEP_ALIVE_MS = 4_000;

/** A node at a glance. */
export interface NodeStatus {
  readonly did: Did;
  readonly network: string;
  readonly addresses: readonly string[];
  readonly peers: readonly {
    readonly did: Did;
    readonly address: string;
    readonly direction: 'inbound' | 'outbound';
  }[];
  readonly blocked: readonly Did[];
  readonly topics: readonly TopicStatus[];
  /** What was dropped or refused since the start, by name. */
  readonly counters: Readonly<Record<string, number>>;
}

/** Parts of a node that can be swapped for others that keep the same port. */
export interface NodeAdapters {
  /** Keeps the entries; closed with the node. Default: LevelDB in `dataDir`, else memory. */
  readonly store?: EntryStore;
  /** Moves the bytes; `listen` must then name addresses of its scheme. Default: QUIC. */
  readonly transport?: (options: Pick<QuicTransportOptions, 'keyPair' | 'admit'>) => Transport;
}

/** What a node is made of before it starts. */
interface NodeParts {
  readonly store: EntryStore;
  readonly createTransport: NonNullable<NodeAdapters['transport']>;
  readonly blockList: BlockList;
  readonly keyPair: KeyPair;
  /** Whether the key pair was made just now. */
  readonly created: boolean;
}

/**
 * Starts a node: opens its data, listens, follows its topics, looks for peers. Resolves when it can be reached.
 *
 * @throws NodeError, IdentityError, NetError; nothing of the node is left running then.
 */
export async function createNode(options: NodeOptions = {}, adapters: NodeAdapters = {}): Promise<IcnNode> {
  const config = parseOptions(options);
  const store = adapters.store ?? (await openStore(config));
  const createTransport = adapters.transport ?? createDefaultTransport;
  try {
    const { dataDir } = config;
    const blockList = await BlockList.open(dataDir === undefined ? undefined : join(dataDir, 'blocked.json'));
    const node = new IcnNode(config, { store, createTransport, blockList, ...(await openIdentity(config)) });
    await node.start();
    return node;
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** The store comes first: its lock makes this node the only writer of the folder, identity included. */
async function openStore({ dataDir }: NodeConfig): Promise<EntryStore> {
  if (dataDir === undefined) return new MemoryStore();
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    const { code, message: text } = error as NodeJS.ErrnoException;
    const reason = code === 'EEXIST' ? 'it is a file, not a folder' : text;
    const message = `cannot use ${dataDir} as data directory: ${reason}`;
    throw new NodeError('data-dir-unusable', message, { cause: error });
  }
  return LevelStore.open(join(dataDir, 'store'));
}

const createDefaultTransport: NodeParts['createTransport'] = (options) =>
  createQuicTransport({ ...options, limits: { keepAliveMs: KEEP_ALIVE_MS, idleTimeoutMs: IDLE_TIMEOUT_MS } });

async function openIdentity({
  keyPair,
  dataDir,
}: NodeConfig): Promise<Pick<NodeParts, 'keyPair' | 'created'>> {
  if (keyPair !== undefined) return { keyPair, created: false };
  if (dataDir === undefined) return { keyPair: generateKeyPair(), created: true };
  return loadOrCreateIdentity(join(dataDir, 'identity.json'));
}

/** The composition root: identity, net, gossip and a store, joined by nothing but their ports. */
export class IcnNode {
  readonly did: Did;
  /** Whether this start made the identity. */
  readonly isNew: boolean;
  readonly #config: NodeConfig;
  readonly #store: EntryStore;
  readonly #blockList: BlockList;
  readonly #gossip: Gossip;
  readonly #driver: GossipDriver;
  readonly #publisher: Publisher;
  readonly #topics: FollowedTopics;
  readonly #transport: Transport;
  readonly #links: PeerLinks;
  readonly #swarm: Swarm;
  readonly #discovery: LocalDiscovery | undefined;
  readonly #addresses: Address[] = [];
  readonly #listeners = new Set<NodeListener>();
  #closing: Promise<void> | undefined;

  /** Use `createNode`. */
  constructor(config: NodeConfig, { store, createTransport, blockList, keyPair, created }: NodeParts) {
    this.did = keyPair.did;
    this.isNew = created;
    this.#config = config;
    this.#store = store;
    this.#blockList = blockList;
    this.#gossip = new Gossip({ keyPair, network: config.network, random: randomBytes });
    this.#driver = this.#createDriver();
    this.#publisher = new Publisher((topic, payload, ref) =>
      this.#driver.handle({ type: 'submitted', topic, payload, ref }),
    );
    this.#topics = new FollowedTopics(store, (event) => this.#driver.handle(event));
    this.#links = new PeerLinks(PROTOCOL.frameBytesMax, (from, frame) => {
      this.#driver.handle({ type: 'received', from, frame });
      return this.#driver.room();
    });
    this.#transport = createTransport({
      keyPair,
      admit: (did) => (this.#swarm.isBlocked(did) ? 'blocked' : undefined),
    });
    this.#swarm = this.#createSwarm();
    this.#discovery = config.mdns ? this.#createDiscovery() : undefined;
  }

  /** Where this node can be dialled, with its DID. */
  get addresses(): readonly string[] {
    return this.#addresses.map(formatAddress);
  }

  /** Called by `createNode`. */
  async start(): Promise<void> {
    try {
      for (const did of this.#blockList) this.#swarm.block(did);
      for (const topic of await this.#topicsAtStart()) await this.#topics.follow(topic);
      const listeners: Listener[] = [];
      for (const address of this.#config.listen) listeners.push(await this.#listen(address));
      // From here on nothing is awaited: who subscribes as soon as the node is there misses no event.
      for (const listener of listeners) void this.#swarm.serve(listener);
      for (const address of this.#config.peers) this.#swarm.hint(address, { keep: true });
      const hosts = this.#config.listen.map(({ host }) => host);
      this.#discovery?.start(hosts, [...new Set(this.#addresses.map(({ port }) => port))]);
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
    const topic = parseTopic(name);
    const topics = this.#topics;
    const publisher = this.#publisher;
    return {
      topic,
      async publish(payload) {
        const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
        if (!(bytes instanceof Uint8Array)) throw new TypeError('a payload is a text or a Uint8Array');
        await topics.follow(topic);
        return publisher.publish(topic, bytes);
      },
      async *entries(options) {
        await topics.follow(topic);
        yield* topics.feed(topic).read(options);
      },
    };
  }

  /** Whether this node follows a topic, or is about to. */
  follows(name: string): boolean {
    return this.#topics.has(parseTopic(name));
  }

  status(): NodeStatus {
    return {
      did: this.did,
      network: this.#config.network,
      addresses: this.addresses,
      peers: this.#swarm.connections.map(({ remote, remoteAddress, direction }) => {
        return { did: remote, address: formatAddress(remoteAddress), direction };
      }),
      blocked: this.#swarm.blocked,
      topics: this.#gossip.status(),
      counters: sum(
        this.#transport.counters,
        this.#swarm.counters,
        this.#links.counters,
        this.#gossip.counters,
        this.#discovery?.counters ?? {},
      ),
    };
  }

  /** Tries to reach a peer, for as long as the node lives. Throws NetError `address-invalid`. */
  connect(address: string): void {
    this.#swarm.hint(parseAddress(address), { keep: true });
  }

  /** Drops a peer and refuses it, across restarts, until `unblock`. Throws IdentityError `did-invalid`. */
  async block(peer: Did): Promise<void> {
    const did = parseDid(peer);
    this.#swarm.block(did);
    await this.#blockList.add(did);
  }

  async unblock(peer: Did): Promise<void> {
    await this.#blockList.delete(peer);
    this.#swarm.unblock(peer);
  }

  /** Says goodbye, closes connections, finishes writes and releases everything. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#discovery?.close();
    await this.#swarm.close();
    await this.#transport.close();
    await this.#driver.stop();
    this.#publisher.abandon(new NodeError('node-closed', 'the node was closed before the entry was durable'));
    await this.#topics.end();
    await this.#store.close();
  }

  /** What this node holds entries of is served and kept up to date, whoever asked for it in an earlier run. */
  async #topicsAtStart(): Promise<readonly Topic[]> {
    const topics = new Set([...this.#config.topics, ...(await this.#store.topics())]);
    return [...topics].slice(0, DEFAULT_LIMITS.topicsMax);
  }

  async #listen(address: Address): Promise<Listener> {
    if (address.scheme !== this.#transport.scheme) {
      const message = `cannot listen on ${formatAddress(address)}: the transport of this node listens on ${this.#transport.scheme}://`;
      throw new NodeError('options-invalid', message);
    }
    const listener = await this.#transport.listen(address);
    this.#addresses.push(...listener.addresses);
    return listener;
  }

  #createDriver(): GossipDriver {
    return new GossipDriver({
      gossip: this.#gossip,
      store: this.#store,
      send: (to, frame, priority) => this.#links.send(to, frame, priority),
      disconnect: (peer, reason) => this.#links.disconnect(peer, { code: 'protocol-error', text: reason }),
      onDelivered: ({ topic, position, name }) => {
        this.#topics.feed(topic).advance(position);
        this.#emit({ type: 'delivered', topic, position, author: name.author });
      },
      onAcknowledged: (ref, name) => this.#publisher.acknowledged(ref, name),
      onRejected: ({ ref, code, message }) => this.#publisher.rejected(ref, code, message),
      onStoreFailed: (error) => this.#storeFailed(error),
    });
  }

  #createSwarm(): Swarm {
    return new Swarm({
      self: this.did,
      transports: [this.#transport],
      onPeerUp: (connection) => {
        this.#links.add(connection);
        this.#emit({
          type: 'peer-up',
          did: connection.remote,
          address: formatAddress(connection.remoteAddress),
        });
        this.#driver.handle({ type: 'peer-up', peer: connection.remote });
      },
      onPeerDown: (did, reason) => {
        this.#links.delete(did);
        this.#driver.handle({ type: 'peer-down', peer: did });
        this.#emit({ type: 'peer-down', did, reason });
      },
      onDialFailed: (address, error) => {
        const message = `cannot reach ${formatAddress(address)}, still trying: ${error.message}`;
        this.#emit({ type: 'warning', message });
      },
    });
  }

  #createDiscovery(): LocalDiscovery {
    return new LocalDiscovery({
      did: this.did,
      network: this.#config.network,
      onPeer: (address) => this.#swarm.hint(address),
      onWarning: (message) => this.#emit({ type: 'warning', message }),
    });
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

/** Adds up counters by name: a peer may be refused by the transport or, a moment later, by the swarm. */
function sum(...all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const [name, count] of all.flatMap((counters) => Object.entries(counters)))
    total[name] = (total[name] ?? 0) + count;
  return total;
}
