import type { GossipOptions } from '../gossip.js';
import type { MachineFactory } from './sim-node.js';
import type { Statistics } from './statistics.js';
import type { Violations } from './violations.js';
import type { World } from './world.js';

/** What a scenario is run with. */
export interface ScenarioSetup {
  readonly seed: number;
  readonly nodeCount: number;
  /** The machine under test with options of the scenario's, which a foreign machine may ignore. */
  readonly machineOf: (options?: Partial<GossipOptions>) => MachineFactory;
  /** Puts checkers, statistics and trace onto a world; before its first node starts. */
  readonly watch: (world: World) => Watch;
}

/** Who looks on. */
export interface Watch {
  readonly statistics: Statistics;
  readonly violations: Violations;
}

/** What only the scenario itself can tell; null where it does not measure it. */
export interface Outcome {
  /** Entries that honest nodes lack in the end, over all nodes. */
  readonly missed: number | null;
  /** Rounds from the end of the faults until all roots were equal; null too where they never were. */
  readonly roundsToEqual: number | null;
}

/** A story that a world goes through: the same one for one seed, machine and number of nodes. */
export interface Scenario {
  readonly name: string;
  readonly about: string;
  /** Nodes, where nobody says how many. */
  readonly nodeCount: number;
  /** It measures what a broadcast costs, for nothing else happens. */
  readonly measuresCost?: boolean;
  readonly run: (setup: ScenarioSetup) => Outcome;
}
