import { describe, expect, it } from '@jest/globals';
import { DurabilityGate } from '../src/durability-gate.js';
import { text, TOPIC } from './fixtures.js';
import {
  deliveredCounts,
  expectAgreement,
  gossipWorld,
  msUntilEqual,
  restart,
  statusOf,
} from './sim/gossip-world.js';

describe('DurabilityGate', () => {
  it('lets go in order, of what the durable writes are enough for', () => {
    const gate = new DurabilityGate<string>();
    expect(gate.isClear).toBe(true);
    gate.nextWrite();
    gate.hold('a');
    gate.hold('b');
    gate.nextWrite();
    gate.hold('c');
    expect([gate.release(1), gate.isClear]).toEqual([['a', 'b'], false]);
    expect([gate.release(2), gate.isClear]).toEqual([['c'], true]);
  });

  it('is not moved by numbers that were never given, nor back', () => {
    const gate = new DurabilityGate<string>();
    gate.nextWrite();
    expect(gate.release(99)).toEqual([]);
    gate.nextWrite();
    gate.hold('a');
    expect(gate.release(1)).toEqual([]);
    expect(gate.release(2)).toEqual(['a']);
  });
});

// The checkers see each effect: nothing is announced, counted or delivered before it is on disk, and no log forks.
describe('I8: own entries are durable before anyone hears of them', () => {
  it.each([1, 2, 3, 4, 5])(
    'loses nothing acknowledged, forks no log and skips no position over 20 crashes (seed %d)',
    (seed) => {
      const diskMs = { type: 'uniform', minMs: 5, maxMs: 40 } as const;
      const watch = gossipWorld({ seed, nodeCount: 2, diskMs });
      const { world } = watch;
      const random = world.random.fork('crashes');
      const [a, b] = world.nodes;
      let orderedCount = 0;
      world.observe({
        ordered(node, effect) {
          if (node === a && effect.type === 'persist')
            orderedCount += effect.writes.filter(({ type }) => type === 'entry').length;
        },
      });
      for (let crash = 0; crash < 20; crash++) {
        for (let index = 0; index < 5; index++) {
          world.submit(a!, TOPIC, text(`${crash}/${index}`));
          world.runUntil(world.nowMs + random.between(0, 20));
        }
        world.crash(a!);
        world.runUntil(world.nowMs + random.between(0, 100));
        restart(world, a!);
      }
      expect(msUntilEqual(world, 60_000)).toBeLessThan(60_000);
      expectAgreement(watch);
      const seqs = a!.acknowledged.map(({ name }) => name.seq);
      expect(seqs).toEqual([...new Set(seqs)].toSorted((x, y) => x - y));
      for (const node of [a!, b!]) {
        const delivered = node.disk.delivered(TOPIC);
        expect(a!.acknowledged.filter(({ name }) => !delivered.has(name.id))).toEqual([]);
      }
      const writtenCount = [...a!.disk.ids(TOPIC)].length;
      expect(writtenCount).toBeGreaterThanOrEqual(Math.max(...seqs));
      expect(statusOf(a!).entryCount).toBe(writtenCount);
      expect(orderedCount).toBeGreaterThan(writtenCount);
    },
  );

  it('goes on with its log and its positions where it stopped', () => {
    const { world } = gossipWorld({ nodeCount: 1 });
    const [a] = world.nodes;
    for (let index = 0; index < 3; index++) world.submit(a!, TOPIC, text(`${index}`));
    world.runUntil(world.nowMs + 100);
    const before = statusOf(a!);
    restart(world, a!);
    expect(statusOf(a!)).toEqual(before);
    world.submit(a!, TOPIC, text('after'));
    world.runUntil(world.nowMs + 100);
    expect(a!.acknowledged.map(({ name }) => name.seq)).toEqual([1, 2, 3, 4]);
    expect([a!.disk.positionCount(TOPIC), a!.disk.delivered(TOPIC).size]).toEqual([4, 4]);
  });

  it.each([
    ['forgets what was not written yet', 49, 0],
    ['keeps what was', 51, 1],
  ])('%s: a write takes 50 ms, and %d are past', (_, passedMs, entryCount) => {
    const gossip = { limits: { ownHeadWaitMs: 0 } };
    const { world } = gossipWorld({ nodeCount: 2, diskMs: { type: 'fixed', ms: 50 }, gossip });
    const [a, b] = world.nodes;
    world.submit(a!, TOPIC, text('in doubt'));
    world.runUntil(world.nowMs + passedMs);
    expect([a!.acknowledged.length, b!.disk.delivered(TOPIC).size]).toEqual([entryCount, 0]);
    restart(world, a!);
    world.runUntil(world.nowMs + 500);
    expect(deliveredCounts(world)).toEqual([entryCount, entryCount]);
    world.submit(a!, TOPIC, text('after'));
    world.runUntil(world.nowMs + 500);
    expect(a!.acknowledged.at(-1)?.name.seq).toBe(entryCount + 1);
    expect(a!.acknowledged).toHaveLength(entryCount + 1);
    expect(b!.disk.delivered(TOPIC)).toEqual(a!.disk.delivered(TOPIC));
  });
});
