import type { EntryId } from '../entry/entry-name.js';
import type { StoreWrite } from '../entry/entry-store.js';
import { DEFAULT_LIMITS } from '../limits.js';
import {
  haveEqualRoots,
  haveEqualSets,
  judgeConvergence,
  missedCount,
  requiredNow,
} from './checkers/convergence.js';
import type { WriteFault } from './disk.js';
import type { Observer } from './observer.js';
import type { Outcome, Watch } from './scenario.js';
import type { SimNode } from './sim-node.js';
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
/** Liars that withhold entries cannot keep a world from being judged for more than so many times `roundsMax`. */
const PATIENCE = 4;

/**
 * Lets a world whose faults have ended run until its honest nodes are equal, for at most `roundsMax` rounds; then judges
 * it. Returns how long that took at most, and what is missing. A liar may keep an entry that no honest node holds and
 * tell it at any time: then the rounds are counted anew.
 */
export function settle(world: World, { violations }: Watch, rounds = roundsMax(world.nodes.length)): Outcome {
  const required = requiredNow(world);
  const news = new News(world);
  const endMs = world.nowMs + PATIENCE * rounds * ROUND_MS;
  let roundsToEqual = 0;
  let equalAfter: number | undefined;
  let settledAtMs: number | undefined;
  while (world.nowMs < Math.min(endMs, news.lastAtMs + rounds * ROUND_MS)) {
    world.runUntil(world.nowMs + ROUND_MS / LOOKS_PER_ROUND);
    const isEqual = haveEqualRoots(world);
    const looks = Math.ceil(((world.nowMs - news.lastAtMs) * LOOKS_PER_ROUND) / ROUND_MS);
    equalAfter = isEqual ? (equalAfter ?? looks / LOOKS_PER_ROUND) : undefined;
    const isSettled = isEqual && haveEqualSets(world) && missedCount(world, required) === 0;
    settledAtMs = isSettled ? (settledAtMs ?? world.nowMs) : undefined;
    if (settledAtMs === undefined) continue;
    roundsToEqual = Math.max(roundsToEqual, equalAfter ?? 0);
    if (world.nowMs >= settledAtMs + ROUNDS_AFTER * ROUND_MS) break;
  }
  judgeConvergence(world, required, violations);
  return {
    missed: missedCount(world, required),
    roundsToEqual: equalAfter === undefined ? null : roundsToEqual,
  };
}

/** Hears when an entry reaches the disk of an honest node for the first time. */
class News implements Observer {
  /** At first when this began to listen. */
  lastAtMs: number;
  readonly #known = new Set<EntryId>();

  constructor(world: World) {
    this.lastAtMs = world.nowMs;
    for (const { disk, topics } of world.honest)
      for (const topic of topics) for (const id of disk.ids(topic)) this.#known.add(id);
    world.observe(this);
  }

  written(node: SimNode, writes: readonly StoreWrite[], _faults: readonly WriteFault[], nowMs: number): void {
    if (!node.isHonest) return;
    for (const write of writes) {
      if (write.type !== 'entry' || this.#known.has(write.id)) continue;
      this.#known.add(write.id);
      this.lastAtMs = nowMs;
    }
  }
}
