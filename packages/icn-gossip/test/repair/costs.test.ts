import { describe, expect, it } from '@jest/globals';
import type { VerifiedEntry } from '../../src/entry/entry.js';
import { keyPair, logOf, seededNumbers } from '../fixtures.js';
import { costOf, exchange, Side } from '../side.js';

// What bench/reconcile.mjs measures for 10,000 entries, here for 1,000: bytes of frames without the entries in them,
// from the question to equal roots. Deterministic, so a change of these numbers is a change of the protocol.

const ENTRY_COUNT = 1_000;
const DIFFERENCES = [0, 1, 10, 100];
/** Most bytes for each difference. */
const CEILINGS: readonly (readonly [
  authorCount: number,
  kind: 'newest' | 'holes',
  bytes: readonly number[],
])[] = [
  [16, 'newest', [100, 300, 1_200, 1_600]],
  [16, 'holes', [100, 250, 1_000, 2_500]],
  [1_000, 'newest', [100, 250, 800, 3_500]],
  [1_000, 'holes', [100, 250, 800, 3_500]],
];

const entriesOf = new Map<number, readonly VerifiedEntry[]>();

function entriesBy(authorCount: number): readonly VerifiedEntry[] {
  const known = entriesOf.get(authorCount);
  if (known !== undefined) return known;
  const perAuthor = Math.ceil(ENTRY_COUNT / authorCount);
  const logs = Array.from({ length: authorCount }, (_, index) => logOf(keyPair(10_000 + index), perAuthor));
  const turns = Array.from({ length: perAuthor }, (_, turn) => logs.map((log) => log[turn]!));
  const entries = turns.flat().slice(0, ENTRY_COUNT);
  entriesOf.set(authorCount, entries);
  return entries;
}

function lacking(kind: 'newest' | 'holes', count: number): Set<number> {
  if (kind === 'newest') return new Set(Array.from({ length: count }, (_, index) => ENTRY_COUNT - 1 - index));
  const draw = seededNumbers(count);
  const lacked = new Set<number>();
  while (lacked.size < count) lacked.add(Math.floor(draw() * ENTRY_COUNT));
  return lacked;
}

describe.each(CEILINGS)('%d authors, %s', (authorCount, kind, ceilings) => {
  const entries = entriesBy(authorCount);

  it.each(DIFFERENCES.map((difference, index) => [difference, ceilings[index]!]))(
    '%d entries missing cost at most %d bytes, 2 round trips to know and 3 to have',
    (difference, ceiling) => {
      const lacked = lacking(kind, difference);
      const behind = entries.filter((_, index) => !lacked.has(index));
      for (const isAskerBehind of [true, false]) {
        const [first, second] = isAskerBehind ? [behind, entries] : [entries, behind];
        const [a, b] = [new Side({ index: 1, entries: first }), new Side({ index: 2, entries: second })];
        const { bytes, moved, trips, tripsToKnow } = costOf(exchange(a, b));
        expect(a.root()).toBe(b.root());
        expect(moved.length).toBe(difference);
        expect(bytes).toBeLessThanOrEqual(ceiling);
        expect(tripsToKnow).toBeLessThanOrEqual(2);
        expect(trips).toBeLessThanOrEqual(3);
      }
    },
  );
});
