import { describe, expect, it } from '@jest/globals';
import { sha256, toHex } from '@icn/identity';
import fc from 'fast-check';
import { BloomFilter, isInSlice, sliceCountFor } from '../src/repair/bloom-filter.js';
import type { EntryId } from '../src/entry/entry-name.js';
import { text } from './fixtures.js';

function ids(count: number, label: string): EntryId[] {
  return Array.from({ length: count }, (_, index) => toHex(sha256(text(`${label}${index}`))) as EntryId);
}

function filterOf(held: readonly EntryId[], salt: bigint): BloomFilter {
  const filter = BloomFilter.withRoomFor(held.length, salt);
  for (const id of held) filter.add(id);
  return filter;
}

const SALTS = [0n, 1n, 0x0123_4567_89ab_cdefn, 2n ** 63n, 2n ** 64n - 1n];

describe('BloomFilter', () => {
  it('never denies an id that it holds', () => {
    const someIds = fc.array(
      fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => toHex(bytes) as EntryId),
      { maxLength: 50 },
    );
    fc.assert(
      fc.property(someIds, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (held, salt) => {
        const filter = filterOf(held, salt);
        expect(held.every((id) => filter.mayHave(id))).toBe(true);
        const received = new BloomFilter(salt, Uint8Array.from(filter.bytes));
        expect(held.every((id) => received.mayHave(id))).toBe(true);
      }),
    );
  });

  it('claims about 0.8 % of what it does not hold, under each salt and at each size', () => {
    const strangers = ids(5_000, 'stranger');
    for (const [count, salts] of [
      [1_000, SALTS],
      [20_000, SALTS.slice(2, 3)],
    ] as const) {
      const held = ids(count, 'held');
      for (const salt of salts) {
        const filter = filterOf(held, salt);
        const rate = strangers.filter((id) => filter.mayHave(id)).length / strangers.length;
        expect(rate).toBeGreaterThan(0.004);
        expect(rate).toBeLessThan(0.013);
      }
    }
  });

  it('shows under another salt what one salt hides', () => {
    const held = ids(1_000, 'held');
    const filters = SALTS.map((salt) => filterOf(held, salt));
    const hidden = ids(10_000, 'stranger').filter((id) => filters[0]!.mayHave(id));
    expect(hidden.length).toBeGreaterThan(20);
    expect(hidden.filter((id) => filters.every((filter) => filter.mayHave(id)))).toEqual([]);
  });

  it('is 10 bits an id, and never less than 8 bytes', () => {
    expect([0, 1, 6, 7, 100].map((count) => BloomFilter.withRoomFor(count, 0n).bytes.length)).toEqual([
      8, 8, 8, 9, 125,
    ]);
    expect(BloomFilter.withRoomFor(0, 0n).mayHave(ids(1, 'any')[0]!)).toBe(false);
  });

  it('does as it is told by any bytes of a peer, with parameters of our own', () => {
    const [id] = ids(1, 'any');
    expect(new BloomFilter(1n, Uint8Array.of(0xff)).mayHave(id!)).toBe(true);
    expect(new BloomFilter(1n, Uint8Array.of(0)).mayHave(id!)).toBe(false);
    expect(() => new BloomFilter(1n, new Uint8Array(0))).toThrow(RangeError);
  });
});

describe('slices', () => {
  it('partition the id space: each id is in exactly one', () => {
    const some = ids(500, 'any');
    for (const count of [1, 2, 3, 7, 16, 1_000]) {
      const found = some.map(
        (id) =>
          Array.from({ length: count }, (_, index) => isInSlice(id, { index, count })).filter(Boolean).length,
      );
      expect(new Set(found)).toEqual(new Set([1]));
    }
  });

  it('are enough to keep each filter within its ids', () => {
    expect([0, 1, 100, 101, 1_000].map((count) => sliceCountFor(count, 100))).toEqual([1, 1, 1, 2, 10]);
  });

  it('are about equal', () => {
    const some = ids(10_000, 'any');
    for (let index = 0; index < 5; index++) {
      const count = some.filter((id) => isInSlice(id, { index, count: 5 })).length;
      expect(count).toBeGreaterThan(1_800);
      expect(count).toBeLessThan(2_200);
    }
  });
});
