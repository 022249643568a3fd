import { describe, expect, it, jest } from '@jest/globals';
import type { SimNode } from '../src/sim/index.js';
import type { GossipWorldOptions } from './sim/gossip-world.js';

// The only place where signatures are checked is counted, before the machine is loaded on top of it.
const identity = await import('@icn/identity');
let checkCount = 0;
jest.unstable_mockModule('@icn/identity', () => ({
  ...identity,
  verify: (...args: Parameters<typeof identity.verify>) => {
    checkCount++;
    return identity.verify(...args);
  },
}));
const { keyPair, logOf, text, TOPIC } = await import('./fixtures.js');
const { joined, clockQuestion, eager, headOf, lazy, response } = await import('./subject.js');
const { gossipWorld, restart, statusOf } = await import('./sim/gossip-world.js');
const { haveEqualRoots } = await import('../src/sim/checkers/convergence.js');

/** Signature checks that `action` costs. */
function checksIn(action: () => void): number {
  const before = checkCount;
  action();
  return checkCount - before;
}

describe('I2: one signature check per entry per node', () => {
  const log = logOf(keyPair(2), 3);

  it('is counted here', () => {
    expect(checksIn(() => joined(2).receive(2, eager(log[0]!)))).toBe(1);
  });

  it('costs nothing more for duplicates, parked ones and pulled ones', () => {
    const subject = joined(2, 3);
    expect(checksIn(() => subject.receive(2, eager(log[2]!)))).toBe(1);
    const again = checksIn(() => {
      for (const peer of [2, 3, 2]) subject.receive(peer, eager(log[2]!));
      subject.receive(3, lazy(log[2]!));
    });
    expect(again).toBe(0);
    expect(checksIn(() => subject.receive(2, response(1, log)))).toBe(2);
    expect(checksIn(() => subject.receive(3, clockQuestion([headOf(log[2]!)])))).toBe(0);
  });

  it('costs nothing for what is refused by its looks', () => {
    const subject = joined(2);
    const [first] = log;
    const looks = checksIn(() => {
      subject.receive(2, eager(first!, { payload: text('jello') }));
      subject.receive(2, eager(first!, { header: new Uint8Array(10) }));
      subject.receive(2, response(99, log));
    });
    expect(looks).toBe(0);
  });

  it('costs nothing for own entries, nor for any after a restart', () => {
    const { world, checked } = countingWorld({ nodeCount: 2 });
    const [a, b] = world.nodes;
    const checks = checksIn(() => {
      for (let index = 0; index < 10; index++) world.submit(a!, TOPIC, text(`${index}`));
      world.runUntil(world.nowMs + 5_000);
      for (const node of [a!, b!]) restart(world, node);
      world.runUntil(world.nowMs + 5_000);
    });
    for (const node of [a!, b!]) expect(statusOf(node).entryCount).toBe(10);
    expect([checks, checked.get(a!), checked.get(b!)?.length]).toEqual([10, undefined, 10]);
  });

  it('holds in a whole network, whatever the duplication', () => {
    const { world, checked, statistics } = countingWorld({
      nodeCount: 5,
      links: { jitterMs: { type: 'uniform', minMs: 0, maxMs: 45 }, lossRate: 0.1, duplicationRate: 0.5 },
      diskMs: { type: 'uniform', minMs: 0, maxMs: 5 },
    });
    const checks = checksIn(() => {
      for (let index = 0; index < 20; index++) {
        world.submit(world.nodes[index % 5]!, TOPIC, text(`${index}`));
        world.runUntil(world.nowMs + 50);
      }
      const isAllThere = () => world.nodes.every((node) => statusOf(node).entryCount === 20);
      world.runUntil(world.nowMs + 120_000, () => isAllThere() && haveEqualRoots(world));
    });
    expect(haveEqualRoots(world)).toBe(true);
    expect(statistics.counts.payloadArrivals).toBeGreaterThan(2 * 20 * 4);
    // The world remembers what came of each signature: it is checked in earnest once, and asked for by each node.
    expect(checks).toBe(20);
    for (const node of world.nodes) {
      const ids = checked.get(node)!;
      expect([ids.length, new Set(ids).size]).toEqual([16, 16]);
    }
  });
});

/** A world with the ids whose signatures each node has checked, valid or not. */
function countingWorld(options: GossipWorldOptions) {
  const watch = gossipWorld(options);
  const checked = new Map<SimNode, string[]>();
  watch.world.observe({
    verified: (node, message) => checked.set(node, [...(checked.get(node) ?? []), message.join()]),
  });
  return { ...watch, checked };
}
