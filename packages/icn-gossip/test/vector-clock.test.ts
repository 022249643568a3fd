import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { VectorClock, type ClockOrder } from '../src/topic/vector-clock.js';
import { did } from './fixtures.js';

const counts = fc.array(fc.tuple(fc.constantFrom(did(1), did(2), did(3)), fc.nat({ max: 3 })), {
  maxLength: 3,
});
const clock = counts.map((rows) => new VectorClock(rows));
const CONVERSE: Record<ClockOrder, ClockOrder> = {
  before: 'after',
  after: 'before',
  equal: 'equal',
  concurrent: 'concurrent',
};

function merged(...clocks: readonly VectorClock[]): VectorClock {
  const result = new VectorClock();
  for (const other of clocks) result.merge(other);
  return result;
}

function isAtMost(a: VectorClock, b: VectorClock): boolean {
  return ['before', 'equal'].includes(a.compare(b));
}

describe('VectorClock', () => {
  it('counts events: increment returns the number of the event', () => {
    const mine = new VectorClock();
    expect([mine.increment(did(1)), mine.increment(did(1)), mine.increment(did(2))]).toEqual([1, 2, 1]);
    expect([mine.get(did(1)), mine.get(did(2)), mine.get(did(3))]).toEqual([2, 1, 0]);
  });

  it('increment makes a clock later than it was', () => {
    fc.assert(
      fc.property(clock, (a) => {
        const before = merged(a);
        a.increment(did(1));
        expect(before.compare(a)).toBe('before');
      }),
    );
  });

  it('merge is commutative, associative and idempotent', () => {
    fc.assert(
      fc.property(clock, clock, clock, (a, b, c) => {
        expect(merged(a, b).compare(merged(b, a))).toBe('equal');
        expect(merged(merged(a, b), c).compare(merged(a, merged(b, c)))).toBe('equal');
        expect(merged(a, a).compare(a)).toBe('equal');
      }),
    );
  });

  it('delta is what one clock has to be told to know all of another, and no component more', () => {
    fc.assert(
      fc.property(clock, clock, (a, b) => {
        const delta = a.delta(b);
        expect(merged(b, delta).compare(merged(a, b))).toBe('equal');
        for (const [author, count] of delta) expect(count).toBeGreaterThan(b.get(author));
        if (isAtMost(a, b)) expect([...delta]).toEqual([]);
      }),
    );
  });

  it('merge gives the least clock that is not before either', () => {
    fc.assert(
      fc.property(clock, clock, clock, (a, b, c) => {
        expect(isAtMost(a, merged(a, b)) && isAtMost(b, merged(a, b))).toBe(true);
        if (isAtMost(a, c) && isAtMost(b, c)) expect(isAtMost(merged(a, b), c)).toBe(true);
      }),
    );
  });

  it('compare is a partial order', () => {
    fc.assert(
      fc.property(clock, clock, clock, (a, b, c) => {
        expect(a.compare(a)).toBe('equal');
        expect(b.compare(a)).toBe(CONVERSE[a.compare(b)]);
        if (isAtMost(a, b) && isAtMost(b, c)) expect(isAtMost(a, c)).toBe(true);
      }),
    );
  });

  it('takes an author who counts 0 for one who is not named', () => {
    expect(new VectorClock([[did(1), 0]]).compare(new VectorClock())).toBe('equal');
    expect([...new VectorClock([[did(1), 0]])]).toEqual([]);
  });

  it('tells concurrent histories from ordered ones', () => {
    const a = new VectorClock([[did(1), 1]]);
    const b = new VectorClock([[did(2), 1]]);
    expect(a.compare(b)).toBe('concurrent');
    expect(a.compare(merged(a, b))).toBe('before');
  });

  it.each([-1, 1.5, Number.NaN, 2 ** 53])('refuses %d as a count', (count) => {
    expect(() => new VectorClock([[did(1), count]])).toThrow(RangeError);
  });

  it('stops at the last number that is one', () => {
    const full = new VectorClock([[did(1), Number.MAX_SAFE_INTEGER]]);
    expect(() => full.increment(did(1))).toThrow(RangeError);
    expect(full.get(did(1))).toBe(Number.MAX_SAFE_INTEGER);
  });
});
