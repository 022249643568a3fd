import { randomBytes } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Did } from '@icn/identity';
import type { Service } from 'bonjour-service';
import { AsyncQueue } from './async-queue.js';
import type { DiscoveredPeer, Discovery, DiscoveryEvent } from './discovery.js';
import { NetError } from './errors.js';
import { onLinkHosts } from './mdns/on-link.js';
import { MdnsSocket, type ServiceType } from './mdns/mdns-socket.js';
import { peerOf, txtOf } from './mdns/service-record.js';

export interface MdnsOptions {
  /** Who we are: announced, and ignored where it comes back. */
  readonly did: Did;
  /** Nodes of different networks do not find each other. Default `icn`. */
  readonly network?: string;
  /** The transport that the announced port speaks. Default `quic`. */
  readonly transport?: string;
  /** IPv4 addresses of the interfaces to use. Default: all of them, loopback included, as they come and go. */
  readonly interfaces?: readonly string[];
  /** Peers that are kept in mind; further ones are counted and forgotten. Default 256. */
  readonly peersMax?: number;
  /** Between two questions who is there: a killed node sends no goodbye. Default 45 s. */
  readonly requeryMs?: number;
  /** Called at most once, where multicast does not work; the node lives on with the peers it is told. */
  readonly onWarning?: (text: string) => void;
}

export interface DiscoverOptions {
  /** How long to wait for answers. */
  readonly timeoutMs: number;
}

/** Discovery by multicast DNS (RFC 6762, RFC 6763) on the local network and on this machine. */
export interface Mdns extends Discovery {
  /** What was ignored, by name. */
  readonly counters: Readonly<Record<MdnsDrop, number>>;
  /** Announces this node as one service type, for example `_icn._udp.local`. `announce` does so for both of ours. */
  announceService(type: string, port: number): Promise<void>;
  /** The peers that are known when the time is up. */
  discoverPeers(options: DiscoverOptions): Promise<readonly DiscoveredPeer[]>;
}

export type MdnsDrop = 'txt-invalid' | 'other-network' | 'off-link' | 'own' | 'peers-cap' | 'services-cap';

/** What ICN nodes announce themselves as: QUIC is UDP; `_tcp` is the name that the course uses. */
export const serviceTypes = ['_icn._udp.local', '_icn._tcp.local'] as const;

const serviceTypePattern = /^_([a-z0-9-]{1,15})\._(udp|tcp)\.local$/;
/** Ways to reach one peer that are kept in mind, the latest. Guess. */
const addressesMax = 16;
/** More than a machine has; bounds the sockets. Guess. */
const interfacesMax = 16;

/** Discovers and announces on the local network. Sockets open at once; `close` says goodbye. */
export function createMdns(options: MdnsOptions): Mdns {
  return new MdnsDiscovery(options);
}

interface Known {
  /** The instance that said so; another one of the same DID supersedes it. */
  readonly instance: string;
  readonly peer: DiscoveredPeer;
}

class MdnsDiscovery implements Mdns {
  readonly counters: Record<MdnsDrop, number> = {
    'txt-invalid': 0,
    'other-network': 0,
    'off-link': 0,
    own: 0,
    'peers-cap': 0,
    'services-cap': 0,
  };
  readonly #options: Required<Omit<MdnsOptions, 'interfaces' | 'onWarning'>> &
    Pick<MdnsOptions, 'interfaces' | 'onWarning'>;
  /** Random besides the DID: a node that restarts is another instance, and its old goodbye is not its own. */
  readonly #instance: string;
  readonly #sockets = new Map<string, MdnsSocket>();
  readonly #announced: { readonly type: ServiceType; readonly port: number }[] = [];
  readonly #known = new Map<Did, Known>();
  readonly #watchers = new Set<AsyncQueue<DiscoveryEvent>>();
  readonly #timer: NodeJS.Timeout;
  #isOnLink = onLinkHosts();
  #hasWarned = false;
  #closed: Promise<void> | undefined;

  constructor(options: MdnsOptions) {
    this.#options = { network: 'icn', transport: 'quic', peersMax: 256, requeryMs: 45_000, ...options };
    this.#instance = `icn-${options.did.slice(-12)}-${randomBytes(4).toString('hex')}`;
    this.#openSockets();
    this.#timer = setInterval(() => this.#refresh(), this.#options.requeryMs);
    this.#timer.unref();
  }

  async announce(port: number): Promise<void> {
    for (const type of serviceTypes) await this.announceService(type, port);
  }

