import { TokenBucket, type BucketLimits } from '../token-bucket.js';

/**
 * How much one source may make us do, and all of them together. Packets are counted by what they may cost to read, so that a
 * flood costs a fifth of a core. All guesses: a group of 300 nodes costs some 60 KiB a second, and 540 KiB at once when all
 * of it starts, on one machine from one source.
 */
const costOfSource: BucketLimits = { burst: 524_288, perSecond: 65_536 };
const costOfAll: BucketLimits = { burst: 1_048_576, perSecond: 131_072 };
/** What an empty packet costs. Guess. */
const packetCostMin = 128;
const newsOfSource: BucketLimits = { burst: 512, perSecond: 16 };
const newsOfAll: BucketLimits = { burst: 1_024, perSecond: 32 };
/** Sources that are told apart; with more, the one longest silent begins anew. Guess. */
const sourcesMax = 256;

interface Budget {
  readonly cost: TokenBucket;
  readonly news: TokenBucket;
}

/** Bounds the packets that are read and the news that are passed on, by source address and in all. */
export class SourceBudgets {
  readonly #all: Budget;
  /** The one heard last is the last. */
  readonly #bySource = new Map<string, Budget>();

  constructor(nowMs: number) {
    this.#all = { cost: new TokenBucket(costOfAll, nowMs), news: new TokenBucket(newsOfAll, nowMs) };
  }

  /** Whether a packet of this source is to be read. */
  takePacket(source: string, packetCost: number, nowMs: number): boolean {
    const cost = Math.max(packetCost, packetCostMin);
    return this.#of(source, nowMs).cost.take(nowMs, cost) && this.#all.cost.take(nowMs, cost);
  }

  /** Whether a claim that says something new is to be believed in. */
  takeNews(source: string, nowMs: number): boolean {
    return this.#of(source, nowMs).news.take(nowMs) && this.#all.news.take(nowMs);
  }

  #of(source: string, nowMs: number): Budget {
    const budget = this.#bySource.get(source) ?? {
      cost: new TokenBucket(costOfSource, nowMs),
      news: new TokenBucket(newsOfSource, nowMs),
    };
    this.#bySource.delete(source);
    this.#bySource.set(source, budget);
    const [oldest] = this.#bySource.keys();
    if (this.#bySource.size > sourcesMax && oldest !== undefined) this.#bySource.delete(oldest);
    return budget;
  }
}
