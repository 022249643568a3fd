import type { GossipOptions } from '../gossip.js';
import { DeliveryChecker } from './checkers/delivery-checker.js';
import { EntryChecker } from './checkers/entry-checker.js';
import { SpeechChecker } from './checkers/speech-checker.js';
import { gossipMachine } from './gossip-machine.js';
import type { Outcome, Scenario } from './scenario.js';
import type { MachineFactory } from './sim-node.js';
import { Statistics, type Counts } from './statistics.js';
import { Trace } from './trace.js';
import { Violations, type Violation } from './violations.js';

export interface SimulationOptions {
  readonly seed: number;
  /** Default: the scenario's. */
  readonly nodeCount?: number;
  /** The machine under test, instead of our own; given the scenario's options of it. */
  readonly machineOf?: (options: Partial<GossipOptions>) => MachineFactory;
  /** Gets every line of the trace. */
  readonly print?: (line: string) => void;
}

/** What came of one seed, as plain data. */
export interface SeedReport extends Outcome {
  readonly scenario: string;
  readonly seed: number;
  readonly nodes: number;
  readonly measuresCost: boolean;
  readonly counts: Counts;
  /** Milliseconds from acknowledgement to delivery elsewhere, with how often. */
  readonly latencies: readonly (readonly [ms: number, count: number])[];
  readonly violationCount: number;
  /** The first ones. */
  readonly violations: readonly Violation[];
  /** What led to the first violation; without one, the end of the run. */
  readonly lastLines: readonly string[];
  /** The same as a Mermaid sequence diagram. */
  readonly mermaid: string;
}

/** Runs one scenario with one seed. Equal arguments give equal reports, and equal traces byte for byte. */
export function simulate(scenario: Scenario, options: SimulationOptions): SeedReport {
  const { seed, nodeCount = scenario.nodeCount, machineOf = gossipMachine } = options;
  let trace: Trace | undefined;
  let lastLines: readonly string[] = [];
  let mermaid = '';
  const keepLines = () => {
    lastLines = trace?.lastLines() ?? [];
    mermaid = trace?.mermaid() ?? '';
  };
  const violations = new Violations(keepLines);
  let statistics: Statistics | undefined;
  const outcome = scenario.run({
    seed,
    nodeCount,
    machineOf: (gossip = {}) => machineOf(gossip),
    watch(world) {
      trace = new Trace(world, options.print);
      statistics = new Statistics(world);
      world.observe(
        trace,
        statistics,
        new EntryChecker(world, violations),
        new SpeechChecker(world, violations),
        new DeliveryChecker(world, violations),
      );
      return { statistics, violations };
    },
  });
  if (statistics === undefined) throw new Error(`scenario ${scenario.name} watches no world`);
  if (violations.count === 0) keepLines();
  return {
    ...outcome,
    scenario: scenario.name,
    seed,
    nodes: nodeCount,
    measuresCost: scenario.measuresCost === true,
    counts: statistics.counts,
    latencies: statistics.latencies.rows(),
    violationCount: violations.count,
    violations: violations.all,
    lastLines,
    mermaid,
  };
}
