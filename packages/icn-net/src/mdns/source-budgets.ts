import { TokenBucket, type BucketLimits } from '../token-bucket.js';

/**
 * How much one source may make us do, and all of them together. Packets are counted by bytes, because a full one names a
 * hundred services and takes a hundred times as long as a small one: up to 9 ms for 9,000 bytes, so that a flood costs an
 * eighth of a core. All guesses: a group of 300 nodes sends some 8 KiB a second, and 1 MiB while all of it starts, on one
 * machine from one source.
 */
const bytesOfSource: BucketLimits = { burst: 1_048_576, perSecond: 65_536 };
const bytesOfAll: BucketLimits = { burst: 2_097_152, perSecond: 131_072 };
/** What an empty packet costs. Guess. */
const packetBytesMin = 128;
const newsOfSource: BucketLimits = { burst: 512, perSecond: 16 };
const newsOfAll: BucketLimits = { burst: 1_024, perSecond: 32 };
/** Sources that are told apart; with more, the one longest silent begins anew. Guess. */
const sourcesMax = 256;

interface Budget {
  readonly bytes: TokenBucket;
  readonly news: TokenBucket;
}

/** Bounds the packets that are read and the news that are passed on, by source address and in all. */
export class SourceBudgets {
  readonly #all: Budget;
  /** The one heard last is the last. */
  readonly #bySource = new Map<string, Budget>();

  constructor(nowMs: number) {
    this.#all = { bytes: new TokenBucket(bytesOfAll, nowMs), news: new TokenBucket(newsOfAll, nowMs) };
  }

  /** Whether a packet of this source is to be read. */
  takePacket(source: string, length: number, nowMs: number): boolean {
    const cost = Math.max(length, packetBytesMin);
    return this.#of(source, nowMs).bytes.take(nowMs, cost) && this.#all.bytes.take(nowMs, cost);
  }

  /** Whether a claim that says something new is to be believed in. */
  takeNews(source: string, nowMs: number): boolean {
    return this.#of(source, nowMs).news.take(nowMs) && this.#all.news.take(nowMs);
  }

  #of(source: string, nowMs: number): Budget {
    const budget = this.#bySource.get(source) ?? {
      bytes: new TokenBucket(bytesOfSource, nowMs),
      news: new TokenBucket(newsOfSource, nowMs),
    };
    this.#bySource.delete(source);
    this.#bySource.set(source, budget);
    const [oldest] = this.#bySource.keys();
    if (this.#bySource.size > sourcesMax && oldest !== undefined) this.#bySource.delete(oldest);
    return budget;
  }
}
