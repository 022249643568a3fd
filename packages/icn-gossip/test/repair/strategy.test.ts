import { describe, expect, it } from '@jest/globals';
import type { Reconcile } from '../../src/topic/topic-context.js';
import { symbolsFor } from '../../src/repair/sketch.js';
import { planFor, type Situation } from '../../src/repair/strategy.js';

/** Linked heads and entries held; nothing is parked. */
const holding = (heads: number, held: number) => ({ heads, held, parked: 0 });

function plan(
  teller: readonly [heads: number, held: number],
  learner: readonly [heads: number, held: number],
  changes: Partial<Situation> = {},
) {
  return planFor({
    reconcile: 'auto',
    teller: holding(...teller),
    learner: holding(...learner),
    changedCount: undefined,
    canSketch: true,
    ...changes,
  });
}

describe('the strategy', () => {
  it.each<[string, ReturnType<typeof plan>, string]>([
    ['a few heads: all of them', plan([6, 10_000], [6, 9_000]), 'clock'],
    ['an empty topic meets few heads', plan([5, 10], [0, 0]), 'clock'],
    [
      'an empty topic meets many heads: hashes are shorter than names',
      plan([10_000, 10_000], [0, 0]),
      'sketch',
    ],
    ['many heads, one entry fewer', plan([10_000, 10_000], [10_000, 9_999]), 'sketch'],
    ['many heads, as many entries', plan([10_000, 10_000], [10_000, 10_000]), 'sketch'],
    ['64 heads, one entry fewer', plan([64, 10_000], [64, 9_999]), 'sketch'],
    ['64 heads, most of them changed', plan([64, 10_000], [64, 9_000]), 'sketch'],
    ['new authors by the hundred', plan([10_100, 10_100], [10_000, 10_000]), 'sketch'],
    [
      'many heads, but it is known which few changed',
      plan([10_000, 10_003], [10_000, 10_000], { changedCount: 2 }),
      'clock',
    ],
    [
      'so many changed that a sketch of the difference is shorter',
      plan([10_000, 10_001], [10_000, 10_000], { changedCount: 9_000 }),
      'sketch',
    ],
    ['a peer that knows no sketches', plan([10_000, 10_000], [10_000, 9_999], { canSketch: false }), 'clock'],
  ])('for %s', (_, { type }, expected) => {
    expect(type).toBe(expected);
  });

  it.each<[Reconcile, string]>([
    ['clock', 'clock'],
    ['bloom', 'clock'],
    ['sketch', 'sketch'],
  ])('is as configured: %s', (reconcile, type) => {
    expect(plan([10_000, 10_000], [10_000, 9_999], { reconcile }).type).toBe(type);
    expect(plan([3, 10], [3, 9], { reconcile }).type).toBe(type);
  });

  it('is the clock, whatever is configured, with a peer that knows no sketches', () => {
    expect(plan([10_000, 10_000], [0, 0], { reconcile: 'sketch', canSketch: false }).type).toBe('clock');
  });

  it('asks for symbols by the counts: so many logs more, and so many that the entries may have touched', () => {
    expect(plan([10_000, 10_000], [10_000, 9_990]).symbolCount).toBe(symbolsFor(0, 10));
    expect(plan([10_100, 10_100], [10_000, 10_000]).symbolCount).toBe(symbolsFor(100, 0));
    expect(plan([64, 10_000], [64, 9_000]).symbolCount).toBe(symbolsFor(0, 64));
    expect(plan([10_000, 10_000], [10_000, 10_000]).symbolCount).toBe(symbolsFor(0, 1));
  });

  it('is the shorter of both by its own reckoning, which it tells', () => {
    for (const heads of [8, 64, 500, 10_000]) {
      for (const difference of [0, 1, 10, 100, 1_000]) {
        const { why } = plan([heads, 20_000], [heads, 20_000 - difference]);
        const [, chosen, other] = /^about (\d+) bytes for .*, (\d+) for /.exec(why)!;
        if (heads > 13) expect(Number(chosen)).toBeLessThanOrEqual(Math.max(1_024, Number(other)));
      }
    }
  });
});
