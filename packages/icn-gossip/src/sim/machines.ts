import type { GossipOptions } from '../gossip.js';
import { gossipMachine } from './gossip-machine.js';
import { plainMachine } from './plain-gossip.js';
import type { MachineFactory } from './sim-node.js';

/** Machines by name: ours, the yardstick, and two that are broken, which a sweep must find. */
export const MACHINES: ReadonlyMap<string, (options: Partial<GossipOptions>) => MachineFactory> = new Map([
  ['gossip', gossipMachine],
  ['plain', () => plainMachine()],
  ['max-merge', () => plainMachine({ repair: 'max-merge' })],
  ['fixed-salt', () => plainMachine({ repair: 'fixed-salt' })],
]);
