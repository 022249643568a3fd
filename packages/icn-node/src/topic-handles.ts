import type { EntryStore, Topic } from '@icn/gossip';
import { Consumers } from './consumers.js';
import type { FollowedTopics } from './followed-topics.js';
import type { Publisher } from './publisher.js';
import type { Entry, Item, Published, TopicHandle } from './topic.js';

/** Makes the handles of a node's topics. Each follows its topic from the first use on. */
export class TopicHandles {
  readonly #topics: FollowedTopics;
  readonly #publisher: Publisher;
  readonly #consumers = new Consumers();

  constructor(topics: FollowedTopics, publisher: Publisher) {
    this.#topics = topics;
    this.#publisher = publisher;
  }

  of(topic: Topic): TopicHandle {
    const topics = this.#topics;
    const publisher = this.#publisher;
    const consumers = this.#consumers;
    const publishAll = async (payloads: readonly (Uint8Array | string)[]) => {
      const bytes = payloads.map(bytesOf);
      await topics.follow(topic);
      return bytes.length === 0 ? [] : publisher.publish(topic, bytes);
    };
    const feed = async () => {
      await topics.follow(topic);
      return topics.feed(topic);
    };
    return {
      topic,
      async publish(payload) {
        const [published] = await publishAll([payload]);
        return published as Published;
      },
      publishAll,
      async *entries(options) {
        yield* entriesOf((await feed()).read(options));
      },
      async *items(options) {
        yield* (await feed()).read(options);
      },
      async consumer(name) {
        return consumers.open(await feed(), name);
      },
      async consumers() {
        return (await feed()).use((store: EntryStore) => store.cursors(topic));
      },
    };
  }
}

function bytesOf(payload: Uint8Array | string): Uint8Array {
  const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
  if (!(bytes instanceof Uint8Array)) throw new TypeError('a payload is a text or a Uint8Array');
  return bytes;
}

async function* entriesOf(items: AsyncGenerator<Item, void>): AsyncGenerator<Entry, void> {
  for await (const item of items) if (item.type === 'entry') yield item;
}
