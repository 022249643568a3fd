import type { GossipOptions } from '../../gossip.js';
import { parseTopic } from '../../topic.js';
import { acquaint } from '../acquaintance.js';
import { judgeConvergence, missedCount, requiredNow } from '../checkers/convergence.js';
import { publish } from '../load.js';
import type { Scenario } from '../scenario.js';
import type { LinkConditions } from '../wire.js';
import { World } from '../world.js';

/** What differs between the calm scenarios. */
interface CalmParameters {
  readonly name: string;
  readonly about: string;
  readonly nodeCount: number;
  /** Who publishes; all of them where it is undefined. */
  readonly authorCount?: number;
  readonly broadcasts: number;
  readonly perSecond: number;
  readonly links?: Partial<LinkConditions>;
  readonly gossip?: Partial<GossipOptions>;
}

/** Until the overlay has found its shape; a tree is grown by the first broadcasts, which are not counted. */
const SHAPING_MS = 40_000;
const FIRST_BROADCASTS = 20;
/** After the last broadcast: two rounds, in which what was lost to nobody is not repaired but found equal. */
const DRAIN_MS = 10_000;
const TOPIC = parseTopic('lobby');

function calmScenario(parameters: CalmParameters): Scenario {
  const { name, about, nodeCount, authorCount, broadcasts, perSecond, links = {}, gossip = {} } = parameters;
  return {
    name,
    about,
    nodeCount,
    measuresCost: true,
    run(setup) {
      const world = new World({
        seed: setup.seed,
        machineOf: setup.machineOf(gossip),
        topics: [TOPIC],
        links,
      });
      const { statistics, violations } = setup.watch(world);
      for (let index = 0; index < setup.nodeCount; index++) world.add();
      acquaint(world, { type: 'few', count: 4 });
      for (const node of world.nodes) world.boot(node);
      const authors = world.random.fork('authors').sample(world.nodes, authorCount ?? Infinity);
      const send = (entryCount: number) => {
        const durationMs = (entryCount * 1_000) / perSecond;
        const load = { authors, topics: [TOPIC], entryCount, durationMs, evenly: true, byteCount: () => 200 };
        publish(world, load);
        world.runUntil(world.nowMs + durationMs + DRAIN_MS);
      };
      world.runUntil(SHAPING_MS);
      send(FIRST_BROADCASTS);
      statistics.reset();
      send(broadcasts);
      const required = requiredNow(world);
      judgeConvergence(world, required, violations);
      return { missed: missedCount(world, required), roundsToEqual: null };
    },
  };
}

const LINKS: Partial<LinkConditions> = { latencyMs: { type: 'lognormal', medianMs: 30, sigma: 0.5 } };
/** As in maelstrom's broadcast challenge: 25 nodes, 100 ms between any two, 100 broadcasts a second of anyone. */
const MAELSTROM = {
  nodeCount: 25,
  broadcasts: 500,
  perSecond: 100,
  links: { latencyMs: { type: 'fixed', ms: 100 } },
} as const satisfies Partial<CalmParameters>;

/** No faults: what the protocol costs, and how fast it is. */
export const calmScenarios: readonly Scenario[] = [
  calmScenario({
    name: 'calm',
    about: 'no faults, one sender: copies, hops and latency of the tree',
    nodeCount: 25,
    authorCount: 1,
    broadcasts: 100,
    perSecond: 10,
    links: LINKS,
  }),
  calmScenario({
    name: 'calm-many-senders',
    about: 'no faults, every node sends',
    nodeCount: 100,
    broadcasts: 200,
    perSecond: 20,
    links: LINKS,
  }),
  calmScenario({
    name: 'calm-1000',
    about: 'no faults, 1,000 nodes, one sender',
    nodeCount: 1_000,
    authorCount: 1,
    broadcasts: 50,
    perSecond: 5,
    links: LINKS,
  }),
  calmScenario({
    name: 'calm-maelstrom',
    about: '25 nodes, links of 100 ms, 100 broadcasts a second from random nodes, batched',
    ...MAELSTROM,
    gossip: { limits: batching(100) },
  }),
  calmScenario({
    name: 'calm-maelstrom-unbatched',
    about: 'the same, where every entry is pushed at once',
    ...MAELSTROM,
  }),
];

/** Entries wait so long for others to travel with. */
function batching(pushBatchMs: number): NonNullable<GossipOptions['limits']> {
  const limits: Record<string, number> = { pushBatchMs };
  return limits;
}
