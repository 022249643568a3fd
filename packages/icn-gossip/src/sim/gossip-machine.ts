import { Gossip, type GossipOptions } from '../gossip.js';
import type { MachineFactory } from './sim-node.js';

/** Our own machine, as a world runs it. `options` hold for all nodes. */
export function gossipMachine(options: Partial<GossipOptions> = {}): MachineFactory {
  return ({ keyPair, network, random, verifySignature }) =>
    new Gossip({ keyPair, network, random, verifySignature, ...options });
}
