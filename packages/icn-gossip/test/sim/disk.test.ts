import { describe, expect, it } from '@jest/globals';
import { Disk, EntryLedger } from '../../src/sim/index.js';
import type { StoreWrite } from '../../src/entry/entry-store.js';
import { proofsOf } from '../../src/entry/proof.js';
import { entryOf, keyPair, logOf, text, TOPIC } from '../fixtures.js';

const log = logOf(keyPair(1), 4);

function entryWrite(index: number): StoreWrite {
  const { name, parts } = log[index]!;
  return { type: 'entry', topic: TOPIC, id: name.id, parts };
}

function positionWrite(index: number, position: number): StoreWrite {
  return { type: 'position', topic: TOPIC, position, id: log[index]!.name.id };
}

describe('Disk', () => {
  it('gives headers as a store does: those with a position first', () => {
    const disk = new Disk(new EntryLedger());
    disk.write([entryWrite(2), entryWrite(0), entryWrite(1), positionWrite(0, 1), positionWrite(1, 2)]);
    expect(disk.headers(TOPIC)).toEqual([
      { header: log[0]!.parts.header, position: 1 },
      { header: log[1]!.parts.header, position: 2 },
      { header: log[2]!.parts.header, position: undefined },
    ]);
  });

  it('knows what is linked, whatever the order of writing', () => {
    const disk = new Disk(new EntryLedger());
    disk.write([entryWrite(3), entryWrite(1), entryWrite(0)]);
    expect(log.map(({ name }) => disk.isLinked(TOPIC, name.id))).toEqual([true, true, false, false]);
    disk.write([entryWrite(2)]);
    expect(disk.isLinked(TOPIC, log[3]!.name.id)).toBe(true);
    expect(disk.heads(TOPIC).map(({ name }) => name)).toEqual([log[3]!.name]);
  });

  it('reads within a budget, but always one', () => {
    const disk = new Disk(new EntryLedger());
    disk.write([entryWrite(0), entryWrite(1)]);
    const ids = [0, 3, 1].map((index) => log[index]!.name.id);
    expect(disk.read(TOPIC, ids, 10_000)).toEqual([log[0]!.parts, undefined, log[1]!.parts]);
    expect(disk.read(TOPIC, ids, 1)).toEqual([log[0]!.parts]);
  });

  it('keeps the proof that it was given, also where another disk was given another', () => {
    const [, second] = proofsOf(keyPair(1), [log[1]!.name.id, log[0]!.name.id]);
    const ledger = new EntryLedger();
    const [one, other] = [new Disk(ledger), new Disk(ledger)];
    const { name, parts } = log[0]!;
    const proven = { ...parts, proof: second! };
    expect(one.write([entryWrite(0)])).toEqual([]);
    expect(other.write([{ type: 'entry', topic: TOPIC, id: name.id, parts: proven }])).toEqual([]);
    expect(one.read(TOPIC, [name.id], 10_000)).toEqual([parts]);
    const mark = other.mark();
    other.restore(mark);
    expect(other.read(TOPIC, [name.id], 10_000)).toEqual([proven]);
  });

  it('becomes its old backup', () => {
    const disk = new Disk(new EntryLedger());
    disk.write([entryWrite(0), positionWrite(0, 1), entryWrite(1)]);
    const mark = disk.mark();
    disk.write([positionWrite(1, 2), entryWrite(2), positionWrite(2, 3)]);
    disk.restore(mark);
    expect([...disk.ids(TOPIC)]).toEqual([log[0]!.name.id, log[1]!.name.id]);
    expect([disk.positionCount(TOPIC), disk.positionOf(TOPIC, log[1]!.name.id)]).toEqual([1, undefined]);
    expect(disk.write([positionWrite(1, 2)])).toEqual([]);
  });

  it('withdraws: what a log holds from a seq on is not delivered any more', () => {
    const disk = new Disk(new EntryLedger());
    const withdrawal = { author: log[0]!.name.author, lane: 0 as const, from: 2 };
    disk.write([entryWrite(0), entryWrite(1), positionWrite(0, 1), positionWrite(1, 2)]);
    expect(disk.write([{ type: 'withdrawal', topic: TOPIC, position: 3, log: withdrawal }])).toEqual([]);
    expect([...disk.delivered(TOPIC)]).toEqual([log[0]!.name.id]);
    expect(disk.headers(TOPIC)[2]).toEqual({ position: 3, log: withdrawal });
  });

  it.each<[string, string, StoreWrite[]]>([
    ['a position that leaves a hole', 'I7', [entryWrite(0), positionWrite(0, 2)]],
    ['a position for what is not stored', 'I7', [positionWrite(0, 1)]],
    ['a second position for one entry', 'I7', [entryWrite(0), positionWrite(0, 1), positionWrite(0, 2)]],
    ['bytes that are not those of the id', 'I5', [{ ...entryWrite(0), id: log[1]!.name.id } as StoreWrite]],
    [
      'another payload than the author wrote',
      'I5',
      [entryWrite(0), { ...entryWrite(0), parts: { ...log[0]!.parts, payload: text('else') } } as StoreWrite],
    ],
    [
      'a proof that proves nothing',
      'I5',
      [
        entryWrite(0),
        { ...entryWrite(0), parts: { ...log[0]!.parts, proof: log[1]!.parts.proof } } as StoreWrite,
      ],
    ],
    ['an entry of another topic', 'I5', [{ ...entryWrite(0), topic: 'other' } as StoreWrite]],
  ])('notes %s', (_, invariant, writes) => {
    expect(new Disk(new EntryLedger()).write(writes).map((fault) => fault.invariant)).toEqual([invariant]);
  });

  it('closes a log that is forked beyond bearing, at the lowest fork that it has the headers of', () => {
    const ledger = new EntryLedger();
    const disk = new Disk(ledger);
    const siblings = [2, 1].flatMap((prev) => {
      return Array.from({ length: 4 }, (_, index) =>
        entryOf({ author: keyPair(1), prev: log[prev]!.name, payload: `twin ${index}` }),
      );
    });
    disk.write([entryWrite(0), entryWrite(1), entryWrite(2), entryWrite(3)]);
    for (const [index, { name, parts }] of siblings.entries()) {
      expect(disk.closed(TOPIC)).toEqual([]);
      expect(disk.heads(TOPIC)).toHaveLength(1);
      const header = { ...parts, payload: undefined };
      disk.write([{ type: 'entry', topic: TOPIC, id: name.id, parts: header }]);
      expect(ledger.siblingsOf(ledger.get(name.id)!)).toHaveLength((index % 4) + 2);
    }
    expect(disk.closed(TOPIC)).toEqual([{ author: keyPair(1).did, lane: 0, from: 3 }]);
    expect(disk.heads(TOPIC).map(({ name }) => name)).toEqual([log[1]!.name]);
  });

  it('keeps headers without payload apart from entries, until the payload comes', () => {
    const disk = new Disk(new EntryLedger());
    const { name, parts } = log[0]!;
    const header = { ...parts, payload: undefined };
    disk.write([{ type: 'entry', topic: TOPIC, id: name.id, parts: header }]);
    expect([disk.has(TOPIC, name.id), disk.isLinked(TOPIC, name.id)]).toEqual([true, false]);
    expect(disk.read(TOPIC, [name.id], 1_000)).toEqual([header]);
    expect(disk.write([entryWrite(0), { type: 'entry', topic: TOPIC, id: name.id, parts: header }])).toEqual(
      [],
    );
    expect([disk.isLinked(TOPIC, name.id), disk.read(TOPIC, [name.id], 1_000)]).toEqual([true, [parts]]);
  });
});
