import type { Topic } from '../topic.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimNode } from './sim-node.js';
import type { World } from './world.js';

export interface Load {
  readonly authors: readonly SimNode[];
  readonly topics: readonly Topic[];
  readonly entryCount: number;
  /** The entries are spread over so long a time from now on: at random, or `evenly`. */
  readonly durationMs: number;
  readonly evenly?: boolean;
  /** Now and then so many entries, or fewer, are published at once. Default: 1. */
  readonly atOnceMax?: number;
  /** Bytes of a payload; not above `PROTOCOL.payloadBytesMax`. */
  readonly byteCount: (random: SeededRandom) => number;
}

/** Lets nodes publish; who is down when its turn comes publishes nothing. */
export function publish(world: World, load: Load): void {
  const random = world.random.fork(`load at ${world.nowMs}`);
  const startMs = world.nowMs;
  for (let index = 0; index < load.entryCount;) {
    const share = load.evenly === true ? index / load.entryCount : random.float();
    const author = random.pick(load.authors);
    const topic = random.pick(load.topics);
    const count = Math.min(countAtOnce(load, random), load.entryCount - index);
    const payloads = Array.from({ length: count }, () => random.bytes(load.byteCount(random)));
    world.at(startMs + share * load.durationMs, () => world.submit(author, topic, ...payloads));
    index += count;
  }
}

/** Draws nothing where entries are published one by one. */
function countAtOnce({ atOnceMax = 1 }: Load, random: SeededRandom): number {
  return atOnceMax > 1 && random.chance(0.2) ? 2 + random.below(atOnceMax - 1) : 1;
}
