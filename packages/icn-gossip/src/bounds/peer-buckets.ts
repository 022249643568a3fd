import type { Did } from '@icn/identity';
import { TokenBucket } from './token-bucket.js';

/** Peers whose buckets are kept, also while they are away (guess: more than most nodes ever meet). */
const PEERS_MAX = 1_024;

/** A bucket for each peer, which outlasts its coming and going: that gains it nothing. */
export class PeerBuckets {
  readonly #capacity: number;
  readonly #perSecond: number;
  readonly #buckets = new Map<Did, TokenBucket>();

  constructor(capacity: number, perSecond: number) {
    this.#capacity = capacity;
    this.#perSecond = perSecond;
  }

  /** The peer's bucket, full where it is new or long forgotten. */
  of(peer: Did, nowMs: number): TokenBucket {
    const bucket = this.#buckets.get(peer) ?? new TokenBucket(this.#capacity, this.#perSecond, nowMs);
    this.#buckets.delete(peer);
    this.#buckets.set(peer, bucket);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > PEERS_MAX && oldest !== undefined) this.#buckets.delete(oldest);
    return bucket;
  }
}
