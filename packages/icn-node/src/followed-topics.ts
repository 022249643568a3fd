import type { EntryStore, GossipEvent, Topic } from '@icn/gossip';
import { NodeError } from './errors.js';
import { TopicFeed } from './topic.js';

/** The topics that this node follows: reads each from the store once, then has the machine join it. */
export class FollowedTopics {
  readonly #store: EntryStore;
  readonly #tell: (event: GossipEvent) => void;
  readonly #feeds = new Map<Topic, TopicFeed>();
  readonly #following = new Map<Topic, Promise<void>>();
  #isEnded = false;

  constructor(store: EntryStore, tell: (event: GossipEvent) => void) {
    this.#store = store;
    this.#tell = tell;
  }

  /**
   * Resolves when the topic is joined. Throws what the store or the machine throws, and NodeError `node-closed`
   * after `end`; a later call tries again.
   */
  follow(topic: Topic): Promise<void> {
    let following = this.#following.get(topic);
    if (following === undefined) {
      following = this.#follow(topic);
      this.#following.set(topic, following);
      following.catch(() => this.#following.delete(topic));
    }
    return following;
  }

  has(topic: Topic): boolean {
    return this.#following.has(topic);
  }

  feed(topic: Topic): TopicFeed {
    let feed = this.#feeds.get(topic);
    if (feed === undefined) this.#feeds.set(topic, (feed = new TopicFeed(topic, this.#store)));
    return feed;
  }

  /** Lets all readers come to their end; resolves when nothing here reads from the store any more. */
  async end(): Promise<void> {
    this.#isEnded = true;
    const ended = [...this.#feeds.values()].map((feed) => feed.end());
    await Promise.allSettled([...ended, ...this.#following.values()]);
  }

  async #follow(topic: Topic): Promise<void> {
    this.#assertOpen();
    const feed = this.feed(topic);
    for await (const entries of this.#store.headers(topic)) {
      this.#assertOpen();
      this.#tell({ type: 'restored', topic, entries });
      feed.advance(entries.findLast(({ position }) => position !== undefined)?.position ?? 0);
    }
    this.#tell({ type: 'joined', topic, access: { type: 'Public' } });
  }

  #assertOpen(): void {
    if (this.#isEnded)
      throw new NodeError('node-closed', 'the node is closed: open it again to follow topics');
  }
}
