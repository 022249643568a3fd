import type { Service } from 'bonjour-service';
import type { DiscoveredPeer, DiscoveryEvent } from '../discovery.js';
import { nameKey } from './dns-message.js';
import { Links, type Interface } from './links.js';
import { MdnsLink, type PacketDrop } from './mdns-link.js';
import type { Family } from './multicast-socket.js';
import { familiesOf } from './own-interfaces.js';
import type { OwnService } from './own-service.js';
import { PeerTable, type TableDrop } from './peer-table.js';
import { QuerySchedule } from './query-schedule.js';
import { ownTtlS } from './said-rules.js';
import { peerOf, type ClaimDrop } from './service-record.js';
import type { ServiceType } from './service-type.js';
import { SourceBudgets } from './source-budgets.js';

export type LinksDrop = PacketDrop | TableDrop | ClaimDrop | 'own' | 'news-rate';

export interface MdnsLinksOptions {
  /** What the names of our instances begin with, unique. */
  readonly label: string;
  readonly network: string;
  readonly transports: readonly string[];
  readonly peersMax: number;
  readonly requeryMs: number;
  /** 0 to 1, evenly. */
  readonly random: () => number;
  /** On the clock of `performance.now()`. */
  readonly nowMs: () => number;
  readonly count: (drop: LinksDrop) => void;
  readonly tell: (event: DiscoveryEvent) => void;
  /** Multicast works by no family on an interface; `text` names it and says why. */
  readonly onFailure: (text: string) => void;
}

/** Less than two questions long would have a peer come and go while it lives. */
const lifetimeMinMs = 30_000;
/** What is heard is believed no longer than what we say of ourselves, whatever its TTL: who was killed is gone by then. */
const lifetimeMaxMs = ownTtlS * 1_000;

interface LinkState {
  readonly link: MdnsLink;
  readonly schedule: QuerySchedule;
  /** Of the interface: where they change, the link is made anew. */
  readonly addresses: string;
  hasFailed: boolean;
}

/** mDNS on all interfaces of this machine by each family that they have, and what was heard by it. */
export class MdnsLinks {
  readonly table: PeerTable;
  readonly #options: MdnsLinksOptions;
  readonly #budgets: SourceBudgets;
  readonly #states = new Map<string, LinkState>();
  #services: readonly OwnService[] = [];
  #links = new Links([]);

  constructor(options: MdnsLinksOptions) {
    this.#options = options;
    this.#budgets = new SourceBudgets(options.nowMs());
    this.table = new PeerTable(options);
  }

  get peers(): readonly DiscoveredPeer[] {
    return this.table.peers;
  }

  /** Announces a service from now on, on interfaces to come too; one that was announced already is left as it is. */
  publish(service: OwnService): void {
    const isKnown = this.#services.some(({ name, host }) => name === service.name && host === service.host);
    if (isKnown) return;
    this.#services = [...this.#services, service];
    for (const { link } of this.#states.values()) link.publish(service);
  }

  /** Asks on all links now. */
  ask(): void {
    for (const { link } of this.#states.values()) link.ask();
  }

  /** Does what is due. */
  tick(): void {
    const nowMs = this.#options.nowMs();
    this.table.sweep(nowMs);
    for (const [key, { link, schedule }] of this.#states)
      if (schedule.take(nowMs, this.table.oldestMs(key))) link.ask();
  }

  /** Opens links on these interfaces and closes all others. An interface with another address begins anew. */
  setInterfaces(interfaces: readonly Interface[]): void {
    this.#links = new Links(interfaces);
    const wanted = new Map(
      interfaces.flatMap((link) => familiesOf(link).map((family) => [keyOf(link, family), { link, family }])),
    );
    for (const [key, { link, addresses }] of this.#states) {
      const now = wanted.get(key);
      if (now !== undefined && JSON.stringify(now.link) === addresses) continue;
      this.#states.delete(key);
      // Where the interface is still there, what is said by it goes on under the same name.
      void link.close({ goodbye: false });
    }
    this.table.keepLinks(new Set(wanted.keys()));
    for (const [key, { link, family }] of wanted) if (!this.#states.has(key)) this.#open(key, link, family);
    this.tick();
  }

  /** Says goodbye and closes. */
  async close(): Promise<void> {
    const states = [...this.#states.values()];
    this.#states.clear();
    await Promise.all(states.map(({ link }) => link.close({ goodbye: true })));
  }

  #open(key: string, link: Interface, family: Family): void {
    const { random, nowMs, count, requeryMs } = this.#options;
    const mdnsLink = new MdnsLink({
      link,
      family,
      random,
      nowMs,
      count,
      linkOf: (host) => this.#links.linkOf(host),
      takePacket: (source, cost) => this.#budgets.takePacket(source, cost, nowMs()),
      admit: (source, instance) => this.#admit(source, instance),
      onService: (type, service) => this.#heard(key, type, service),
      onGoodbye: (source, instance) => this.table.remove(source, nameKey(instance)),
      onFailure: (why) => this.#failed(key, link.name, why),
    });
    const schedule = new QuerySchedule(requeryMs, random, nowMs());
    this.#states.set(key, { link: mdnsLink, schedule, addresses: JSON.stringify(link), hasFailed: false });
    for (const service of this.#services) mdnsLink.publish(service);
  }

  /** Our own announcements come back to us, and what others say under our names is theirs to say and not ours to hear. */
  #admit(source: string, instance: string): boolean {
    const key = nameKey(instance);
    if (key.startsWith(nameKey(this.#options.label))) {
      this.#options.count('own');
      return false;
    }
    if (this.table.has(source, key)) return true;
    const isTaken = this.#budgets.takeNews(source, this.#options.nowMs());
    if (!isTaken) this.#options.count('news-rate');
    return isTaken;
  }

  #heard(link: string, type: ServiceType, service: Service): void {
    const peer = peerOf(service, type, this.#options, this.#links);
    if (typeof peer === 'string') return this.#options.count(peer);
    const source = service.referer?.address ?? '';
    const lifetimeMs = Math.min(Math.max((service.ttl ?? 0) * 1_000, lifetimeMinMs), lifetimeMaxMs);
    const claim = { source, instance: nameKey(service.fqdn), link, lifetimeMs, ...peer };
    this.table.put(claim, this.#options.nowMs());
  }

  /** One family is enough: many networks carry no multicast of the other. */
  #failed(key: string, name: string, why: string): void {
    const state = this.#states.get(key);
    if (state === undefined) return;
    state.hasFailed = true;
    const siblings = [...this.#states.values()].filter(({ link }) => link.interface.name === name);
    if (siblings.every(({ hasFailed }) => hasFailed)) this.#options.onFailure(`${name}: ${why}`);
  }
}

function keyOf({ name }: Interface, family: Family): string {
  return `${name} ${family}`;
}
