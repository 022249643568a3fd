import { describe, expect, it } from '@jest/globals';
import { gossipMachine, ROUND_MS, settle } from '../../src/sim/index.js';
import { text, TOPIC } from '../fixtures.js';
import { watchedWorld } from './scripted.js';

const EARLY_MS = 6_000;

/** Nodes linked with each other, and one more that holds an entry of its own and is linked with nobody yet. */
function worldWithStranger({ isHonest }: { readonly isHonest: boolean }) {
  const watch = watchedWorld({ machineOf: gossipMachine() });
  const { world } = watch;
  for (let index = 0; index < 3; index++) world.add();
  const stranger = world.add({ isHonest });
  for (const node of world.nodes) world.boot(node);
  const [first, second, third] = world.nodes;
  for (const [a, b] of [
    [first!, second!],
    [second!, third!],
  ] as const)
    world.swarm.open(a, b);
  world.submit(stranger, TOPIC, text('kept back'));
  world.runUntil(world.nowMs + 4_000);
  return { ...watch, meet: () => world.swarm.open(stranger, third!) };
}

describe('a world that is quiet', () => {
  it('has its rounds counted anew, where a liar tells what no honest node had', () => {
    const { world, violations, statistics, meet } = worldWithStranger({ isHonest: false });
    const startMs = world.nowMs;
    world.at(startMs + EARLY_MS, meet);
    const { missed, roundsToEqual } = settle(world, { violations, statistics }, 3);
    expect(world.honest.map(({ disk }) => disk.delivered(TOPIC).size)).toEqual([1, 1, 1]);
    expect([missed, violations.count]).toEqual([0, 0]);
    expect(roundsToEqual).toBeLessThanOrEqual(1);
    expect(world.nowMs).toBeGreaterThan(startMs + EARLY_MS);
  });

  it('has not, where it is an honest node that comes so late: the others lacked its entry all the time', () => {
    const { world, violations, statistics, meet } = worldWithStranger({ isHonest: true });
    const startMs = world.nowMs;
    world.at(startMs + 4 * ROUND_MS, meet);
    const { missed, roundsToEqual } = settle(world, { violations, statistics }, 3);
    expect(world.nowMs).toBe(startMs + 3 * ROUND_MS);
    expect([missed, roundsToEqual]).toEqual([3, null]);
    expect(violations.all.map(({ invariant }) => invariant)).toContain('liveness');
  });
});
