import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { EntryLinks } from '../../src/entry/entry-header.js';
import { HaveSet } from '../../src/topic/have-set.js';
import { closingByDefinition, linksOf, LogNode, treeOf } from './log-node.js';

const chain = treeOf(Array.from({ length: 60 }, (_, index) => (index === 0 ? undefined : index - 1)));
const someOfChain = fc.shuffledSubarray(chain);

function filled(entries: readonly EntryLinks[]): HaveSet {
  const held = new HaveSet();
  for (const entry of entries) held.insert(entry);
  return held;
}

describe('holes', () => {
  it('are exactly the seqs that are not held, up to what is asked for', () => {
    fc.assert(
      fc.property(someOfChain, fc.nat({ max: 70 }), (entries, to) => {
        const held = filled(entries);
        const seqs = new Set(entries.map(({ name }) => name.seq));
        const missing = Array.from({ length: to }, (_, index) => index + 1).filter((seq) => !seqs.has(seq));
        const holes = held.holes(to);
        const named = holes.flatMap(({ from, to: last }) =>
          Array.from({ length: last - from + 1 }, (_, index) => from + index),
        );
        expect(named).toEqual(missing);
        for (const [index, { from }] of holes.entries())
          if (index > 0) expect(from).toBeGreaterThan(holes[index - 1]!.to + 1);
      }),
    );
  });

  it('are none where all is linked, and reach up to what is asked for', () => {
    const held = filled(chain.slice(0, 5));
    expect([held.holes(0), held.holes(5), held.holes(7)]).toEqual([[], [], [{ from: 6, to: 7 }]]);
    expect(new HaveSet().holes(2)).toEqual([{ from: 1, to: 2 }]);
  });

  it('are none at and above a seq that one branch fills, nor from where the log is closed', () => {
    const held = filled([...chain.slice(0, 3), linksOf(900, 5, linksOf(901, 4, undefined))]);
    expect(held.holes(6)).toEqual([
      { from: 4, to: 4 },
      { from: 6, to: 6 },
    ]);
    const node = new LogNode();
    for (let index = 0; index < 9; index++) node.take(linksOf(100 + index, 9, linksOf(999, 8, undefined)));
    const { author, lane } = chain[0]!.name;
    expect(node.state.holes(author, lane, 50)).toEqual([{ from: 1, to: 8 }]);
  });

  it('are found at once below a seq that nobody could ever fill', () => {
    const held = filled([linksOf(1, Number.MAX_SAFE_INTEGER, linksOf(2, 3, undefined))]);
    expect(held.holes(Number.MAX_SAFE_INTEGER)).toEqual([{ from: 1, to: Number.MAX_SAFE_INTEGER - 1 }]);
  });
});

describe('what is held', () => {
  it('has a top that is linked or parked, and parked entries by id', () => {
    fc.assert(
      fc.property(someOfChain, (entries) => {
        const held = filled(entries);
        const top = entries.reduce<EntryLinks | undefined>(
          (best, entry) => (best === undefined || entry.name.seq > best.name.seq ? entry : best),
          undefined,
        );
        expect([held.topSeq, held.topId]).toEqual([top?.name.seq ?? 0, top?.name.id]);
        for (const entry of entries)
          expect(held.parked(entry.name.id)).toBe(held.isLinked(entry.name.id) ? undefined : entry);
        const parked = entries.filter(({ name }) => !held.isLinked(name.id));
        expect([...held.parkedEntries()]).toEqual(parked.toSorted((a, b) => a.name.seq - b.name.seq));
      }),
    );
  });

  it('knows its forks as the definition does, linked or parked, in any order', () => {
    const arrivals = fc
      .array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 25, size: 'max' })
      .map((backs) =>
        treeOf(
          backs.map((back, index) => (index === 0 || back === 9 ? undefined : Math.max(0, index - 1 - back))),
        ),
      )
      .chain((entries) => fc.shuffledSubarray(entries));
    fc.assert(
      fc.property(arrivals, (entries) => {
        const { forks } = filled(entries);
        const countAt = new Map<string, number>();
        for (const { name, prev } of entries) {
          const key = `${name.seq} ${prev}`;
          countAt.set(key, (countAt.get(key) ?? 0) + 1);
        }
        const extraCount = [...countAt.values()].reduce((sum, count) => sum + count - 1, 0);
        expect(forks?.extraCount ?? 0).toBe(extraCount);
        expect(forks?.closesFrom).toBe(closingByDefinition(entries));
        const siblings = entries.filter(({ name, prev }) => countAt.get(`${name.seq} ${prev}`)! > 1);
        expect(new Set(forks?.ids ?? [])).toEqual(new Set(siblings.map(({ name }) => name.id)));
      }),
      { numRuns: 300 },
    );
  });
});

describe('parked entries', () => {
  it('are bounded, and those nearest to the hole stay, in any order of arrival', () => {
    const above = chain.slice(2);
    fc.assert(
      fc.property(fc.shuffledSubarray(above, { minLength: above.length }), (arrival) => {
        const node = new LogNode({ parkedPerLogMax: 7 });
        const refusals = arrival.map((entry) => node.take(entry));
        const seqs = [...node.state.log(chain[0]!.name.author, 0)!.parkedEntries()].map(
          ({ name }) => name.seq,
        );
        expect(seqs).toEqual([3, 4, 5, 6, 7, 8, 9]);
        expect(new Set(refusals)).toEqual(new Set([undefined, 'parked-full']));
      }),
    );
  });

  it('never stand in the way of what links', () => {
    const node = new LogNode({ parkedPerLogMax: 3 });
    for (const entry of chain.slice(10, 13)) expect(node.take(entry)).toBeUndefined();
    expect(node.take(chain[20]!)).toBe('parked-full');
    expect(node.take(chain[5]!)).toBeUndefined();
    expect(node.state.takeNews().evictedCount).toBe(0); // the node took the news itself
    for (const entry of chain.slice(0, 5)) expect(node.take(entry)).toBeUndefined();
    expect(node.state.entryCount).toBe(6);
    expect(node.state.parkedCount).toBe(2);
    for (const entry of chain) node.take(entry);
    expect(node.state.entryCount).toBe(60);
    expect(node.told).toEqual(chain);
  });

  it('count once each towards what a topic may hold, though they made room: the disk keeps them', () => {
    const node = new LogNode({ parkedPerLogMax: 2, entriesPerTopicMax: 10 });
    for (const entry of chain.slice(20, 40).toReversed()) node.take(entry);
    expect([node.stored.size, node.state.isFull, node.state.parkedCount]).toEqual([10, true, 2]);
  });

  it('link a long run in no more than linear time', () => {
    const long = treeOf(Array.from({ length: 20_000 }, (_, index) => (index === 0 ? undefined : index - 1)));
    const held = filled(long.slice(1));
    const startMs = performance.now();
    expect(held.insert(long[0]!)).toHaveLength(20_000);
    expect(performance.now() - startMs).toBeLessThan(2_000);
    expect([held.parkedCount, held.topSeq, held.holes(0)]).toEqual([0, 20_000, []]);
  });
});
