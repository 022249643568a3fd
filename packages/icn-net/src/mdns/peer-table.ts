import type { Did } from '@icn/identity';
import { formatAddress, type Address } from '../address.js';
import type { DiscoveredPeer, DiscoveryEvent } from '../discovery.js';
import { fairVictim, type Kept } from './fair-victim.js';

/** What one source says about one instance, while it holds. */
export interface Claim {
  readonly source: string;
  /** The full name of the instance, as it is compared. */
  readonly instance: string;
  /** By what it was heard. */
  readonly link: string;
  readonly did: Did;
  readonly addresses: readonly Address[];
  readonly lifetimeMs: number;
}

export type TableDrop = 'peers-cap' | 'claims-cap' | 'peer-evicted' | 'claim-evicted';

export interface PeerTableOptions {
  readonly peersMax: number;
  readonly count: (drop: TableDrop) => void;
  readonly tell: (event: DiscoveryEvent) => void;
}

interface KeptClaim extends Claim {
  readonly heardAtMs: number;
}

interface PeerEntry {
  readonly did: Did;
  readonly claims: Map<string, KeptClaim>;
  /** Addresses that watchers have been told. */
  told: ReadonlySet<string>;
  wasProven: boolean;
}

/** A host has a few interfaces of two families and two transports. Guess. */
const claimsPerPeerMax = 16;

/**
 * Who is said to be there, bounded. Each peer is there as long as one claim about it holds.
 *
 * 1. At most `peersMax` peers of `claimsPerPeerMax` claims each; `fairVictim` says what goes for another. A peer goes only for
 *    one of a source that has fewer; a claim also for one more, because the peer itself says it again.
 * 2. Nobody takes back or changes what another source said.
 * 3. A peer that is connected leaves only when its claims expire or are taken back, and then keeps its connection.
 * 4. Of a claim that is not heard again nothing is left after its lifetime.
 */
export class PeerTable {
  readonly #options: PeerTableOptions;
  readonly #peers = new Map<Did, PeerEntry>();
  readonly #didOf = new Map<string, Did>();
  /** Host of the proven connection, of each peer that is connected. */
  readonly #connected = new Map<Did, string>();

  constructor(options: PeerTableOptions) {
    this.#options = options;
  }

  get peers(): readonly DiscoveredPeer[] {
    return Array.from(this.#peers.values(), (entry) => peerOf(entry));
  }

  has(source: string, instance: string): boolean {
    return this.#didOf.has(keyOf({ source, instance }));
  }

  /** When the claim of a link was heard that was not heard for the longest time; `undefined` of a link without one. */
  oldestMs(link: string): number | undefined {
    let oldestMs: number | undefined;
    for (const { claims } of this.#peers.values())
      for (const claim of claims.values())
        if (claim.link === link) oldestMs = Math.min(oldestMs ?? Infinity, claim.heardAtMs);
    return oldestMs;
  }

  /** Takes a claim, or renews it with what it says now. */
  put(claim: Claim, nowMs: number): void {
    const key = keyOf(claim);
    // Another DID under the same name of the same source is another peer.
    if (this.#didOf.get(key) !== claim.did) this.#removeKey(key);
    const entry = this.#peers.get(claim.did) ?? this.#create(claim);
    if (entry === undefined) return;
    if (!entry.claims.has(key) && !this.#hasRoomForClaim(entry)) return;
    entry.claims.delete(key);
    entry.claims.set(key, { ...claim, heardAtMs: nowMs });
    this.#didOf.set(key, claim.did);
    this.#tellNews(entry);
  }

  /** Forgets a claim, and with the last one the peer. */
  remove(source: string, instance: string): void {
    this.#removeKey(keyOf({ source, instance }));
  }

  /** Drops the claims heard by links that are not `inUse` any more. */
  keepLinks(inUse: ReadonlySet<string>): void {
    this.#removeIf(({ link }) => !inUse.has(link));
  }

  /** Forgets what has expired. */
  sweep(nowMs: number): void {
    this.#removeIf(({ heardAtMs, lifetimeMs }) => heardAtMs + lifetimeMs <= nowMs);
  }

  /** A connection proved that `did` is at `host`. */
  connected(did: Did, host: string): void {
    this.#connected.set(did, host);
    const entry = this.#peers.get(did);
    if (entry !== undefined) entry.wasProven = true;
  }

  disconnected(did: Did): void {
    this.#connected.delete(did);
  }

  #removeIf(isGone: (claim: KeptClaim) => boolean): void {
    for (const { claims } of [...this.#peers.values()])
      for (const [key, claim] of [...claims]) if (isGone(claim)) this.#removeKey(key);
  }

  #removeKey(key: string): void {
    const entry = this.#peers.get(this.#didOf.get(key)!);
    this.#didOf.delete(key);
    entry?.claims.delete(key);
    if (entry?.claims.size === 0) this.#forget(entry);
  }

  #create({ did, source }: Claim): PeerEntry | undefined {
    const { peersMax, count } = this.#options;
    if (this.#peers.size >= peersMax) {
      const kept = [...this.#peers.values()].map((entry) => this.#keptPeer(entry));
      const victim = fairVictim(kept, source);
      count(victim === undefined ? 'peers-cap' : 'peer-evicted');
      if (victim === undefined) return undefined;
      for (const key of victim.entry.claims.keys()) this.#didOf.delete(key);
      this.#forget(victim.entry);
    }
    const entry = { did, claims: new Map(), told: new Set<string>(), wasProven: this.#connected.has(did) };
    this.#peers.set(did, entry);
    return entry;
  }

  #keptPeer(entry: PeerEntry): Kept & { readonly entry: PeerEntry } {
    const [{ source, heardAtMs } = { source: '', heardAtMs: 0 }] = entry.claims.values();
    const rank = this.#connected.has(entry.did) ? 2 : entry.wasProven ? 1 : 0;
    return { source, heardAtMs, rank, entry };
  }

  #hasRoomForClaim({ did, claims }: PeerEntry): boolean {
    if (claims.size < claimsPerPeerMax) return true;
    const provenHost = this.#connected.get(did);
    const victim = fairVictim(
      [...claims].map(([key, { source, heardAtMs, addresses }]) => {
        const isProven = addresses.some(({ host }) => host === provenHost);
        return { key, source, heardAtMs, rank: isProven ? (2 as const) : (0 as const) };
      }),
    );
    this.#options.count(victim === undefined ? 'claims-cap' : 'claim-evicted');
    if (victim === undefined) return false;
    claims.delete(victim.key);
    this.#didOf.delete(victim.key);
    return true;
  }

  #tellNews(entry: PeerEntry): void {
    const peer = peerOf(entry);
    const addresses = new Set(peer.addresses.map(formatAddress));
    const isNews = [...addresses].some((address) => !entry.told.has(address));
    entry.told = addresses;
    if (isNews) this.#options.tell({ type: 'found', peer });
  }

  #forget({ did }: PeerEntry): void {
    this.#peers.delete(did);
    this.#options.tell({ type: 'lost', did });
  }
}

function keyOf({ source, instance }: Pick<Claim, 'source' | 'instance'>): string {
  return `${source} ${instance}`;
}

/** All ways to reach the peer, those heard last first. */
function peerOf({ did, claims }: PeerEntry): DiscoveredPeer & { did: Did } {
  const addresses = [...claims.values()].toReversed().flatMap(({ addresses }) => addresses);
  const byText = new Map(addresses.map((address) => [formatAddress(address), address]));
  return { did, addresses: [...byText.values()].slice(0, claimsPerPeerMax) };
}
