import { NodeError } from './errors.js';
import type { TopicFeed } from './topic-feed.js';
import type { TopicConsumer } from './topic.js';

/** Consumers that one topic keeps the place of. Guess: each is a program of the operator's. */
const CONSUMERS_MAX = 64;

/** Throws NodeError `consumer-invalid`. */
export function parseConsumerName(name: string): string {
  if (typeof name === 'string' && /^[a-z0-9][a-z0-9._-]{0,63}$/.test(name)) return name;
  const message = `not a name of a consumer: ${JSON.stringify(name)}; use 1 to 64 of a-z, 0-9, '.', '_', '-', a letter or digit first`;
  throw new NodeError('consumer-invalid', message);
}

/** Opens consumers, whose places the store keeps. */
export class Consumers {
  /** One opening after another, so that each finds the number of them true. */
  #opening: Promise<unknown> = Promise.resolve();

  /** Throws as `TopicHandle.consumer` does. */
  open(feed: TopicFeed, consumerName: string): Promise<TopicConsumer> {
    const opened = this.#opening.then(() => openConsumer(feed, parseConsumerName(consumerName)));
    this.#opening = opened.catch(() => undefined);
    return opened;
  }
}

async function openConsumer(feed: TopicFeed, name: string): Promise<TopicConsumer> {
  const { topic } = feed;
  const cursors = await feed.use((store) => store.cursors(topic));
  let committed = cursors.get(name) ?? 0;
  if (!cursors.has(name)) {
    if (cursors.size >= CONSUMERS_MAX) throw full(topic);
    await feed.use((store) => store.commit(topic, name, 0));
  }
  return {
    topic,
    name,
    get position() {
      return committed;
    },
    items: (options = {}) => feed.read({ ...options, from: committed + 1 }),
    async commit(position) {
      if (!Number.isSafeInteger(position) || position < 0 || position > feed.lastPosition)
        throw new RangeError(`nothing was delivered at position ${position} of ${topic} yet`);
      await feed.use((store) => store.commit(topic, name, position));
      committed = Math.max(committed, position);
    },
    async forget() {
      await feed.use((store) => store.forget(topic, name));
      committed = 0;
    },
  };
}

function full(topic: string): NodeError {
  const advice = 'forget one that is not used any more';
  return new NodeError('consumers-full', `${topic} has ${CONSUMERS_MAX} consumers, its limit: ${advice}`);
}
