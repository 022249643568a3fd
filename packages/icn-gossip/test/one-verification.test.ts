import { describe, expect, it, jest } from '@jest/globals';
import type { SimNode } from '../src/sim/index.js';
import type { VerifiedEntry } from '../src/entry/entry.js';
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
const { batchOf, keyPair, logOf, text, TOPIC } = await import('./fixtures.js');
const { joined, clockQuestion, eager, headOf, lazy, response } = await import('./subject.js');
const { gossipWorld, restart, statusOf } = await import('./sim/gossip-world.js');
const { haveEqualRoots } = await import('../src/sim/checkers/convergence.js');

/** Signature checks that `action` costs. */
function checksIn(action: () => void): number {
  const before = checkCount;
  action();
  return checkCount - before;
}

describe('I2: at most one signature check per entry and node, and one for all that were signed together', () => {
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

  it('is one for a batch, in whatever messages and order its entries come, with others between them', () => {
    const batches = [2, 3].map((author) => batchOf(keyPair(author), 16));
    const subject = joined(4, 5);
    const [ours, theirs] = batches as [VerifiedEntry[], VerifiedEntry[]];
    const checks = checksIn(() => {
      for (const index of ours.keys()) {
        subject.receive(4, eager(ours[15 - index]!));
        subject.receive(5, eager(theirs[index]!));
      }
    });
    expect(checks).toBe(2);
    expect(subject.gossip.status()[0]!.entryCount).toBe(32);
    expect(checksIn(() => joined(4).receive(4, eager(ours[0]!)))).toBe(1);
  });

  it('is one for each forged proof of a batch, which spoils nothing for those that are not', () => {
    const batch = batchOf(keyPair(2), 3);
    const subject = joined(4);
    const forged = (index: number) => {
      const { proof } = batch[index]!.parts;
      return eager(batch[index]!, { proof: { ...proof, signature: new Uint8Array(64).fill(index) } });
    };
    expect(checksIn(() => subject.receive(4, forged(0)))).toBe(1);
    expect(checksIn(() => subject.receive(4, eager(batch[0]!)))).toBe(1);
    expect(checksIn(() => subject.receive(4, forged(1)))).toBe(1);
    expect(checksIn(() => subject.receive(4, eager(batch[1]!)))).toBe(0);
    expect(subject.gossip.counters).toMatchObject({ 'signature-wrong': 2 });
    expect(subject.gossip.status()[0]!.entryCount).toBe(2);
  });

  it('costs nothing for own entries, nor for any after a restart', () => {
    const { world, checked } = countingWorld({ nodeCount: 2, gossip: ONE_BY_ONE });
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

  it.each([
    ['one by one', 1],
    ['four at a time', 4],
  ])('holds in a whole network, whatever the duplication, for what is published %s', (_, atOnce) => {
    const { world, checked, statistics } = countingWorld({
      nodeCount: 5,
      gossip: ONE_BY_ONE,
      links: { jitterMs: { type: 'uniform', minMs: 0, maxMs: 45 }, lossRate: 0.1, duplicationRate: 0.5 },
      diskMs: { type: 'uniform', minMs: 0, maxMs: 5 },
    });
    const checks = checksIn(() => {
      for (let index = 0; index < 20; index++) {
        const payloads = Array.from({ length: atOnce }, (__, number) => text(`${index}/${number}`));
        world.submit(world.nodes[index % 5]!, TOPIC, ...payloads);
        world.runUntil(world.nowMs + 50);
      }
      const isAllThere = () => world.nodes.every((node) => statusOf(node).entryCount === 20 * atOnce);
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

/** Nobody waits for what others hold of their logs, so that each submission is signed by itself. */
const ONE_BY_ONE = { limits: { ownHeadWaitMs: 0 } };

/** A world with the ids, and roots of batches, whose signatures each node has checked, valid or not. */
function countingWorld(options: GossipWorldOptions) {
  const watch = gossipWorld(options);
  const checked = new Map<SimNode, string[]>();
  watch.world.observe({
    verified: (node, message) => checked.set(node, [...(checked.get(node) ?? []), message.join()]),
  });
  return { ...watch, checked };
}
