import { parseTopic, type Topic } from '../../topic.js';
import { acquaint } from '../acquaintance.js';
import { gossipMachine } from '../gossip-machine.js';
import { equivocation } from '../liars/equivocation.js';
import { liarMachine } from '../liars/liar.js';
import { publish } from '../load.js';
import type { Reconcile } from '../../topic/topic-context.js';
import { SeededRandom } from '../seeded-random.js';
import { World } from '../world.js';
import { Corpus } from './corpus.js';

/** Topics of the recorded conversations, and of the worlds that are fuzzed: so that what was said fits. */
export const FUZZ_TOPICS: readonly Topic[] = [parseTopic('lobby'), parseTopic('kitchen')];

/** Keys that no node of a fuzzed world has: what was recorded there comes from strangers, and forks nobody's log. */
const FIRST_KEY = 1_000;
const NODES = 10;
const TRIES = 5;
const RECONCILE: readonly Reconcile[] = ['auto', 'clock', 'sketch', 'bloom'];

/**
 * Records conversations of honest nodes in which every kind of message occurs: they meet, publish, are cut apart and
 * meet again, leave, and hear of forks. Throws where a kind does not occur, because then the fuzzer is blind to it.
 */
export function recordCorpus(seed: number): Corpus {
  const corpus = new Corpus();
  for (let attempt = 0; attempt < TRIES; attempt++) {
    converse(`${seed}/${attempt}`, corpus);
    if (corpus.missing.length === 0) return corpus;
  }
  throw new Error(`nobody said: ${corpus.missing.join(', ')}`);
}

function converse(seed: string, corpus: Corpus): void {
  const world = new World({
    seed: new SeededRandom(seed).uint32(),
    machineOf: gossipMachine(LIMITS_OF_SMALL_VIEWS),
    topics: FUZZ_TOPICS,
    firstKey: FIRST_KEY,
    diskMs: { type: 'uniform', minMs: 0, maxMs: 20 },
  });
  world.observe(corpus);
  for (let index = 0; index < NODES - 2; index++) {
    const reconcile = RECONCILE[index % RECONCILE.length]!;
    world.add({ machineOf: gossipMachine({ ...LIMITS_OF_SMALL_VIEWS, reconcile }) });
  }
  for (const shape of ['siblings', 'comb'] as const) {
    const lies = () => [equivocation({ shape, topic: FUZZ_TOPICS[0]!, untilMs: 10_000 })];
    world.add({ isHonest: false, machineOf: liarMachine(gossipMachine(LIMITS_OF_SMALL_VIEWS), lies) });
  }
  acquaint(world, { type: 'mesh' });
  for (const node of world.nodes) world.boot(node);
  const load = { authors: world.honest, topics: FUZZ_TOPICS, byteCount: () => 40 } as const;
  publish(world, { ...load, entryCount: 50, durationMs: 9_000 });
  world.runUntil(1_000);
  // Both who fork are on one side, so the other one asks for evidence when it hears of closed logs.
  const [some, others] = [new Set(world.nodes.slice(0, 4)), new Set(world.nodes.slice(4))];
  const cuts = [
    { from: some, to: others },
    { from: others, to: some },
  ];
  for (const cut of cuts) world.cut(cut);
  world.runUntil(10_000);
  for (const cut of cuts) world.wire.heal(cut);
  publish(world, { ...load, entryCount: 10, durationMs: 4_000 });
  world.runUntil(20_000);
  world.tell(world.nodes[0]!, { type: 'left', topic: FUZZ_TOPICS[1]! });
  world.runUntil(20_100);
}

/** So that ten nodes prune, graft, walk and shuffle as a thousand would. */
const LIMITS_OF_SMALL_VIEWS = {
  limits: {
    allEagerPeersMax: 1,
    activeViewMin: 2,
    activeViewMax: 3,
    passiveViewMax: 8,
    shuffleIntervalMs: 3_000,
    neighborRetryMs: 2_000,
    pruneDelayMs: 200,
    guideMs: 300,
    antiEntropyIntervalMs: 1_500,
  },
};
