import type { SeededRandom } from './seeded-random.js';

/** How long something takes, in milliseconds. */
export type Distribution =
  | { readonly type: 'fixed'; readonly ms: number }
  | { readonly type: 'uniform'; readonly minMs: number; readonly maxMs: number }
  /** Most near the median, a few far above it, as round trips on the internet are; `sigma` is that of the logarithm. */
  | { readonly type: 'lognormal'; readonly medianMs: number; readonly sigma: number };

/** Takes no time. */
export const AT_ONCE: Distribution = { type: 'fixed', ms: 0 };

/** One time of a distribution; a fixed one draws nothing. */
export function drawMs(distribution: Distribution, random: SeededRandom): number {
  switch (distribution.type) {
    case 'fixed':
      return distribution.ms;
    case 'uniform':
      return random.between(distribution.minMs, distribution.maxMs);
    case 'lognormal':
      return distribution.medianMs * Math.exp(distribution.sigma * random.normal());
  }
}