  async announceService(type: string, port: number): Promise<void> {
    const service = { type: parseServiceType(type), port };
    this.#announced.push(service);
    for (const socket of this.#sockets.values()) this.#publish(socket, service);
  }

  async discoverPeers({ timeoutMs }: DiscoverOptions): Promise<readonly DiscoveredPeer[]> {
    for (const socket of this.#sockets.values()) socket.query();
    await new Promise((resolve) => setTimeout(resolve, timeoutMs));
    return [...this.#known.values()].map(({ peer }) => peer);
  }

  watch(signal?: AbortSignal): AsyncIterable<DiscoveryEvent> {
    const events = new AsyncQueue<DiscoveryEvent>();
    for (const { peer } of this.#known.values()) events.push({ type: 'found', peer });
    const stop = (): void => {
      this.#watchers.delete(events);
      events.end();
    };
    if (signal?.aborted === true || this.#closed !== undefined) stop();
    else this.#watchers.add(events);
    signal?.addEventListener('abort', stop, { once: true });
    return events;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([...this.#sockets.values()].map((socket) => socket.close()));
    for (const events of this.#watchers) events.end();
    this.#watchers.clear();
  }

  #refresh(): void {
    this.#isOnLink = onLinkHosts();
    this.#openSockets();
    for (const socket of this.#sockets.values()) socket.query();
  }

  /** One socket per interface, because multicast leaves by one: peers of this machine answer on loopback. */
  #openSockets(): void {
    // multicast-dns speaks IPv6 only where it is told the name of an interface; every node on a local network has IPv4.
    const hosts = (this.#options.interfaces ?? ownHosts())
      .filter((host) => isIPv4(host))
      .slice(0, interfacesMax);
    if (hosts.length === 0) this.#warn('a machine without IPv4 interfaces');
    for (const [host, socket] of this.#sockets) {
      if (hosts.includes(host)) continue;
      this.#sockets.delete(host);
      void socket.close();
    }
    for (const host of hosts) {
      if (this.#sockets.has(host)) continue;
      const socket = this.#createSocket(host);
      this.#sockets.set(host, socket);
      for (const service of this.#announced) this.#publish(socket, service);
    }
  }

  #createSocket(host: string): MdnsSocket {
    return new MdnsSocket({
      host,
      browse: serviceTypes.map((type) => parseServiceType(type)),
      servicesMax: 2 * this.#options.peersMax,
      onUp: (service) => this.#onUp(service),
      onDown: (service) => this.#onDown(service),
      onOverflow: () => (this.counters['services-cap'] += 1),
      onFailure: (text) => this.#warn(text),
    });
  }

  #publish(socket: MdnsSocket, { type, port }: { readonly type: ServiceType; readonly port: number }): void {
    const { transport, network, did } = this.#options;
    socket.publish(type, this.#instance, port, txtOf({ transport, network, did }, port));
  }

  #onUp(service: Service): void {
    const { peersMax, did } = this.#options;
    const peer = peerOf(service, this.#options, this.#isOnLink);
    if (typeof peer === 'string') {
      this.counters[peer] += 1;
      return;
    }
    // Another instance that says it is us may be: whoever dials it finds out.
    if (peer.did === did && service.name === this.#instance) {
      this.counters.own += 1;
      return;
    }
    const known = this.#known.get(peer.did);
    if (known === undefined && this.#known.size >= peersMax) {
      this.counters['peers-cap'] += 1;
      return;
    }
    // The same instance heard on another interface: all ways to reach it count.
    const before = known?.instance === service.name ? known.peer.addresses : [];
    const heard = new Set(before.map(({ host, port }) => `${host} ${port}`));
    const added = peer.addresses.filter(({ host, port }) => !heard.has(`${host} ${port}`));
    if (added.length === 0) return;
    const found = { did: peer.did, addresses: [...before, ...added].slice(-addressesMax) };
    this.#known.set(peer.did, { instance: service.name, peer: found });
    this.#tell({ type: 'found', peer: found });
  }

  #onDown(service: Service): void {
    for (const [did, { instance }] of this.#known) {
      if (instance !== service.name) continue;
      this.#known.delete(did);
      this.#tell({ type: 'lost', did });
    }
  }

  #tell(event: DiscoveryEvent): void {
    for (const events of this.#watchers) {
      // Somebody who comes and goes faster than the watcher reads is news only once it does.
      if (events.size < 4 * this.#options.peersMax) events.push(event);
    }
  }

  #warn(text: string): void {
    if (this.#hasWarned || this.#closed !== undefined) return;
    this.#hasWarned = true;
    this.#options.onWarning?.(
      `mDNS does not work on ${text}; peers of that network are not found by themselves, name them by address`,
    );
  }
}

function parseServiceType(type: string): ServiceType {
  const [, name, protocol] = serviceTypePattern.exec(type) ?? [];
  if (name === undefined)
    throw new NetError('address-invalid', `${type} is no service type of the form _icn._udp.local`);
  return { name, protocol: protocol === 'tcp' ? 'tcp' : 'udp' };
}

/** The IPv4 addresses of this machine, one per interface, as multicast membership is. */
function ownHosts(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => {
    const [first] = (addresses ?? []).filter(({ family }) => family === 'IPv4');
    return first === undefined ? [] : [first.address];
  });
}
