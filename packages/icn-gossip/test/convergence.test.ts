import { describe, expect, it } from '@jest/globals';
import { PROTOCOL } from '../src/limits.js';
import { encodeMessage } from '../src/wire/message-codec.js';
import type { Reconcile } from '../src/topic/topic-context.js';
import { parseTopic } from '../src/topic.js';
import { keyPair, logOf, seededNumbers, text, TOPIC } from './fixtures.js';
import { CALM, TestNetwork, type Faults, type TestNode } from './test-network.js';

const FAULTY: Faults = { latencyMs: [1, 80], lossRate: 0.2, duplicationRate: 0.1, diskMs: [0, 30] };
const TOPICS = [TOPIC, parseTopic('kitchen'), parseTopic('garden')];
const STRATEGIES: readonly Reconcile[] = ['auto', 'clock', 'bloom'];
/** Mean time between rounds with one certain peer, times the rounds that repair may take. */
const roundsMs = (count: number, nodeCount: number) => count * 5_000 * (nodeCount - 1);

/** After quiet: equal roots, everything delivered once everywhere, and nothing that was acknowledged is lost. */
function expectConverged(
  network: TestNetwork,
  withinMs: number,
  topics: readonly (typeof TOPIC)[] = [TOPIC],
): void {
  network.faults = CALM;
  network.run(withinMs, () => network.isConverged());
  expect(network.isConverged()).toBe(true);
  network.run(31_000); // whatever waits for causal parents that nobody has
  expect(network.isConverged()).toBe(true);
  for (const topic of topics) {
    const everywhere = network.nodes.map((node) => node.delivered(topic).toSorted());
    for (const delivered of everywhere) expect(delivered).toEqual(everywhere[0]);
    for (const node of network.nodes) {
      const { entryCount } = node.gossip.status().find((status) => status.topic === topic)!;
      expect(node.delivered(topic).length).toBe(entryCount);
    }
  }
  const all = new Set(topics.flatMap((topic) => network.nodes[0]!.delivered(topic)));
  for (const node of network.nodes) for (const { id } of node.acknowledged) expect(all.has(id)).toBe(true);
}

/** Each pair of nodes must not fall silent, nor speak without end. */
function expectQuiet(network: TestNetwork): void {
  network.run(20_000);
  const before = network.frameCount;
  network.run(20_000);
  const pairs = network.nodes.length * (network.nodes.length - 1);
  expect(network.frameCount - before).toBeLessThan(pairs * 12 * TOPICS.length);
}

describe.each(STRATEGIES)('convergence by %s', (reconcile) => {
  it.each([1, 2, 3])('under loss, duplication, reordering, partition and restarts (seed %d)', (seed) => {
    const draw = seededNumbers(seed);
    const network = new TestNetwork({ seed, faults: FAULTY, topics: TOPICS, gossip: { reconcile } });
    const nodes = network.start(3 + (seed % 3));
    for (let step = 0; step < 40; step++) {
      const node = nodes[Math.floor(draw() * nodes.length)]!;
      const event = draw();
      if (event < 0.75) network.submit(node, text(`${step}`), TOPICS[Math.floor(draw() * 3)]);
      else if (event < 0.82 && node.isUp) network.crash(node);
      else if (event < 0.9 && !node.isUp) network.restart(node);
      else if (event < 0.95) network.partition([node]);
      else network.heal();
      network.run(draw() * 1_000);
    }
    for (const node of nodes) if (!node.isUp) network.restart(node);
    network.heal();
    expectConverged(network, roundsMs(6, nodes.length), TOPICS);
    expectQuiet(network);
  });

  it('of two halves that each wrote a backlog of many responses', () => {
    const network = new TestNetwork({
      gossip: { reconcile, limits: { responseEntriesMax: 50, wantsPerRequestMax: 40 } },
    });
    const nodes = network.start(4);
    network.run(100);
    network.partition(nodes.slice(0, 2));
    for (let index = 0; index < 100; index++) {
      network.submit(nodes[0]!, text(`a${index}`));
      network.submit(nodes[3]!, text(`b${index}`));
    }
    network.run(1_000);
    expect(network.isConverged()).toBe(false);
    network.heal();
    expect(network.run(60_000, () => network.isConverged())).toBeLessThan(3_000);
    expectConverged(network, 0);
  });

  it('with entries of the largest size, of which few fit a response', () => {
    const network = new TestNetwork({ gossip: { reconcile } });
    const nodes = network.start(2);
    network.run(100);
    network.partition([nodes[0]!]);
    for (let index = 0; index < 9; index++)
      network.submit(nodes[0]!, new Uint8Array(PROTOCOL.payloadBytesMax).fill(index));
    network.run(100);
    network.heal();
    expectConverged(network, 2_000);
    expect(nodes[1]!.delivered().length).toBe(9);
  });

  it.each([
    ['short', 3],
    ['longer than what may be parked', 90],
  ])('with an author who forked, where branches are %s', (_, length) => {
    const network = new TestNetwork({
      gossip: { reconcile, limits: { parkedPerLogMax: 20, responseEntriesMax: 30 } },
    });
    const nodes = network.start(3);
    network.run(100);
    network.partition([nodes[0]!]);
    network.disconnect(nodes[1]!, nodes[2]!);
    const trunk = logOf(keyPair(99), 2);
    for (const [index, node] of nodes.entries()) {
      push(network, node, [...trunk, ...logOf(keyPair(99), length + index, trunk[1]!.name, `${index}/`)]);
    }
    network.run(100);
    network.heal();
    expectConverged(network, roundsMs(6, 3));
    expect(nodes[0]!.delivered().length).toBe(2 + 3 * length + 3);
  });
});

it('nodes of different strategies converge: a question is answered in its own kind', () => {
  const network = new TestNetwork({ gossip: { reconcile: 'clock' } });
  const [a, b] = network.start(2);
  network.crash(b!);
  network.boot(b!, { reconcile: 'bloom' });
  for (const node of [a!, b!])
    for (let index = 0; index < 50; index++) network.submit(node, text(`${index}`));
  network.run(100);
  expect(network.isConverged()).toBe(false);
  network.heal();
  expectConverged(network, 1_000);
});

/** Hands entries to a node alone, as if a peer that nobody else knows had sent them. */
function push(network: TestNetwork, node: TestNode, entries: ReturnType<typeof logOf>): void {
  const stranger = keyPair(1_000).did;
  network.tell(node, { type: 'peer-up', peer: stranger });
  for (const { name, parts } of entries) {
    const frame = encodeMessage({ type: 'Announcement', topic: TOPIC, name, entry: parts });
    network.tell(node, { type: 'received', from: stranger, frame });
  }
  network.tell(node, { type: 'peer-down', peer: stranger });
}
