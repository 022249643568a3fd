export { createEntry } from '../entry/entry.js';
export { ProofVerifier } from '../entry/proof.js';
export { Outbox } from '../outbox.js';
export { acquaint, type Acquaintance } from './acquaintance.js';
export { Agenda } from './agenda.js';
export { judgeConvergence, requiredNow, type Required } from './checkers/convergence.js';
export { DeliveryChecker } from './checkers/delivery-checker.js';
export { EntryChecker } from './checkers/entry-checker.js';
export { SpeechChecker } from './checkers/speech-checker.js';
export { Disk, type DiskMark } from './disk.js';
export { drawMs, type Distribution } from './distribution.js';
export { EntryLedger, type KnownEntry } from './entry-ledger.js';
export { readFrame, type Reading } from './frames.js';
export {
  Corpus,
  FRAME_KINDS,
  kindOf,
  recordCorpus,
  runEpisode,
  type Climate,
  type EpisodeOptions,
  type EpisodeReport,
  type FrameKind,
} from './fuzz/index.js';
export { gossipMachine } from './gossip-machine.js';
export { Latencies } from './latencies.js';
export { equivocation, type EquivocationOptions, type ForkShape } from './liars/equivocation.js';
export { liarMachine, type Lie, type LiarContext, type Speech } from './liars/liar.js';
export { floods, forgedClocks, forgedRoots, garbageFrames, withheldEntries } from './liars/lies.js';
export { publish, type Load } from './load.js';
export { Nemesis, type FaultPlan } from './nemesis.js';
export { type Observer } from './observer.js';
export { MACHINES } from './machines.js';
export { plainMachine, type PlainOptions } from './plain-gossip.js';
export { ROUND_MS, roundsMax, settle } from './quiet.js';
export { type Outcome, type Scenario, type ScenarioSetup, type Watch } from './scenario.js';
export { SCENARIOS } from './scenarios/scenarios.js';
export { SeededRandom } from './seeded-random.js';
export {
  type HostedMachine,
  type HostedStatus,
  type MachineFactory,
  type MachineSetup,
  type SimNode,
  type VerifySignature,
} from './sim-node.js';
export { DEFAULT_SWARM_LIMITS, type SwarmLimits } from './sim-swarm.js';
export { simulate, type SeedReport, type SimulationOptions } from './simulation.js';
export { Statistics, type Counts } from './statistics.js';
export { summarize, sweep, type SweepResult } from './sweep.js';
export { Trace } from './trace.js';
export { Violations, type Violation } from './violations.js';
export { CALM_LINKS, Wire, type Cut, type LinkConditions } from './wire.js';
export { World, type NodeChanges, type WorldOptions } from './world.js';
