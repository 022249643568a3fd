import type { Did } from '@icn/identity';
import { formatAddress, type Address } from '../address.js';
import { isExchangeable, type ListeningPlace, type PeerAddress } from './peer-exchange-message.js';

export interface SharedAddressesLimits {
  /** Peers whose addresses are kept. */
  readonly sharedPeersMax: number;
  /** How long an address is kept after the connection that vouched for it. */
  readonly shareAgeMaxMs: number;
}

interface Share {
  readonly address: PeerAddress;
  /** This node dialled it, and the DID was proven there; or the peer says so itself, of the host that it is seen at. */
  readonly isProven: boolean;
}

interface SharedPeer {
  shares: readonly Share[];
  /** When its connection ended; `undefined` while it is up. */
  leftAtMs: number | undefined;
}

/**
 * The addresses that this node vouches for: of each peer the one at which it was dialled last, and those where it says
 * that it listens. What a third peer says of somebody is never among them.
 */
export class SharedAddresses {
  readonly #limits: SharedAddressesLimits;
  readonly #peers = new Map<Did, SharedPeer>();

  constructor(limits: SharedAddressesLimits) {
    this.#limits = limits;
  }

  get peerCount(): number {
    return this.#peers.size;
  }

  /** A connection from a host is up, for which this node dialled an address or not. What is known of other hosts is of the past. */
  connected(did: Did, host: string, dialled: Address | undefined): void {
    const known = this.#peers.get(did)?.shares ?? [];
    const shares = known.filter(
      ({ address, isProven }) => address.host === host && !(isProven && dialled !== undefined),
    );
    this.#peers.delete(did);
    this.#peers.set(did, { shares, leftAtMs: undefined });
    if (dialled !== undefined && isExchangeable(dialled.scheme)) this.#add(did, dialled, true);
    if (this.#peers.size > this.#limits.sharedPeersMax) this.#forgetOne();
  }

  disconnected(did: Did, nowMs: number): void {
    const peer = this.#peers.get(did);
    if (peer !== undefined) peer.leftAtMs ??= nowMs;
  }

  /** A connected peer says where it listens, which replaces what it said before; returns these addresses. */
  listening(did: Did, host: string, places: readonly ListeningPlace[]): readonly PeerAddress[] {
    const peer = this.#peers.get(did);
    if (peer === undefined) return [];
    peer.shares = peer.shares.filter(({ isProven }) => isProven);
    return places.map((place) => this.#add(did, { ...place, host }, false));
  }

  /** The addresses of all peers that are connected or were a short time ago, those of one peer together. */
  list(nowMs: number): readonly (readonly PeerAddress[])[] {
    for (const [did, { leftAtMs = Infinity }] of this.#peers)
      if (nowMs - leftAtMs >= this.#limits.shareAgeMaxMs) this.#peers.delete(did);
    return [...this.#peers.values()].map(({ shares }) => shares.map(({ address }) => address));
  }

  #add(did: Did, { scheme, host, port }: Address, isProven: boolean): PeerAddress {
    const address = { scheme, host, port, did };
    const peer = this.#peers.get(did);
    const text = formatAddress(address);
    const isKnown = peer?.shares.some((share) => formatAddress(share.address) === text);
    if (peer !== undefined && isKnown !== true) peer.shares = [...peer.shares, { address, isProven }];
    return address;
  }

  /** Of those that left the one that left first, else the one that came first. */
  #forgetOne(): void {
    const left = [...this.#peers].filter(([, { leftAtMs }]) => leftAtMs !== undefined);
    const [first] = left.toSorted(([, a], [, b]) => a.leftAtMs! - b.leftAtMs!);
    const goes = first?.[0] ?? this.#peers.keys().next().value;
    if (goes !== undefined) this.#peers.delete(goes);
  }
}
