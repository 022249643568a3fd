import type { Did } from '@icn/identity';
import { createMdns, type Address, type Mdns } from '@icn/net';

export interface LocalDiscoveryOptions {
  readonly did: Did;
  readonly network: string;
  /** Schemes that this node can dial. */
  readonly transports: readonly string[];
  /** Somebody may be there. Called again when they move. */
  readonly onPeer: (address: Address) => void;
  readonly onWarning: (message: string) => void;
}

const ANY_HOSTS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** Finds peers in the local network by mDNS, and tells them where this node listens. Fails by a warning, never by an error. */
export class LocalDiscovery {
  readonly #options: LocalDiscoveryOptions;
  #mdns: Mdns | undefined;

  constructor(options: LocalDiscoveryOptions) {
    this.#options = options;
  }

  /** What was passed over, by name. */
  get counters(): Readonly<Record<string, number>> {
    const counters = Object.entries(this.#mdns?.counters ?? {});
    return Object.fromEntries(counters.map(([name, count]) => [`mdns-${name}`, count]));
  }

  /**
   * Announces where this node listens and watches until `close`: on the interfaces of these hosts, or on all of them, as
   * they come and go, where one of the hosts stands for any, or there is none.
   */
  start(listening: readonly Address[]): void {
    const { did, network, transports, onWarning } = this.#options;
    const hosts = listening.map(({ host }) => host);
    const isAnywhere = hosts.length === 0 || hosts.some((host) => ANY_HOSTS.has(host));
    const interfaces = isAnywhere ? {} : { interfaces: hosts };
    this.#mdns = createMdns({ did, network, transports, onWarning, ...interfaces });
    void this.#run(this.#mdns, listening);
  }

  /** A connection proved where a peer is, so what others say of it must not drive it out. */
  connected(peer: Did, address: Address): void {
    this.#mdns?.connected(peer, address);
  }

  disconnected(peer: Did): void {
    this.#mdns?.disconnected(peer);
  }

  async close(): Promise<void> {
    await this.#mdns?.close();
  }

  async #run(mdns: Mdns, listening: readonly Address[]): Promise<void> {
    const { onPeer, onWarning } = this.#options;
    try {
      await mdns.announce(listening);
      for await (const event of mdns.watch()) {
        // The likeliest address is told last, because the newest hint is tried first.
        if (event.type === 'found') for (const address of event.peer.addresses.toReversed()) onPeer(address);
      }
    } catch (error) {
      onWarning(`mDNS does not work here, so peers must be named by --peer: ${(error as Error).message}`);
    }
  }
}
