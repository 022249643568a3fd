import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Deadlines } from '../src/bounds/deadlines.js';
import { TokenBucket } from '../src/bounds/token-bucket.js';

describe('Deadlines', () => {
  it('knows the earliest time and what is due, after any changes', () => {
    const change = fc.tuple(fc.nat(9), fc.option(fc.nat(100), { nil: undefined }));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 300 }), fc.nat(100), (changes, nowMs) => {
        const deadlines = new Deadlines<number>();
        const model = new Map<number, number>();
        for (const [key, atMs] of changes) {
          deadlines.set(key, atMs);
          if (atMs === undefined) model.delete(key);
          else model.set(key, atMs);
          expect(deadlines.earliestMs).toBe(model.size === 0 ? undefined : Math.min(...model.values()));
        }
        const due = [...model].filter(([, atMs]) => atMs <= nowMs).map(([key]) => key);
        expect(deadlines.takeDue(nowMs).toSorted((a, b) => a - b)).toEqual(due.toSorted((a, b) => a - b));
        expect(deadlines.takeDue(nowMs)).toEqual([]);
        const later = [...model.values()].filter((atMs) => atMs > nowMs);
        expect(deadlines.earliestMs).toBe(later.length === 0 ? undefined : Math.min(...later));
      }),
    );
  });
});

describe('TokenBucket', () => {
  it('lets through a burst, then so many a second, and has what costs more paid afterwards', () => {
    const bucket = new TokenBucket(3, 2, 0);
    expect([1, 1, 1, 1].map((count) => bucket.take(count, 0))).toEqual([true, true, true, false]);
    expect([bucket.take(1, 499), bucket.take(1, 500), bucket.take(1, 500)]).toEqual([false, true, false]);
    expect([bucket.take(5, 1_000), bucket.take(1, 3_000), bucket.take(1, 3_500)]).toEqual([
      true,
      false,
      true,
    ]);
    expect([1, 1, 1, 1].map((count) => bucket.take(count, 99_999))).toEqual([true, true, true, false]);
  });
});
