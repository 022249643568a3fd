import { parseTopic } from '../../src/topic.js';
import type { GossipEffect, GossipEvent } from '../../src/events.js';
import {
  DeliveryChecker,
  EntryChecker,
  plainMachine,
  SpeechChecker,
  Statistics,
  Trace,
  Violations,
  World,
  type HostedMachine,
  type HostedStatus,
  type MachineFactory,
  type MachineSetup,
  type WorldOptions,
} from '../../src/sim/index.js';
import { encodeMessage } from '../../src/wire/message-codec.js';
import type { AntiEntropy, GossipMessage } from '../../src/wire/messages.js';

export const TOPIC = parseTopic('lobby');

/** A machine that does nothing but what a test says. */
export function scripted(
  script: (event: GossipEvent, nowMs: number, setup: MachineSetup) => readonly GossipEffect[],
): MachineFactory {
  return (setup) => ({ wakeAtMs: undefined, handle: (event, nowMs) => script(event, nowMs, setup) });
}

/** The plain machine, of which a test changes what it orders or says of itself. */
export function corrupted(
  change: (
    effects: readonly GossipEffect[],
    setup: MachineSetup,
    event: GossipEvent,
  ) => readonly GossipEffect[],
  status: (rows: readonly HostedStatus[]) => readonly HostedStatus[] = (rows) => rows,
): MachineFactory {
  return (setup) => {
    const inner = plainMachine()(setup);
    const machine: HostedMachine = {
      get wakeAtMs() {
        return inner.wakeAtMs;
      },
      handle: (event, nowMs) => change(inner.handle(event, nowMs), setup, event),
      status: () => status(inner.status!()),
    };
    return machine;
  };
}

export type WatchedWorld = ReturnType<typeof watchedWorld>;

/**
 * A world under all checkers, whose nodes are not started yet. Where these are given so little room that they forget
 * entries, I2 and the roots that they tell cannot be judged.
 */
export function watchedWorld(options: Partial<WorldOptions> = {}, { forgets = false } = {}) {
  const world = new World({ seed: 1, machineOf: plainMachine(), topics: [TOPIC], ...options });
  const violations = new Violations();
  const statistics = new Statistics(world);
  const trace = new Trace(world);
  world.observe(
    trace,
    statistics,
    new EntryChecker(world, violations, { checksOnce: !forgets }),
    new SpeechChecker(world, violations, { checksRoots: !forgets }),
    new DeliveryChecker(world, violations),
  );
  return {
    world,
    violations,
    statistics,
    trace,
    broken: () => new Set(violations.all.map((each) => each.invariant)),
  };
}

/** Starts so many nodes that all know each other, and lets them meet. */
export function startMesh(world: World, count: number): void {
  for (let index = 0; index < count; index++) world.add();
  for (const node of world.nodes)
    for (const other of world.nodes) if (node !== other) node.contacts.add(other);
  for (const node of world.nodes) world.boot(node);
  world.runUntil(world.nowMs + 1_000);
}

export function sendTo(to: readonly MachineSetup['keyPair']['did'][], message: GossipMessage): GossipEffect {
  return { type: 'send', to, frame: encodeMessage(message), priority: 'control' };
}

export function question(fields: Partial<AntiEntropy>): AntiEntropy {
  return {
    type: 'AntiEntropy',
    topic: TOPIC,
    roundId: 1,
    answer: false,
    root: null,
    counts: null,
    closed: [],
    summary: null,
    ...fields,
  };
}
