import { PROTOCOL } from '../../limits.js';
import { parseTopic, type Topic } from '../../topic.js';
import { acquaint } from '../acquaintance.js';
import { readFrame } from '../frames.js';
import { settle } from '../quiet.js';
import type { Scenario } from '../scenario.js';
import type { SeededRandom } from '../seeded-random.js';
import type { SimNode } from '../sim-node.js';
import { World } from '../world.js';

/** What one seed draws: the schedules on which the course's original never comes together again. */
interface Schedule {
  readonly topicCount: number;
  /** Both sides write as much as the other into each topic, so that counts tell nothing. */
  readonly equalCounts: boolean;
  /** Nodes join topics in different orders. */
  readonly shuffledTopics: boolean;
  /** The first pull response is lost. */
  readonly losesReply: boolean;
  /** One entry alone is larger than a pull response may be. */
  readonly oversize: boolean;
  /** What is written in the cut is sent while links still lose half: the clocks meet before the data does. */
  readonly healsBeforeData: boolean;
}

/** Below the payload of one entry, so that the oversize one passes the budget of a response. */
const RESPONSE_BYTES_MAX = 16_384;

/** Two halves write apart and meet again, with what stops the original for ever. */
export const original: Scenario = {
  name: 'original',
  about: 'many topics, equal counts, a lost reply, an oversize entry, healing before the data',
  nodeCount: 4,
  run(setup) {
    const { seed, nodeCount } = setup;
    const limits = { responseBytesMax: RESPONSE_BYTES_MAX };
    const world = new World({ seed, machineOf: setup.machineOf({ limits }), topics: [] });
    const watch = setup.watch(world);
    const random = world.random.fork('schedule');
    const schedule = drawSchedule(random);
    const topics = Array.from({ length: schedule.topicCount }, (_, index) => parseTopic(`topic-${index}`));
    for (let index = 0; index < nodeCount; index++)
      world.add({ topics: schedule.shuffledTopics ? random.shuffled(topics) : topics });
    acquaint(world, { type: 'mesh' });
    for (const node of world.nodes) world.boot(node);
    world.runUntil(2_000);
    play(world, schedule, topics, random);
    return settle(world, watch);
  },
};

function drawSchedule(random: SeededRandom): Schedule {
  return {
    topicCount: random.pick([2, 3, 5, 10, 20]),
    equalCounts: random.chance(0.5),
    shuffledTopics: random.chance(0.5),
    losesReply: random.chance(0.5),
    oversize: random.chance(0.5),
    healsBeforeData: random.chance(0.5),
  };
}

function play(world: World, schedule: Schedule, topics: readonly Topic[], random: SeededRandom): void {
  const nodes = random.shuffled(world.nodes);
  const halves = [
    nodes.slice(0, Math.ceil(nodes.length / 2)),
    nodes.slice(Math.ceil(nodes.length / 2)),
  ] as const;
  const [left, right] = [new Set(halves[0]), new Set(halves[1])];
  const cuts = [
    { from: left, to: right },
    { from: right, to: left },
  ];
  world.note('the halves part');
  for (const cut of cuts) world.cut(cut);
  world.runUntil(world.nowMs + 7_000);
  if (schedule.losesReply) loseOneReply(world);
  write(world, schedule, topics, halves, random);
  if (!schedule.healsBeforeData) world.runUntil(world.nowMs + 3_000);
  world.note('the halves meet');
  for (const cut of cuts) world.wire.heal(cut);
  if (!schedule.healsBeforeData) return;
  const calm = world.wire.conditions;
  world.wire.conditions = { ...calm, lossRate: 0.5 };
  world.runUntil(world.nowMs + 5_000);
  world.wire.conditions = calm;
}

function write(
  world: World,
  { equalCounts, oversize }: Schedule,
  topics: readonly Topic[],
  halves: readonly (readonly SimNode[])[],
  random: SeededRandom,
): void {
  for (const topic of topics) {
    const equalCount = 1 + random.below(4);
    for (const half of halves) {
      const count = equalCounts ? equalCount : random.below(6);
      const author = random.pick(half);
      for (let index = 0; index < count; index++) world.submit(author, topic, random.bytes(20));
    }
  }
  if (!oversize) return;
  const node = random.pick(halves[0]!);
  const topic = random.pick(topics);
  for (const size of [10, PROTOCOL.payloadBytesMax, 10]) world.submit(node, topic, random.bytes(size));
}

/** Exactly one answer to a pull never arrives; links are well otherwise. */
function loseOneReply(world: World): void {
  world.dropsFrame = (_from, _to, frame) => {
    const { message } = readFrame(frame);
    const isReply = typeof message !== 'string' && message.type === 'PullResponse';
    if (isReply) world.dropsFrame = undefined;
    return isReply;
  };
}
