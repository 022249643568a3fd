import { equalBytes, type Did } from '@icn/identity';
import type { TokenBucket } from '../bounds/token-bucket.js';
import type { TopicState } from '../topic/topic-state.js';
import type { PeerMemory } from './peer-memory.js';

/** What is known of one follower. */
export interface Follower {
  /** The root that it last said is its own. */
  root: Uint8Array | undefined;
  /** Which slice of the id space its next filter covers. */
  filterTurn: number;
  /** How many of its messages are looked at. */
  readonly bucket: TokenBucket;
}

/** The peers that follow a topic, with the root that each said last. */
export class Followers {
  readonly #state: TopicState;
  readonly #memory: PeerMemory;
  readonly #followers = new Map<Did, Follower>();

  constructor(state: TopicState, memory: PeerMemory) {
    this.#state = state;
    this.#memory = memory;
  }

  get(peer: Did): Follower | undefined {
    return this.#followers.get(peer);
  }

  add(peer: Did, bucket: TokenBucket): void {
    this.#followers.set(peer, { root: undefined, filterTurn: 0, bucket });
  }

  delete(peer: Did): void {
    this.#followers.delete(peer);
  }

  all(): readonly Did[] {
    return [...this.#followers.keys()];
  }

  /** Those whose last root is ours now, or those whose is not. */
  inSync(isInSync: boolean): readonly Did[] {
    const those = [...this.#followers].filter(([, { root }]) => this.isOurs(root) === isInSync);
    return those.map(([peer]) => peer);
  }

  /** The peer's root is ours now. */
  confirmEqual(peer: Did): void {
    const follower = this.#followers.get(peer);
    if (follower === undefined) return;
    const { root, version } = this.#state;
    follower.root = root;
    this.#memory.agreed(peer, { root, version });
  }

  /** Whether a root that somebody said is that of what is held here now. */
  isOurs(root: Uint8Array | undefined): boolean {
    return root !== undefined && equalBytes(root, this.#state.root);
  }
}
