import type { EntryStore, GossipEvent, Topic } from '@icn/gossip';
import { TopicFeed } from './topic.js';

/** The topics that this node follows: reads each from the store once, then has the machine join it. */
export class FollowedTopics {
  readonly #store: EntryStore;
  readonly #tell: (event: GossipEvent) => void;
  readonly #feeds = new Map<Topic, TopicFeed>();
  readonly #following = new Map<Topic, Promise<void>>();

  constructor(store: EntryStore, tell: (event: GossipEvent) => void) {
    this.#store = store;
    this.#tell = tell;
  }

  /** Resolves when the topic is joined. Throws what the store or the machine throws; a later call tries again. */
  follow(topic: Topic): Promise<void> {
    let following = this.#following.get(topic);
    if (following === undefined) {
      following = this.#follow(topic);
      this.#following.set(topic, following);
      following.catch(() => this.#following.delete(topic));
    }
    return following;
  }

  feed(topic: Topic): TopicFeed {
    let feed = this.#feeds.get(topic);
    if (feed === undefined) this.#feeds.set(topic, (feed = new TopicFeed(topic, this.#store)));
    return feed;
  }

  /** Lets all readers come to their end. */
  end(): void {
    for (const feed of this.#feeds.values()) feed.end();
  }

  async #follow(topic: Topic): Promise<void> {
    const feed = this.feed(topic);
    for await (const entries of this.#store.headers(topic)) {
      this.#tell({ type: 'restored', topic, entries });
      feed.advance(entries.findLast(({ position }) => position !== undefined)?.position ?? 0);
    }
    this.#tell({ type: 'joined', topic, access: { type: 'Public' } });
  }
}
