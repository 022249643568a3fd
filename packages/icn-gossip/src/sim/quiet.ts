import { DEFAULT_LIMITS } from '../limits.js';
import {
  haveEqualRoots,
  haveEqualSets,
  judgeConvergence,
  missedCount,
  requiredNow,
} from './checkers/convergence.js';
import type { Outcome, Watch } from './scenario.js';
import type { World } from './world.js';

/** Mean time between two rounds of a node with one of its peers, then the next. */
export const ROUND_MS = DEFAULT_LIMITS.antiEntropyIntervalMs;

/** Rounds within which honest nodes are equal again once the faults have ended: what this project promises. */
export function roundsMax(nodeCount: number): number {
  return 2 * Math.ceil(Math.log2(nodeCount)) + 4;
}

/** How often the roots are looked at. */
const LOOKS_PER_ROUND = 4;
/** What is equal must stay equal. */
const ROUNDS_AFTER = 2;

/**
 * Lets a world whose faults have ended run until its honest nodes are equal, for at most `roundsMax` rounds; then judges
 * it. Returns how long that took and what is missing.
 */
export function settle(world: World, { violations }: Watch, rounds = roundsMax(world.nodes.length)): Outcome {
  const required = requiredNow(world);
  const startMs = world.nowMs;
  let roundsToEqual: number | null = null;
  let isSettled = false;
  for (let look = 1; look <= rounds * LOOKS_PER_ROUND && !isSettled; look++) {
    world.runUntil(startMs + (look * ROUND_MS) / LOOKS_PER_ROUND);
    const isEqual = haveEqualRoots(world);
    roundsToEqual = isEqual ? (roundsToEqual ?? look / LOOKS_PER_ROUND) : null;
    isSettled = isEqual && haveEqualSets(world) && missedCount(world, required) === 0;
  }
  if (isSettled) world.runUntil(world.nowMs + ROUNDS_AFTER * ROUND_MS);
  judgeConvergence(world, required, violations);
  return { missed: missedCount(world, required), roundsToEqual };
}
