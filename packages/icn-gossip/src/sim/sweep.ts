import { Latencies } from './latencies.js';
import type { Scenario } from './scenario.js';
import { simulate, type SeedReport, type SimulationOptions } from './simulation.js';

/** What came of many seeds. Null: the scenario does not measure it. */
export interface SweepResult {
  readonly scenario: string;
  readonly seeds: number;
  readonly nodes: number;
  /** Entries that honest nodes lacked in the end, over all seeds and nodes. */
  readonly missed: number | null;
  /** Entries that a node delivered again. */
  readonly duplicates: number;
  /** Broken invariants, over all seeds. */
  readonly violations: number;
  /** Null too where a seed never came to equal roots; that is a violation. */
  readonly roundsToEqualMax: number | null;
  /** Payloads that a node got of each entry, on average. */
  readonly copiesPerNode: number | null;
  readonly lastHopMax: number;
  /** Frames of all kinds for each entry published. */
  readonly messagesPerBroadcast: number | null;
  /** From the acknowledgement at the author to the delivery at each other node. */
  readonly latencyMsP50: number | null;
  readonly latencyMsP99: number | null;
  /** Only of scenarios that measure what a broadcast costs: payloads that left a node. */
  readonly payloadSendsPerBroadcast?: number | null;
}

/** Adds up the reports of some seeds of one scenario; at least one. */
export function summarize(reports: readonly SeedReport[]): SweepResult {
  const [first] = reports;
  if (first === undefined) throw new RangeError('no reports');
  const latencies = new Latencies();
  for (const report of reports) latencies.merge(report.latencies);
  const sum = (of: (report: SeedReport) => number) =>
    reports.reduce((total, report) => total + of(report), 0);
  const broadcasts = sum(({ counts }) => counts.broadcasts);
  const firstArrivals = sum(({ counts }) => counts.firstArrivals);
  const rounds = reports.map(({ roundsToEqual }) => roundsToEqual);
  const ratio = (above: number, below: number) =>
    below === 0 ? null : Math.round((above / below) * 100) / 100;
  return {
    scenario: first.scenario,
    seeds: reports.length,
    nodes: first.nodes,
    missed: first.missed === null ? null : sum(({ missed }) => missed ?? 0),
    duplicates: sum(({ counts }) => counts.duplicates),
    violations: sum(({ violationCount }) => violationCount),
    roundsToEqualMax: rounds.includes(null) ? null : Math.max(...rounds.map((round) => round ?? 0)),
    copiesPerNode: ratio(
      sum(({ counts }) => counts.payloadArrivals),
      firstArrivals,
    ),
    lastHopMax: Math.max(...reports.map(({ counts }) => counts.lastHop)),
    messagesPerBroadcast: ratio(
      sum(({ counts }) => counts.frames),
      broadcasts,
    ),
    latencyMsP50: latencies.quantile(0.5),
    latencyMsP99: latencies.quantile(0.99),
    ...(first.measuresCost && {
      payloadSendsPerBroadcast: ratio(
        sum(({ counts }) => counts.payloadSends),
        broadcasts,
      ),
    }),
  };
}

/** Runs a scenario with the seeds `firstSeed`, `firstSeed` + 1… one after another. */
export function sweep(
  scenario: Scenario,
  seedCount: number,
  options: Omit<SimulationOptions, 'seed'> & { readonly firstSeed?: number } = {},
): readonly SeedReport[] {
  const { firstSeed = 1 } = options;
  return Array.from({ length: seedCount }, (_, index) =>
    simulate(scenario, { ...options, seed: firstSeed + index }),
  );
}
