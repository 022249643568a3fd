import type { Did } from '@icn/identity';
import type { Address } from './address.js';

/** A peer that somebody says is there. A hint, never an identity: who answers at an address is proven by dialling it. */
export interface DiscoveredPeer {
  /** The DID that is said to be there; what to `expect` of a dial. */
  readonly did: Did | undefined;
  /** Where to dial it, the likeliest first. */
  readonly addresses: readonly Address[];
}

/**
 * A peer was found or has moved; or it has said goodbye, or nothing for too long, or gave its place in a full list to
 * another. That it is lost to discovery says nothing of a connection to it.
 */
export type DiscoveryEvent =
  { readonly type: 'found'; readonly peer: DiscoveredPeer } | { readonly type: 'lost'; readonly did: Did };

/** A way to find peers. The node listens to any number of them at once and believes none. */
export interface Discovery {
  /** What was ignored, by name; names are listed in the adapter's docs. */
  readonly counters: Readonly<Record<string, number>>;
  /**
   * Tells others where this node listens, until `close`; may be called again with more. The host of an address may be
   * `0.0.0.0` or `::`, which stand for all that this machine has, now and later. A scheme that this way has no words for is
   * left out. Throws NetError `address-invalid` for a port that nobody can dial.
   */
  announce(listening: readonly Address[]): Promise<void>;
  /** What is known, then what happens, until the signal or `close`, or until nothing more can happen. */
  watch(signal?: AbortSignal): AsyncIterable<DiscoveryEvent>;
  /** A connection proved that `peer` is at `address`: what only says so must not drive it out. */
  connected(peer: Did, address: Address): void;
  /** That connection is over. */
  disconnected(peer: Did): void;
  /** Says goodbye where there is a way to, and releases sockets and timers. Total, idempotent. */
  close(): Promise<void>;
}
