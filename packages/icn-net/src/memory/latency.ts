import type { Did } from '@icn/identity';

/** How long the next message from one node to another takes, in milliseconds; asked for each message. */
export type Latency = (from: Did, to: Did) => number;

/** Numbers from 0 up to but not 1; `Math.random` is one such. */
export type Random = () => number;

/** The same numbers for the same seed, on every machine: mulberry32, which is good enough for delays and choices. */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Every delay from `minMs` to `maxMs` is as likely as any other. */
export function uniformLatency(minMs: number, maxMs: number, random: Random): Latency {
  return () => minMs + (maxMs - minMs) * random();
}

/**
 * Log-normal: half of the delays are below `medianMs`, and a few are far above, as on the internet. With the default spread
 * one in a hundred is above 3.2 times the median.
 */
export function longTailLatency(medianMs: number, random: Random, spread = 0.5): Latency {
  return () => medianMs * Math.exp(spread * normal(random));
}

/** Delays of exponential distribution around a mean, which is how long one waits for what has no memory. */
export function exponential(meanMs: number, random: Random): number {
  return -Math.log(1 - random()) * meanMs;
}

/** The Box–Muller transform. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
