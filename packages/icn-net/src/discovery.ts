import type { Did } from '@icn/identity';
import type { Address } from './address.js';

/** A peer that somebody says is there. A hint, never an identity: who answers at an address is proven by dialling it. */
export interface DiscoveredPeer {
  /** The DID that is said to be there; what to `expect` of a dial. */
  readonly did: Did | undefined;
  /** Where to dial it, the likeliest first. */
  readonly addresses: readonly Address[];
}

/** A peer was found or has moved, or has said goodbye; one that is gone without a goodbye is noticed by its connection. */
export type DiscoveryEvent =
  { readonly type: 'found'; readonly peer: DiscoveredPeer } | { readonly type: 'lost'; readonly did: Did };

/** A way to find peers. The node listens to any number of them at once and believes none. */
export interface Discovery {
  /** Tells others where this node listens, until `close`. */
  announce(port: number): Promise<void>;
  /** What is known, then what happens, until the signal or `close`. */
  watch(signal?: AbortSignal): AsyncIterable<DiscoveryEvent>;
  /** Says goodbye where there is a way to, and releases sockets and timers. Total, idempotent. */
  close(): Promise<void>;
}
