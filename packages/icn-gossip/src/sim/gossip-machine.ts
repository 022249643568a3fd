import { Gossip, type GossipOptions } from '../gossip.js';
import { readFrame, type Reading } from './frames.js';
import type { MachineFactory } from './sim-node.js';

/** Our own machine, as a world runs it. `options` hold for all nodes. */
export function gossipMachine(options: Partial<GossipOptions> = {}): MachineFactory {
  return ({ keyPair, network, random, verifySignature }) =>
    new Gossip({ keyPair, network, random, verifySignature, readMessage, ...options });
}

/** Reading is a function of the bytes, so nodes and checkers share what came of it. */
function readMessage(frame: Uint8Array): Reading['message'] {
  return readFrame(frame).message;
}
