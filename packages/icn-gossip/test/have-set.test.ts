import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { EntryLinks } from '../src/entry/entry-header.js';
import type { EntryId } from '../src/entry/entry-name.js';
import { HaveSet } from '../src/topic/have-set.js';
import { did } from './fixtures.js';

/** Links of an entry without the cost of signing it. */
function links(id: number, seq: number, prev: number | null): EntryLinks {
  const name = { author: did(1), lane: 0 as const, seq, id: idOf(id) };
  return { name, prev: prev === null ? null : idOf(prev), deps: [] };
}

function idOf(number: number): EntryId {
  return number.toString(16).padStart(64, '0') as EntryId;
}

/** A log that may fork anywhere: each number is how far back, counted from the newest, the next entry hangs. */
const forkedLog = fc
  .array(fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(8) }), {
    maxLength: 30,
  })
  .map((backs) => {
    const entries: EntryLinks[] = [links(1, 1, null)];
    for (const back of backs) {
      const prev = entries[Math.max(0, entries.length - 1 - back)]!;
      entries.push(links(entries.length + 1, prev.name.seq + 1, Number.parseInt(prev.name.id, 16)));
    }
    return entries;
  });
const shuffledLog = forkedLog.chain((entries) =>
  fc.record({
    entries: fc.constant(entries),
    arrival: fc.shuffledSubarray(entries, { minLength: entries.length }),
    heldCount: fc.nat({ max: entries.length }),
  }),
);

function filled(entries: readonly EntryLinks[]): HaveSet {
  const held = new HaveSet();
  for (const entry of entries) held.insert(entry);
  return held;
}

function facts(held: HaveSet) {
  return {
    heads: Array.from(held.heads, ([id, seq]) => `${id}/${seq}`).toSorted(),
    linked: [...held.linkedIds()].toSorted(),
    linkedCount: held.linkedCount,
    parkedCount: held.parkedCount,
    linkedSeqMax: held.linkedSeqMax,
  };
}

/** The definition, without an index: linked is what reaches seq 1 through entries that are held. */
function linkedByDefinition(entries: readonly EntryLinks[]): Set<EntryId> {
  const byId = new Map(entries.map((entry) => [entry.name.id, entry]));
  const reaches = ({ prev, name: { seq } }: EntryLinks): boolean => {
    if (prev === null) return seq === 1;
    const parent = byId.get(prev);
    return parent !== undefined && parent.name.seq === seq - 1 && reaches(parent);
  };
  return new Set(entries.filter(reaches).map((entry) => entry.name.id));
}

describe('HaveSet', () => {
  it('I15: heads, linked entries and linkedSeqMax are the same in any order of arrival', () => {
    fc.assert(
      fc.property(shuffledLog, ({ entries, arrival }) => {
        expect(facts(filled(arrival))).toEqual(facts(filled(entries)));
        expect(filled(arrival).linkedCount).toBe(entries.length);
      }),
    );
  });

  it('I6: links exactly what reaches seq 1 without a hole, at each moment', () => {
    fc.assert(
      fc.property(shuffledLog, ({ arrival, heldCount }) => {
        const some = arrival.slice(0, heldCount);
        const held = filled(some);
        const linked = linkedByDefinition(some);
        expect(new Set(held.linkedIds())).toEqual(linked);
        const seqs = some.filter((entry) => linked.has(entry.name.id)).map((entry) => entry.name.seq);
        expect(held.linkedSeqMax).toBe(Math.max(0, ...seqs));
        expect(held.parkedCount).toBe(some.length - linked.size);
        expect(some.every((entry) => held.has(entry.name.id))).toBe(true);
        const parents = new Set(some.map((entry) => entry.prev));
        const heads = some.filter(({ name }) => linked.has(name.id) && !parents.has(name.id));
        const linkedHeads = heads.map(({ name }) => name.id);
        expect([...held.heads.keys()].toSorted()).toEqual(linkedHeads.toSorted());
      }),
    );
  });

  it('returns what became linked, parents first and each once', () => {
    fc.assert(
      fc.property(shuffledLog, ({ arrival }) => {
        const held = new HaveSet();
        const seen = new Set<EntryId | null>([null]);
        for (const entry of arrival) {
          for (const { name, prev } of held.insert(entry)) {
            expect(seen.has(prev) && !seen.has(name.id)).toBe(true);
            seen.add(name.id);
          }
        }
        expect(seen.size - 1).toBe(arrival.length);
      }),
    );
  });

  it('says which entries are at a seq: one for each branch', () => {
    const held = filled([links(1, 1, null), links(2, 2, 1), links(3, 2, 1), links(4, 3, 2)]);
    expect(held.at(2)).toEqual([idOf(2), idOf(3)]);
    expect([held.at(1), held.at(3), held.at(4), held.at(0)]).toEqual([[idOf(1)], [idOf(4)], [], []]);
    expect([...held.heads]).toEqual([
      [idOf(3), 2],
      [idOf(4), 3],
    ]);
  });

  it.each([
    ['jumps ahead', links(9, 4, 2)],
    ['goes back', links(9, 2, 2)],
    ['begins a log above 1', links(9, 2, null)],
    ['begins at the last number', links(9, Number.MAX_SAFE_INTEGER, null)],
  ])('never links an entry whose seq %s', (_, liar) => {
    const log = [links(1, 1, null), links(2, 2, 1)];
    for (const arrival of [
      [...log, liar],
      [liar, ...log],
    ]) {
      expect(facts(filled(arrival))).toEqual({ ...facts(filled(log)), parkedCount: 1 });
      const child = links(10, liar.name.seq + 1, 9);
      const held = filled([...arrival, child]);
      expect(held.isLinked(child.name.id)).toBe(false);
      expect(held.linkedSeqMax).toBe(2);
    }
    expect(filled([...log, links(9, 3, 2)]).linkedSeqMax).toBe(3);
  });

  it('takes 20,000 siblings', () => {
    const held = filled([links(1, 1, null)]);
    for (let id = 2; id < 20_002; id++) held.insert(links(id, 2, 1));
    expect(held.heads.size).toBe(20_000);
  });
});
