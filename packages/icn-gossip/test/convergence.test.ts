import { describe, expect, it } from '@jest/globals';
import { PROTOCOL } from '../src/limits.js';
import { haveEqualRoots } from '../src/sim/checkers/convergence.js';
import {
  CALM_LINKS,
  gossipMachine,
  type LinkConditions,
  readFrame,
  settle,
  type World,
} from '../src/sim/index.js';
import { parseTopic } from '../src/topic.js';
import type { Reconcile } from '../src/topic/topic-context.js';
import { keyPair, logOf, text, TOPIC } from './fixtures.js';
import {
  deliveredCounts,
  expectAgreement,
  gossipWorld,
  hand,
  mend,
  msUntilEqual,
  part,
} from './sim/gossip-world.js';

const FAULTY: Partial<LinkConditions> = {
  jitterMs: { type: 'uniform', minMs: 0, maxMs: 75 },
  lossRate: 0.2,
  duplicationRate: 0.1,
  reorderRate: 0.3,
};
const TOPICS = [TOPIC, parseTopic('kitchen'), parseTopic('garden')];
const STRATEGIES: readonly Reconcile[] = ['auto', 'clock', 'bloom', 'sketch'];

/** Things drawn at random, most of them submissions; in the end each node is up and writes, one of them apart. */
function tellStory(world: World): void {
  const random = world.random.fork('story');
  for (let step = 0; step < 40; step++) {
    const node = random.pick(world.nodes);
    const what = random.float();
    if (what < 0.75) world.submit(node, random.pick(TOPICS), text(`${step}`));
    else if (what < 0.82) world.crash(node);
    else if (what < 0.9 && !node.isUp) {
      world.boot(node);
      mend(world);
    } else if (what < 0.95) part(world, [node]);
    else mend(world);
    world.runUntil(world.nowMs + random.between(0, 1_000));
  }
  for (const node of world.nodes) world.boot(node);
  part(world, [random.pick(world.nodes)]);
  for (const node of world.nodes)
    for (const topic of TOPICS) world.submit(node, topic, text(`last of ${node.label}`));
  world.runUntil(world.nowMs + 3_000);
}

/** No node may leave off comparing, nor any speak without end. */
function expectQuiet(world: World): void {
  const counts = new Map(world.nodes.map((node) => [node, { frames: 0, questions: 0 }]));
  world.runUntil(world.nowMs + 20_000);
  world.observe({
    sent(from, _to, frame) {
      const { message } = readFrame(frame);
      const count = counts.get(from)!;
      count.frames++;
      if (typeof message === 'object' && 'roundId' in message && !message.answer) count.questions++;
    },
  });
  world.runUntil(world.nowMs + 20_000);
  for (const { frames, questions } of counts.values()) {
    expect(questions).toBeGreaterThan(0);
    expect(frames).toBeLessThan((world.nodes.length - 1) * 12 * TOPICS.length);
  }
}

