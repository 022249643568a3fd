import { randomBytes } from 'node:crypto';
import type { Did } from '@icn/identity';
import type { Address } from './address.js';
import { AsyncQueue } from './async-queue.js';
import type { DiscoveredPeer, Discovery, DiscoveryEvent } from './discovery.js';
import { NetError } from './errors.js';
import type { Interface } from './mdns/links.js';
import { MdnsLinks, type LinksDrop } from './mdns/mdns-links.js';
import type { OwnService } from './mdns/own-service.js';
import { ownInterfaces } from './mdns/own-interfaces.js';
import { parseServiceType, schemeOfType, serviceTypeOf, type ServiceType } from './mdns/service-type.js';

export { serviceTypes } from './mdns/service-type.js';

export interface MdnsOptions {
  /** Who we are: announced, and ignored where it comes back. */
  readonly did: Did;
  /** Nodes of different networks do not find each other. Default `icn`. */
  readonly network?: string;
  /** Schemes that this node can dial; who speaks none of them is passed over. Default `quic` and `tls`. */
  readonly transports?: readonly string[];
  /** Addresses of the interfaces to use. Default: all interfaces, loopback included, as they come and go. */
  readonly interfaces?: readonly string[];
  /** Peers that are kept in mind; then a newcomer takes the place of one of a source that has more, or none. Default 256. */
  readonly peersMax?: number;
  /** Between two questions who is there. Default 15 s: four chances to be heard before a record expires. */
  readonly requeryMs?: number;
  /** Called at most once, where multicast does not work; the node lives on with the peers it is told. */
  readonly onWarning?: (text: string) => void;
}

export interface DiscoverOptions {
  /** How long to wait for answers, in ms. */
  readonly timeoutMs: number;
}

/** Discovery by multicast DNS (RFC 6762, RFC 6763) on the local network and on this machine. */
export interface Mdns extends Discovery {
  readonly counters: Readonly<Record<MdnsDrop, number>>;
  /**
   * Announces a port of all interfaces as one service type, `_icn._udp.local` or `_icn._tcp.local`.
   *
   * @throws NetError `address-invalid` for another type or port.
   */
  announceService(type: string, port: number): Promise<void>;
  /** Asks, and resolves with the peers that are known when the time is up, or with `close`. */
  discoverPeers(options: DiscoverOptions): Promise<readonly DiscoveredPeer[]>;
}

/** Why something has no effect: what was heard, what could not be sent, and what a watcher was too slow for. */
export type MdnsDrop = LinksDrop | 'watcher-slow';

/** How soon an interface that came or went is noticed. Guess. */
const interfacesPollMs = 5_000;
const defaults = { peersMax: 256, requeryMs: 15_000 };
/** How late an expiry or a question may be. Guess. */
const tickMs = 500;

/**
 * Discovers and announces on the local network. Sockets open at once; `close` says goodbye. `interfaces` is for tests.
 */
export function createMdns(options: MdnsOptions, interfaces = ownInterfaces): Mdns {
  return new MdnsDiscovery(options, interfaces);
}

class MdnsDiscovery implements Mdns {
  readonly counters: Record<MdnsDrop, number> = { ...noDrops };
  readonly #options: MdnsOptions;
  readonly #ownInterfaces: typeof ownInterfaces;
  /** Random besides the DID: a node that restarts is another instance, and two of one host are two. */
  readonly #label: string;
  readonly #links: MdnsLinks;
  readonly #watchers = new Set<AsyncQueue<DiscoveryEvent>>();
  readonly #timers: readonly NodeJS.Timeout[];
  /** What ends when it closes, besides watchers. */
  readonly #waits = new Set<() => void>();
  #interfaces = '';
  #hasWarned = false;
  #closed: Promise<void> | undefined;

