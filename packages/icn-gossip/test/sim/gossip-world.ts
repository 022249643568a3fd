import { afterEach, expect } from '@jest/globals';
import { encodeMessage } from '../../src/wire/message-codec.js';
import type { VerifiedEntry } from '../../src/entry/entry.js';
import type { GossipOptions } from '../../src/gossip.js';
import { haveEqualRoots } from '../../src/sim/checkers/convergence.js';
import {
  gossipMachine,
  type HostedStatus,
  judgeConvergence,
  requiredNow,
  type SimNode,
  type Violations,
  type World,
  type WorldOptions,
} from '../../src/sim/index.js';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import type { Topic } from '../../src/topic.js';
import { did, NETWORK, TOPIC } from '../fixtures.js';
import { eager } from '../subject.js';
import { watchedWorld, type WatchedWorld } from './scripted.js';

export interface GossipWorldOptions extends Partial<WorldOptions> {
  readonly nodeCount: number;
  /** Of all nodes, where `machineOf` says nothing else. */
  readonly gossip?: Partial<GossipOptions>;
  /** Nodes have so little room that they forget entries and meet them anew: see `watchedWorld`. */
  readonly forgets?: boolean;
}

/** Fixtures make entries of authors with lower keys: none of them is a node. */
const FIRST_KEY = 1_000;
const STRANGER = did(500);
/** Until both sides of a link that was cut know of it. */
const NOTICED_MS = 10;

let watched: Violations[] = [];

/** No test can forget to look at what the checkers saw. */
afterEach(() => {
  const seen = watched.flatMap(({ all }) => all);
  watched = [];
  if (seen.length === 0) return;
  const lines = seen.map(
    ({ invariant, atMs, node, detail }) => `${invariant} at ${node}, ${atMs} ms: ${detail}`,
  );
  throw new Error(`broken:\n${lines.join('\n')}`);
});

/**
 * A world of our own machine under all checkers, of which the test fails if one fires. Its nodes are up and linked with
 * each other, have met, and know of nobody whom they would dial by themselves.
 */
export function gossipWorld({ nodeCount, gossip, forgets, ...options }: GossipWorldOptions): WatchedWorld {
  const worldOptions: Partial<WorldOptions> = {
    machineOf: gossipMachine(gossip),
    network: NETWORK,
    firstKey: FIRST_KEY,
    swarm: { linkTimeoutMs: { type: 'fixed', ms: NOTICED_MS } },
    ...options,
  };
  const watch = watchedWorld(worldOptions, { forgets: forgets ?? false });
  const { world, violations } = watch;
  watched.push(violations);
  world.observe({
    ordered(node, effect, nowMs) {
      if (effect.type === 'disconnect') violations.add('disconnect', node, effect.reason, nowMs);
    },
  });
  for (let index = 0; index < nodeCount; index++) world.add();
  for (const node of world.nodes) world.boot(node);
  mend(world);
  world.runUntil(world.nowMs + 100);
  return watch;
}

/** Cuts the nodes of `side` off from the others, and lets all of them notice. */
export function part(world: World, side: readonly SimNode[]): void {
  const [inside, outside] = [new Set(side), new Set(world.nodes.filter((node) => !side.includes(node)))];
  world.cut({ from: inside, to: outside });
  world.cut({ from: outside, to: inside });
  world.runUntil(world.nowMs + NOTICED_MS);
}

/** Ends all cuts, and links all nodes that are up with each other. */
export function mend(world: World): void {
  world.wire.healAll();
  const up = world.nodes.filter(({ isUp }) => isUp);
  for (const [index, a] of up.entries())
    for (const b of up.slice(index + 1))
      if (!a.links.has(b.did) || a.links.get(b.did) !== b.links.get(a.did)) world.swarm.open(a, b);
}

/** The node loses all that is not on its disk, starts again, and is linked with the others. */
export function restart(world: World, node: SimNode): void {
  world.crash(node);
  world.boot(node);
  mend(world);
}

/** Hands entries to a node alone, as if a peer that nobody else knows had pushed them. */
export function hand(world: World, node: SimNode, entries: readonly VerifiedEntry[]): void {
  world.tell(node, { type: 'peer-up', peer: STRANGER });
  for (const entry of entries)
    world.tell(node, { type: 'received', from: STRANGER, frame: encodeMessage(eager(entry)) });
  world.tell(node, { type: 'peer-down', peer: STRANGER });
}

/** What the machine of a node that is up believes of a topic. */
export function statusOf(node: SimNode, topic: Topic = TOPIC): HostedStatus {
  return node.machine!.status!().find((status) => status.topic === topic)!;
}

export function deliveredCounts(world: World, topic: Topic = TOPIC): readonly number[] {
  return world.nodes.map((node) => node.disk.delivered(topic).size);
}

/** How long it takes until all nodes that are up have equal roots; `withinMs` where they do not within that time. */
export function msUntilEqual(world: World, withinMs: number): number {
  const startMs = world.nowMs;
  world.runUntil(startMs + withinMs, () => haveEqualRoots(world));
  return world.nowMs - startMs;
}

/** After quiet: equal roots over equal entries, all of them delivered everywhere, and nothing acknowledged is lost. */
export function expectAgreement({ world, violations }: WatchedWorld): void {
  world.runUntil(world.nowMs + DEFAULT_LIMITS.causalWaitMs + 1_000); // what waits for parents that nobody has
  judgeConvergence(world, requiredNow(world), violations);
  expect(violations.all).toEqual([]);
  expect(haveEqualRoots(world)).toBe(true);
  for (const node of world.nodes)
    for (const topic of node.topics)
      expect(statusOf(node, topic).entryCount).toBe(node.disk.delivered(topic).size);
}
