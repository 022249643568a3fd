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
  /** Bytes of a payload; not above `PROTOCOL.payloadBytesMax`. */
  readonly byteCount: (random: SeededRandom) => number;
}

/** Lets nodes publish; who is down when its turn comes publishes nothing. */
export function publish(world: World, load: Load): void {
  const random = world.random.fork(`load at ${world.nowMs}`);
  const startMs = world.nowMs;
  for (let index = 0; index < load.entryCount; index++) {
    const share = load.evenly === true ? index / load.entryCount : random.float();
    const author = random.pick(load.authors);
    const topic = random.pick(load.topics);
    const payload = random.bytes(load.byteCount(random));
    world.at(startMs + share * load.durationMs, () => world.submit(author, topic, payload));
  }
}