  constructor(options: MdnsOptions, interfaces: typeof ownInterfaces) {
    this.#options = options;
    this.#ownInterfaces = interfaces;
    this.#label = `icn-${options.did.slice(-12)}-${randomBytes(8).toString('hex')}`;
    this.#links = new MdnsLinks({
      label: this.#label,
      network: options.network ?? 'icn',
      transports: options.transports ?? ['quic', 'tls'],
      peersMax: options.peersMax ?? defaults.peersMax,
      requeryMs: options.requeryMs ?? defaults.requeryMs,
      random: Math.random,
      nowMs: () => performance.now(),
      count: (drop) => (this.counters[drop] += 1),
      tell: (event) => this.#tell(event),
      onFailure: (text) => this.#warn(text),
    });
    this.#updateInterfaces();
    this.#links.tick();
    this.#timers = [
      setInterval(() => this.#updateInterfaces(), interfacesPollMs),
      setInterval(() => this.#links.tick(), tickMs),
    ];
    for (const timer of this.#timers) timer.unref();
  }

  async announce(listening: readonly Address[]): Promise<void> {
    for (const { scheme, host, port } of listening) {
      const type = serviceTypeOf(scheme);
      if (type !== undefined) this.#links.publish(this.#serviceOf(type, host, port));
    }
  }

  async announceService(type: string, port: number): Promise<void> {
    this.#links.publish(this.#serviceOf(parseServiceType(type), '::', port));
  }

  async discoverPeers({ timeoutMs }: DiscoverOptions): Promise<readonly DiscoveredPeer[]> {
    this.#links.ask();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => done(), timeoutMs);
      const done = (): void => {
        clearTimeout(timer);
        this.#waits.delete(done);
        resolve();
      };
      this.#waits.add(done);
      if (this.#closed !== undefined) done();
    });
    return this.#links.peers;
  }

  watch(signal?: AbortSignal): AsyncIterable<DiscoveryEvent> {
    const events = new AsyncQueue<DiscoveryEvent>();
    for (const peer of this.#links.peers) events.push({ type: 'found', peer });
    const stop = (): void => {
      this.#watchers.delete(events);
      events.end();
    };
    if (signal?.aborted === true || this.#closed !== undefined) stop();
    else this.#watchers.add(events);
    signal?.addEventListener('abort', stop, { once: true });
    return events;
  }

  connected(did: Did, { host }: Address): void {
    this.#links.table.connected(did, host);
  }

  disconnected(did: Did): void {
    this.#links.table.disconnected(did);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#links.close();
    for (const done of [...this.#waits]) done();
    for (const events of this.#watchers) events.end();
    this.#watchers.clear();
  }

  #serviceOf(type: ServiceType, host: string, port: number): OwnService {
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new NetError('address-invalid', `${port} is no port that can be announced`);
    const { did, network = 'icn' } = this.#options;
    const transport = schemeOfType[type];
    const txt = { transport, port: String(port), did, version: '1', network } as const;
    return { name: `${this.#label}-${transport}-${port}`, type, host, port, txt };
  }

  #updateInterfaces(): void {
    const { interfaces: hosts } = this.#options;
    const interfaces: readonly Interface[] = this.#ownInterfaces(hosts);
    if (interfaces.length === 0) this.#warn(hosts?.join(', ') ?? 'a machine without interfaces');
    // Compared by all that they say, because the system gives new objects each time.
    const text = JSON.stringify(interfaces);
    if (text === this.#interfaces) return;
    this.#interfaces = text;
    this.#links.setInterfaces(interfaces);
  }

  #tell(event: DiscoveryEvent): void {
    const waitingMax = eventsPerPeerMax * (this.#options.peersMax ?? defaults.peersMax);
    for (const events of this.#watchers) {
      // Somebody who comes and goes faster than the watcher reads is news only once it does.
      if (events.size < waitingMax) events.push(event);
      else this.counters['watcher-slow'] += 1;
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

/** Each peer may come and go twice while a watcher does not read. Guess. */
const eventsPerPeerMax = 4;

const noDrops: Readonly<Record<MdnsDrop, number>> = {
  'off-link': 0,
  'packet-too-long': 0,
  'packet-rate': 0,
  'packet-malformed': 0,
  'response-port': 0,
  'query-legacy': 0,
  'send-failed': 0,
  own: 0,
  'news-rate': 0,
  'txt-invalid': 0,
  'other-network': 0,
  'transport-unknown': 0,
  'peers-cap': 0,
  'peer-evicted': 0,
  'claims-cap': 0,
  'claim-evicted': 0,
  'watcher-slow': 0,
};
