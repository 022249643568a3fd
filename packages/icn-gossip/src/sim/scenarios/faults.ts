import { parseTopic, type Topic } from '../../topic.js';
import { acquaint } from '../acquaintance.js';
import { equivocation, type ForkShape } from '../liars/equivocation.js';
import { liarMachine, type Lie } from '../liars/liar.js';
import { floods, forgedClocks, forgedRoots, garbageFrames, withheldEntries } from '../liars/lies.js';
import { publish } from '../load.js';
import { Nemesis, type FaultPlan } from '../nemesis.js';
import { settle } from '../quiet.js';
import type { Outcome, Scenario, ScenarioSetup } from '../scenario.js';
import type { SeededRandom } from '../seeded-random.js';
import type { MachineFactory } from '../sim-node.js';
import { DEFAULT_SWARM_LIMITS } from '../sim-swarm.js';
import { World } from '../world.js';

/** How long links are up and calm before the faults, and how long these last. */
const WARM_UP_MS = 3_000;
/** Many nodes live through the same in less time: what a run costs grows with nodes times time. */
const faultsMs = (nodeCount: number) => (nodeCount <= 25 ? 60_000 : nodeCount <= 250 ? 30_000 : 15_000);
/** Below so many nodes there is no liar: one among four would be a quarter. */
const NODES_WITH_LIARS = 5;
const LIAR_SHARE = 0.1;
/** More authors and entries only make more of the same: what a run costs grows with nodes times entries. */
const AUTHORS_MAX = 8;
const forkersMax = (nodeCount: number) => (nodeCount <= 250 ? 5 : 3);
const entryCountOf = (nodeCount: number) => 20 + Math.ceil(Math.min(nodeCount, 100) / 4);
/** Of more nodes than one may have links to not every one knows every other. */
const ROOM_NODES_MAX = DEFAULT_SWARM_LIMITS.connectionsMax;

const FORK_SHAPES: readonly ForkShape[] = ['fork', 'long-fork', 'comb', 'siblings'];

/** Everything at once, then quiet: what the network must live through. */
export const faults: Scenario = {
  name: 'faults',
  about:
    'loss, reordering, churn, partitions, old backups, late joins and liars for up to a minute; then quiet',
  nodeCount: 25,
  run(setup) {
    const world = worldOf(setup);
    const watch = setup.watch(world);
    addNodes(world, setup);
    const isRoom = world.random.fork('room').chance(0.25) && setup.nodeCount <= ROOM_NODES_MAX;
    acquaint(world, isRoom ? { type: 'mesh' } : { type: 'few', count: 4 });
    const late = Nemesis.late(world, 0.15);
    for (const node of world.nodes) if (!late.has(node)) world.boot(node);
    world.runUntil(WARM_UP_MS);
    const nemesis = new Nemesis(world, planOf(world));
    nemesis.begin();
    publishDuring(world);
    world.runUntil(WARM_UP_MS + faultsMs(setup.nodeCount));
    nemesis.end();
    return settle(world, watch) satisfies Outcome;
  },
};

function worldOf({ seed, machineOf }: ScenarioSetup): World {
  return new World({
    seed,
    machineOf: machineOf(),
    topics: topicsOf(seed),
    // Round trips of a continent; 12.5 MB/s is a link of 100 Mbit/s.
    links: {
      latencyMs: { type: 'lognormal', medianMs: 30, sigma: 0.6 },
      jitterMs: { type: 'uniform', minMs: 0, maxMs: 10 },
      bytesPerMs: 12_500,
    },
    diskMs: { type: 'uniform', minMs: 0, maxMs: 20 },
    skewMsMax: 2_000,
  });
}

function topicsOf(seed: number): readonly Topic[] {
  const topics = [parseTopic('lobby'), parseTopic('kitchen')];
  return topics.slice(0, 1 + (seed % 2));
}

function addNodes(world: World, setup: ScenarioSetup): void {
  const { nodeCount } = setup;
  const random = world.random.fork('liars');
  const liarCount = nodeCount < NODES_WITH_LIARS ? 0 : Math.max(1, Math.floor(LIAR_SHARE * nodeCount));
  const others = Array.from({ length: nodeCount - 1 }, (_, index) => index + 1);
  const liars = new Set(random.sample(others, liarCount));
  let forkers = 0;
  for (let index = 0; index < nodeCount; index++) {
    if (!liars.has(index)) world.add();
    else
      world.add({
        isHonest: false,
        machineOf: liarOf(setup, random, () => forkers++ < forkersMax(nodeCount)),
      });
  }
}

/** One of the ways to lie, and now and then a second. Whoever is to fork its log asks whether it may. */
function liarOf(
  { machineOf, nodeCount, seed }: ScenarioSetup,
  random: SeededRandom,
  mayFork: () => boolean,
): MachineFactory {
  const topics = topicsOf(seed);
  const topic = random.pick(topics);
  const untilMs = WARM_UP_MS + 0.7 * faultsMs(nodeCount);
  const honestLogs: readonly (() => Lie)[] = [
    forgedClocks,
    forgedRoots,
    withheldEntries,
    garbageFrames,
    () => floods(topics),
  ];
  const forks = FORK_SHAPES.map((shape) => () => equivocation({ shape, topic, untilMs }));
  const chosen = random.sample([...honestLogs, ...forks], random.chance(0.3) ? 2 : 1);
  const kinds = chosen.map((kind) =>
    honestLogs.includes(kind) || mayFork() ? kind : random.pick(honestLogs),
  );
  return liarMachine(machineOf(), () => kinds.map((kind) => kind()));
}

function planOf(world: World): FaultPlan {
  const random = world.random.fork('plan');
  return {
    durationMs: faultsMs(world.nodes.length),
    links: { lossRate: 0.3, duplicationRate: 0.05, reorderRate: 0.2 },
    churnShare: 0.2,
    downMs: { type: 'uniform', minMs: 200, maxMs: 15_000 },
    rollbackCount: world.nodes.length < NODES_WITH_LIARS ? 0 : 1,
    lateShare: 0.15,
    partitions: random.shuffled(['two-way', random.pick(['one-way', 'deaf'] as const)] as const),
  };
}

function publishDuring(world: World): void {
  const random = world.random.fork('authors');
  const topics = world.nodes[0]!.topics;
  publish(world, {
    authors: random.sample(world.honest, AUTHORS_MAX),
    topics,
    entryCount: entryCountOf(world.nodes.length),
    atOnceMax: 20,
    durationMs: faultsMs(world.nodes.length),
    byteCount: (draw) => (draw.chance(0.03) ? 10_000 + draw.below(50_000) : 1 + draw.below(300)),
  });
}
