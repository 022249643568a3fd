import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  codedSymbols,
  SketchDecoder,
  SYMBOL_BYTES,
  symbolsFor,
  type SetDifference,
} from '../../src/repair/sketch.js';
import { seededNumbers } from '../fixtures.js';

/** Items are hashes: their bits are drawn, not chosen. */
const sets = fc
  .record({ seed: fc.nat(), ours: fc.nat(60), theirs: fc.nat(60), both: fc.nat(100) })
  .map(({ seed, ours, theirs, both }) => {
    const draw = seededNumbers(seed);
    const shared = drawItems(both, draw);
    return {
      ours: new Set([...shared, ...drawItems(ours, draw)]),
      theirs: new Set([...shared, ...drawItems(theirs, draw)]),
    };
  });

function differenceOf(ours: ReadonlySet<bigint>, theirs: ReadonlySet<bigint>) {
  return {
    ours: [...ours].filter((each) => !theirs.has(each)).toSorted(ascending),
    theirs: [...theirs].filter((each) => !ours.has(each)).toSorted(ascending),
  };
}

function sorted(difference: SetDifference | undefined): SetDifference | undefined {
  return (
    difference && {
      ours: difference.ours.toSorted(ascending),
      theirs: difference.theirs.toSorted(ascending),
    }
  );
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Asks for stretches of `stretch` symbols until the difference shows. */
function decode(ours: ReadonlySet<bigint>, theirs: Iterable<bigint>, stretch: number) {
  const decoder = new SketchDecoder(ours);
  for (;;) {
    const difference = decoder.add(codedSymbols(theirs, decoder.symbolCount, stretch));
    if (difference !== undefined) return { difference: sorted(difference), symbolCount: decoder.symbolCount };
    if (decoder.symbolCount > 1_000) throw new Error('it never shows');
  }
}

function drawItems(count: number, draw: () => number): bigint[] {
  const u32 = () => BigInt(Math.floor(draw() * 2 ** 32));
  return Array.from({ length: count }, () => (u32() << 32n) | u32() | 1n);
}

describe('a sketch', () => {
  it('shows exactly in what two sets differ, whatever the stretches', () => {
    fc.assert(
      fc.property(sets, fc.integer({ min: 1, max: 64 }), ({ ours, theirs }, stretch) => {
        expect(decode(ours, theirs, stretch).difference).toEqual(differenceOf(ours, theirs));
      }),
      { numRuns: 40 },
    );
  });

  it('is the same in one stretch and in many: symbol i does not depend on where a stretch begins', () => {
    const items = drawItems(50, seededNumbers(1));
    const whole = codedSymbols(items, 0, 300);
    for (const [first, count] of [
      [0, 1],
      [1, 7],
      [250, 50],
    ] as const)
      expect(codedSymbols(items, first, count)).toEqual(
        whole.slice(first * SYMBOL_BYTES, (first + count) * SYMBOL_BYTES),
      );
  });

  it('does not depend on the order of the items', () => {
    const items = drawItems(50, seededNumbers(2));
    expect(codedSymbols(items.toReversed(), 0, 40)).toEqual(codedSymbols(items, 0, 40));
  });

  it('of equal sets is seen by its first symbol, and so is that of two empty ones', () => {
    const items = new Set(drawItems(1_000, seededNumbers(3)));
    for (const set of [items, new Set<bigint>()]) {
      const decoder = new SketchDecoder(set);
      expect(decoder.add(codedSymbols(set, 0, 1))).toEqual({ ours: [], theirs: [] });
      expect(decoder.symbolCount).toBe(1);
    }
  });

  it('shows nothing before there is a symbol', () => {
    expect(new SketchDecoder(new Set()).add(new Uint8Array(0))).toBeUndefined();
    expect(new SketchDecoder(new Set([1n])).add(new Uint8Array(SYMBOL_BYTES - 1))).toBeUndefined();
  });

  it('of one that is empty shows all of the other', () => {
    const items = new Set(drawItems(20, seededNumbers(4)));
    expect(decode(items, [], 8).difference).toEqual({ ours: [...items].toSorted(ascending), theirs: [] });
    expect(decode(new Set(), items, 8).difference).toEqual({
      ours: [],
      theirs: [...items].toSorted(ascending),
    });
  });

  it('leaves out what is less than a symbol, and goes on after the last whole one', () => {
    const [shared, ...others] = drawItems(3, seededNumbers(7));
    const symbols = codedSymbols([shared!, ...others], 0, 20);
    const decoder = new SketchDecoder(new Set([shared!]));
    expect(decoder.add(symbols.slice(0, SYMBOL_BYTES + 5))).toBeUndefined();
    expect(decoder.symbolCount).toBe(1);
    expect(sorted(decoder.add(symbols.slice(SYMBOL_BYTES)))).toEqual({
      ours: [],
      theirs: others.toSorted(ascending),
    });
  });

  it('goes on where it was too short, without a symbol said twice', () => {
    const draw = seededNumbers(5);
    const [ours, theirs] = [new Set(drawItems(500, draw)), drawItems(300, draw)];
    const decoder = new SketchDecoder(ours);
    let byteCount = 0;
    for (let difference; difference === undefined;) {
      const symbols = codedSymbols(theirs, decoder.symbolCount, 100);
      byteCount += symbols.length;
      difference = decoder.add(symbols);
      if (difference === undefined) continue;
      expect([difference.ours.length, difference.theirs.length]).toEqual([500, 300]);
    }
    expect(byteCount).toBe(decoder.symbolCount * SYMBOL_BYTES);
    expect(decoder.symbolCount).toBeLessThan(2 * 800);
  });

  it('needs fewer symbols where items were replaced, for a pair gives itself away', () => {
    const counts = Array.from({ length: 9 }, (_, seed) => {
      const draw = seededNumbers(seed);
      const shared = drawItems(100, draw);
      const [ours, theirs] = [drawItems(40, draw), drawItems(40, draw)];
      return decode(new Set([...shared, ...ours]), [...shared, ...theirs], 4).symbolCount;
    });
    const median = counts.toSorted((a, b) => a - b)[4]!;
    expect(median).toBeLessThan(1.2 * 80); // 80 items that only one side has take about 1.4 × 80
  });
});

describe('symbolsFor', () => {
  /** The share of 200 sketches of so many differing items that show the difference at once. */
  function decodedShare(addedCount: number, replacedCount: number, sharedCount: number): number {
    let decodedCount = 0;
    for (let seed = 0; seed < 200; seed++) {
      const draw = seededNumbers(1_000 * addedCount + replacedCount + 7_919 * seed);
      const shared = drawItems(sharedCount, draw);
      const theirs = drawItems(addedCount + replacedCount, draw);
      const ours = new Set([...shared, ...drawItems(replacedCount, draw)]);
      const symbols = codedSymbols([...shared, ...theirs], 0, symbolsFor(addedCount, replacedCount));
      if (new SketchDecoder(ours).add(symbols) !== undefined) decodedCount++;
    }
    return decodedCount / 200;
  }

  it.each([
    [1, 0],
    [2, 0],
    [5, 0],
    [20, 0],
    [60, 0],
    [0, 1],
    [0, 2],
    [0, 5],
    [0, 20],
    [0, 30],
    [10, 10],
  ])('is enough for %d added and %d replaced items in 98 of 100 cases', (added, replaced) => {
    expect(decodedShare(added, replaced, 32)).toBeGreaterThanOrEqual(0.98);
  });

  it('is not enough for far more than it was asked for', () => {
    const draw = seededNumbers(9);
    const symbols = codedSymbols(drawItems(100, draw), 0, symbolsFor(10, 0));
    expect(new SketchDecoder(new Set()).add(symbols)).toBeUndefined();
  });

  it('grows with the difference, and is nothing for none', () => {
    expect(symbolsFor(0, 0)).toBe(0);
    for (let count = 0; count < 1_000; count++) {
      expect(symbolsFor(count + 1, 0)).toBeGreaterThan(symbolsFor(count, 0));
      expect(symbolsFor(0, count + 1)).toBeGreaterThan(symbolsFor(0, count));
    }
  });
});

describe('hostile symbols', () => {
  it('neither throw nor end in a difference larger than the sketch', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { maxLength: 50 }),
        fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 4 }),
        (own, stretches) => {
          const decoder = new SketchDecoder(new Set(own));
          for (const symbols of stretches) {
            const difference = decoder.add(symbols);
            const { ours = [], theirs = [] } = difference ?? {};
            expect(ours.length + theirs.length).toBeLessThanOrEqual(decoder.symbolCount);
            for (const each of ours) expect(own).toContain(each);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each<[string, (symbols: Uint8Array) => void]>([
    ['one bit of which is another', (symbols) => (symbols[5]! ^= 1)],
    ['of which one is repeated', (symbols) => symbols.copyWithin(12, 0, 12)],
    ['that begin with nothing', (symbols) => symbols.fill(0, 0, 12)],
    [
      'that are all the same item',
      (symbols) => symbols.set(repeated(codedSymbols([7n], 0, 1), symbols.length)),
    ],
  ])('%s show something else or nothing, and end', (_, spoil) => {
    for (let seed = 0; seed < 10; seed++) {
      const draw = seededNumbers(seed);
      const [own, theirs] = [drawItems(1_000, draw), drawItems(30, draw)];
      const symbols = codedSymbols([...own, ...theirs], 0, 80);
      spoil(symbols);
      const decoder = new SketchDecoder(new Set(own));
      const difference = decoder.add(symbols);
      expect((difference?.ours.length ?? 0) + (difference?.theirs.length ?? 0)).toBeLessThanOrEqual(80);
      decoder.add(codedSymbols(theirs, 80, 80)); // and so for what comes after
    }
  });

  it('a stretch from the last number there is ends', () => {
    const items = drawItems(100, seededNumbers(6));
    expect(codedSymbols(items, Number.MAX_SAFE_INTEGER, 10)).toHaveLength(10 * SYMBOL_BYTES);
  });
});

function repeated(bytes: Uint8Array, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => bytes[index % bytes.length]!);
}