describe.each(STRATEGIES)('convergence by %s', (reconcile) => {
  it.each([1, 2, 3])('under loss, duplication, reordering, partition and restarts (seed %d)', (seed) => {
    const watch = gossipWorld({
      seed,
      nodeCount: 3 + (seed % 3),
      topics: TOPICS,
      links: FAULTY,
      diskMs: { type: 'uniform', minMs: 0, maxMs: 30 },
      gossip: { reconcile },
    });
    const { world } = watch;
    tellStory(world);
    expect(haveEqualRoots(world)).toBe(false);
    mend(world);
    world.wire.conditions = CALM_LINKS;
    expect(settle(world, watch).missed).toBe(0);
    expectAgreement(watch);
    expectQuiet(world);
  });

  it('of two halves that each wrote a backlog of many responses', () => {
    const gossip = { reconcile, limits: { responseEntriesMax: 50, wantsPerRequestMax: 40 } };
    const watch = gossipWorld({ nodeCount: 4, gossip });
    const { world } = watch;
    part(world, world.nodes.slice(0, 2));
    for (let index = 0; index < 100; index++) {
      world.submit(world.nodes[0]!, TOPIC, text(`a${index}`));
      world.submit(world.nodes[3]!, TOPIC, text(`b${index}`));
    }
    world.runUntil(world.nowMs + 1_000);
    expect(deliveredCounts(world)).toEqual([100, 100, 100, 100]);
    expect(haveEqualRoots(world)).toBe(false);
    mend(world);
    expect(msUntilEqual(world, 60_000)).toBeLessThan(3_000);
    expectAgreement(watch);
    expect(deliveredCounts(world)).toEqual([200, 200, 200, 200]);
  });

  it('with entries of the largest size, of which few fit a response', () => {
    const watch = gossipWorld({ nodeCount: 2, gossip: { reconcile } });
    const { world } = watch;
    part(world, [world.nodes[0]!]);
    for (let index = 0; index < 9; index++)
      world.submit(world.nodes[0]!, TOPIC, new Uint8Array(PROTOCOL.payloadBytesMax).fill(index));
    world.runUntil(world.nowMs + 100);
    expect(deliveredCounts(world)).toEqual([9, 0]);
    mend(world);
    expect(msUntilEqual(world, 2_000)).toBeLessThan(2_000);
    expectAgreement(watch);
    expect(deliveredCounts(world)).toEqual([9, 9]);
  });

  it.each([
    ['short', 3, false],
    ['longer than what may be parked', 90, true],
  ])('with an author who forked, where branches are %s', (_, length, forgets) => {
    const gossip = { reconcile, limits: { parkedPerLogMax: 20, responseEntriesMax: 30 } };
    const watch = gossipWorld({ nodeCount: 3, gossip, forgets });
    const { world } = watch;
    for (const node of world.nodes) part(world, [node]);
    const author = keyPair(99);
    const trunk = logOf(author, 2);
    for (const [index, node] of world.nodes.entries())
      hand(world, node, [...trunk, ...logOf(author, length + index, trunk[1]!.name, `${index}/`)]);
    world.runUntil(world.nowMs + 100);
    expect(deliveredCounts(world)).toEqual([0, 1, 2].map((index) => 2 + length + index));
    mend(world);
    expect(settle(world, watch).missed).toBe(0);
    expectAgreement(watch);
    expect(deliveredCounts(world)).toEqual(world.nodes.map(() => 2 + 3 * length + 3));
  });
});

it.each([
  ['by filters is answered by a filter', 0, ['bloom asks filter', 'clock answers filter']],
  ['by clocks is answered by a clock', 1, ['bloom answers clock', 'clock answers clock']],
])('of nodes of different strategies who asks %s, and they converge', (_, bloomIndex, conversation) => {
  const watch = gossipWorld({
    nodeCount: 2,
    machineOf: (setup) => gossipMachine({ reconcile: setup.index === bloomIndex ? 'bloom' : 'clock' })(setup),
  });
  const { world } = watch;
  const said: string[] = [];
  world.observe({
    sent(from, _to, frame) {
      const { message } = readFrame(frame);
      if (typeof message === 'string' || message.type !== 'AntiEntropy' || message.summary === null) return;
      const who = from.index === bloomIndex ? 'bloom' : 'clock';
      said.push(`${who} ${message.answer ? 'answers' : 'asks'} ${message.summary.type}`);
    },
  });
  part(world, [world.nodes[0]!]);
  for (const node of world.nodes)
    for (let index = 0; index < 50; index++) world.submit(node, TOPIC, text(`${index}`));
  world.runUntil(world.nowMs + 100);
  expect(haveEqualRoots(world)).toBe(false);
  mend(world);
  expect(msUntilEqual(world, 1_000)).toBeLessThan(1_000);
  expectAgreement(watch);
  expect(deliveredCounts(world)).toEqual([100, 100]);
  expect(said.slice(0, 2)).toEqual(conversation);
});
