import type { EntryStore, GossipEvent, Topic } from '@icn/gossip';
import { NodeError } from './errors.js';
import type { SavedSet } from './saved-set.js';
import { TopicFeed } from './topic-feed.js';

export interface FollowedTopicsPorts {
  readonly store: EntryStore;
  /** Topics that were left: their entries stay in the store, and a restart does not follow them again. */
  readonly left: SavedSet<Topic>;
  readonly tell: (event: GossipEvent) => void;
  /** Resolves when what the machine ordered until now is in the store. */
  readonly written: () => Promise<void>;
}

/** The topics that this node follows: reads each from the store once, then has the machine join it. */
export class FollowedTopics {
  readonly #ports: FollowedTopicsPorts;
  readonly #feeds = new Map<Topic, TopicFeed>();
  readonly #following = new Map<Topic, Promise<void>>();
  /** Leavings under way: who follows the topic again waits for them. */
  readonly #leaving = new Map<Topic, Promise<void>>();
  #isEnded = false;

  constructor(ports: FollowedTopicsPorts) {
    this.#ports = ports;
  }

  /** What to follow after a start: what is asked for, and all that has entries and was not left. */
  async atStart(asked: readonly Topic[]): Promise<readonly Topic[]> {
    const stored = await this.#ports.store.topics();
    return [...new Set([...asked, ...stored.filter((topic) => !this.#ports.left.has(topic))])];
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

  /** Follows the topic no more, across restarts, until `follow`. Its entries stay; its readers end. */
  async leave(topic: Topic): Promise<void> {
    const following = this.#following.get(topic);
    if (following === undefined) throw new NodeError('request-refused', `this node does not follow ${topic}`);
    await following;
    this.#following.delete(topic);
    const leaving = this.#leave(topic);
    this.#leaving.set(topic, leaving);
    try {
      await leaving;
    } finally {
      this.#leaving.delete(topic);
    }
  }

  has(topic: Topic): boolean {
    return this.#following.has(topic);
  }

  feed(topic: Topic): TopicFeed {
    let feed = this.#feeds.get(topic);
    if (feed === undefined) this.#feeds.set(topic, (feed = new TopicFeed(topic, this.#ports.store)));
    return feed;
  }

  /** Lets all readers come to their end; resolves when nothing here uses the store any more. */
  async end(): Promise<void> {
    this.#isEnded = true;
    const ended = [...this.#feeds.values()].map((feed) => feed.end());
    await Promise.allSettled([...ended, ...this.#following.values(), ...this.#leaving.values()]);
  }

  async #follow(topic: Topic): Promise<void> {
    await this.#leaving.get(topic);
    this.#assertOpen();
    await this.#ports.left.delete(topic);
    const feed = this.feed(topic);
    for await (const entries of this.#ports.store.headers(topic)) {
      this.#assertOpen();
      this.#ports.tell({ type: 'restored', topic, entries });
      feed.advance(entries.findLast(({ position }) => position !== undefined)?.position ?? 0);
    }
    this.#ports.tell({ type: 'joined', topic, access: { type: 'Public' } });
  }

  /** What the machine has ordered is written first, so that who follows again reads all of it, once. */
  async #leave(topic: Topic): Promise<void> {
    await this.#ports.left.add(topic);
    this.#ports.tell({ type: 'left', topic });
    await this.#ports.written();
    const feed = this.#feeds.get(topic);
    this.#feeds.delete(topic);
    await feed?.end();
  }

  #assertOpen(): void {
    if (this.#isEnded)
      throw new NodeError('node-closed', 'the node is closed: open it again to follow topics');
  }
}
