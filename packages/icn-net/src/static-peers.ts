import type { Address } from './address.js';
import type { Discovery, DiscoveryEvent } from './discovery.js';

/** Discovery of peers that somebody wrote down: each is found at once, nothing is announced, none is ever lost. */
export function createStaticPeers(addresses: readonly Address[]): Discovery {
  return {
    counters: {},
    announce: async () => {},
    async *watch(): AsyncGenerator<DiscoveryEvent, void> {
      for (const address of addresses)
        yield { type: 'found', peer: { did: address.did, addresses: [address] } };
    },
    connected: () => {},
    disconnected: () => {},
    close: async () => {},
  };
}
