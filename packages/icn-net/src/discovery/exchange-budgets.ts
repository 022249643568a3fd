import type { Did } from '@icn/identity';
import { TokenBucket } from '../token-bucket.js';
import type { ExchangeLimits } from './exchange-limits.js';

/** What one peer may still cause, and what it was asked. */
export interface ExchangeBudget {
  readonly answers: TokenBucket;
  readonly candidates: TokenBucket;
  askedAtMs: number;
  /** Addresses that the request under way wants; 0 without one. */
  wanted: number;
}

/** The budgets of peers, connected or not; of too many the one that was used longest ago is forgotten. */
export class ExchangeBudgets {
  readonly #limits: ExchangeLimits;
  readonly #budgets = new Map<Did, ExchangeBudget>();

  constructor(limits: ExchangeLimits) {
    this.#limits = limits;
  }

  of(peer: Did, nowMs: number): ExchangeBudget {
    const budget = this.#budgets.get(peer) ?? {
      answers: new TokenBucket(this.#limits.answers, nowMs),
      candidates: new TokenBucket(this.#limits.candidatesOfPeer, nowMs),
      askedAtMs: -Infinity,
      wanted: 0,
    };
    this.#budgets.delete(peer);
    this.#budgets.set(peer, budget);
    const [oldest] = this.#budgets.keys();
    if (this.#budgets.size > this.#limits.budgetsMax && oldest !== undefined) this.#budgets.delete(oldest);
    return budget;
  }
}
