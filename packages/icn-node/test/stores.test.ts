import { join } from 'node:path';
import {
  encodeParts,
  entryIdOf,
  parseTopic,
  type EntryId,
  type EntryParts,
  type ClosedLog,
  type EntryStore,
  type PositionedItem,
  type StoreWrite,
} from '@icn/gossip';
import { generateKeyPair } from '@icn/identity';
import { describe, expect, it } from '@jest/globals';
import { ClassicLevel } from 'classic-level';
import { LevelStore, MemoryStore } from '../src/index.js';
import { afterTest, temporaryFolder } from './support/temporary.js';

const lobby = parseTopic('lobby');
const lobby2 = parseTopic('lobby2');

/** A store never looks into a header or a proof, so any bytes will do; proofs of both forms. */
function partsOf(text: string): EntryParts {
  const header = Buffer.from(`header of ${text}`);
  const signature = Buffer.alloc(64, text.length);
  const batch = { type: 'batch', signature, index: 3, path: Buffer.alloc(64, 9) } as const;
  const proof = text.length % 2 === 0 ? batch : ({ type: 'signature', signature } as const);
  return { header, payload: Buffer.from(text), proof };
}

const idOf = (text: string): EntryId => entryIdOf(partsOf(text).header);

const entry = (text: string, topic = lobby): StoreWrite => ({
  type: 'entry',
  topic,
  id: idOf(text),
  parts: partsOf(text),
});

const at = (position: number, text: string, topic = lobby): StoreWrite => ({
  type: 'position',
  topic,
  position,
  id: idOf(text),
});

const withdrawal = (position: number, log: ClosedLog): StoreWrite => {
  return { type: 'withdrawal', topic: lobby, position, log };
};

async function all<Value>(batches: AsyncIterable<readonly Value[]>): Promise<Value[]> {
  const values: Value[] = [];
  for await (const batch of batches) values.push(...batch);
  return values;
}

const textOf = (item: PositionedItem | undefined) =>
  item?.type === 'entry' ? Buffer.from(item.parts.payload ?? []).toString() : item?.type;

const plain = (parts: EntryParts | undefined) => parts && Buffer.from(encodeParts(parts)).toString('hex');

const adapters: readonly { name: string; open: () => Promise<EntryStore> }[] = [
  { name: 'MemoryStore', open: () => Promise.resolve(new MemoryStore()) },
  {
    name: 'LevelStore',
    open: async () => {
      const store = await LevelStore.open(join(await temporaryFolder(), 'store'));
      afterTest(() => store.close());
      return store;
    },
  },
];

describe.each(adapters)('$name', ({ open }) => {
  it('gives entries back byte for byte', async () => {
    const store = await open();
    await store.write([entry('a')]);
    const [found] = await store.read(lobby, [idOf('a')], 1_000);
    expect(plain(found)).toBe(plain(partsOf('a')));
  });

  it('answers in the order of the ids, and undefined for what it lacks', async () => {
    const store = await open();
    await store.write([entry('a'), entry('b')]);
    const found = await store.read(lobby, [idOf('b'), idOf('x'), idOf('a')], 1_000);
    expect(found.map(plain)).toEqual([plain(partsOf('b')), undefined, plain(partsOf('a'))]);
  });

  it('stops before the entry that passes the budget, but never before the first', async () => {
    const store = await open();
    await store.write([entry('a'), entry('b'), entry('c')]);
    const bytesOfOne = partsOf('a').header.length + 1;
    const ids = [idOf('a'), idOf('b'), idOf('c')];
    expect(await store.read(lobby, ids, 1)).toHaveLength(1);
    expect(await store.read(lobby, ids, 2 * bytesOfOne)).toHaveLength(2);
    expect(await store.read(lobby, ids, 3 * bytesOfOne)).toHaveLength(3);
  });

  it('lists headers with a position first, in order of position, each once', async () => {
    const store = await open();
    await store.write([entry('parked'), entry('second'), entry('first'), at(1, 'first'), at(2, 'second')]);
    const headers = await all(store.headers(lobby));
    const shown = headers.map((row) => [
      'header' in row ? Buffer.from(row.header).toString() : row,
      row.position,
    ]);
    expect(shown).toEqual([
      ['header of first', 1],
      ['header of second', 2],
      ['header of parked', undefined],
    ]);
  });

  it('reads delivered entries from a position on', async () => {
    const store = await open();
    const texts = Array.from({ length: 20 }, (_, index) => `entry ${index + 1}`);
    await store.write(texts.flatMap((text, index) => [entry(text), at(index + 1, text)]));
    const found = await store.readFrom(lobby, 15, 4);
    expect(found.map((item) => [item.position, textOf(item)])).toEqual([
      [15, 'entry 15'],
      [16, 'entry 16'],
      [17, 'entry 17'],
      [18, 'entry 18'],
    ]);
    expect(await store.readFrom(lobby, 21, 4)).toEqual([]);
  });

  it('holds a notice at a position instead of an entry, and gives it back in its place', async () => {
    const store = await open();
    const log = { author: generateKeyPair().did, lane: 0, from: 2 } as const;
    await store.write([entry('a'), entry('b'), at(1, 'a'), withdrawal(2, log), at(3, 'b')]);
    const found = await store.readFrom(lobby, 1, 10);
    expect(found.map((item) => [item.position, textOf(item)])).toEqual([
      [1, 'a'],
      [2, 'withdrawal'],
      [3, 'b'],
    ]);
    expect(found[1]).toEqual({ position: 2, type: 'withdrawal', log });
    const headers = await all(store.headers(lobby));
    expect(headers.map((row) => ('log' in row ? row : [row.header.length > 0, row.position]))).toEqual([
      [true, 1],
      { position: 2, log },
      [true, 3],
    ]);
  });

  it('gives marks back as they were written, and none where there were none', async () => {
    const store = await open();
    const marked = { ...at(2, 'b'), late: true, forked: true } as StoreWrite;
    await store.write([entry('a'), entry('b'), at(1, 'a'), marked]);
    expect(await store.readFrom(lobby, 1, 10)).toMatchObject([
      { late: false, forked: false },
      { late: true, forked: true },
    ]);
  });

  it('holds a header without payload, which takes no payload away', async () => {
    const store = await open();
    const bare = (text: string): StoreWrite => {
      return { type: 'entry', topic: lobby, id: idOf(text), parts: { ...partsOf(text), payload: undefined } };
    };
    await store.write([bare('a'), entry('b'), bare('b'), bare('c')]);
    await store.write([entry('c')]);
    const found = await store.read(lobby, ['a', 'b', 'c'].map(idOf), 1_000);
    expect(found.map((parts) => parts?.payload && Buffer.from(parts.payload).toString())).toEqual([
      undefined,
      'b',
      'c',
    ]);
    expect(await all(store.headers(lobby))).toHaveLength(3);
  });

  it('keeps the farthest position that each consumer committed, until it is forgotten', async () => {
    const store = await open();
    await store.commit(lobby, 'mailer', 0);
    await store.commit(lobby, 'mailer', 7);
    await store.commit(lobby, 'mailer', 3);
    await store.commit(lobby, 'mailer-2', 1);
    await store.commit(lobby2, 'mailer', 2);
    expect(Object.fromEntries(await store.cursors(lobby))).toEqual({ mailer: 7, 'mailer-2': 1 });
    expect(Object.fromEntries(await store.cursors(lobby2))).toEqual({ mailer: 2 });
    await store.forget(lobby, 'mailer');
    expect(Object.fromEntries(await store.cursors(lobby))).toEqual({ 'mailer-2': 1 });
    await store.commit(lobby, 'mailer', 1);
    expect((await store.cursors(lobby)).get('mailer')).toBe(1);
    expect(await store.topics()).toEqual([]);
  });

  it('keeps the farthest of positions that are committed at once', async () => {
    const store = await open();
    const positions = [3, 9, 1, 8, 2];
    await Promise.all(positions.map((position) => store.commit(lobby, 'mailer', position)));
    expect((await store.cursors(lobby)).get('mailer')).toBe(9);
  });

  it('keeps topics apart, also where one name begins another', async () => {
    const store = await open();
    await store.write([entry('a'), at(1, 'a'), entry('b', lobby2), at(1, 'b', lobby2)]);
    expect(await store.topics()).toEqual([lobby, lobby2]);
    expect(await all(store.headers(lobby))).toHaveLength(1);
    expect(await store.readFrom(lobby, 1, 10)).toHaveLength(1);
    expect((await store.read(lobby, [idOf('b')], 1_000)).map(plain)).toEqual([undefined]);
  });

  it('holds nothing of a topic that nobody wrote to', async () => {
    const store = await open();
    expect(await store.topics()).toEqual([]);
    expect(await all(store.headers(lobby))).toEqual([]);
  });
});

describe('LevelStore', () => {
  it('has everything after it was closed and opened again', async () => {
    const path = join(await temporaryFolder(), 'store');
    const before = await LevelStore.open(path);
    await before.write([entry('a'), at(1, 'a')]);
    // What is under way when it closes is finished first.
    const committing = before.commit(lobby, 'mailer', 1);
    await before.close();
    await committing;
    const after = await LevelStore.open(path);
    afterTest(() => after.close());
    expect((await after.readFrom(lobby, 1, 1)).map(textOf)).toEqual(['a']);
    expect((await after.cursors(lobby)).get('mailer')).toBe(1);
  });

  it('has one writer: a second one is told so, and the first goes on', async () => {
    const path = join(await temporaryFolder(), 'store');
    const first = await LevelStore.open(path);
    afterTest(() => first.close());
    await expect(LevelStore.open(path)).rejects.toMatchObject({ code: 'data-dir-locked' });
    await first.write([entry('a')]);
    expect(await first.read(lobby, [idOf('a')], 1)).toHaveLength(1);
  });

  it('does not serve an entry whose header was damaged on disk, nor stop for it', async () => {
    const path = join(await temporaryFolder(), 'store');
    const before = await LevelStore.open(path);
    await before.write([entry('a'), at(1, 'a'), entry('b'), at(2, 'b')]);
    await before.close();
    const raw = new ClassicLevel<string, Uint8Array>(path, { valueEncoding: 'view' });
    await raw.put(`hlobby\0${idOf('a')}`, encodeParts({ ...partsOf('not a'), payload: undefined }));
    await raw.close();
    const after = await LevelStore.open(path);
    afterTest(() => after.close());
    expect((await after.read(lobby, [idOf('a'), idOf('b')], 1_000)).map(plain)).toEqual([
      undefined,
      plain(partsOf('b')),
    ]);
    expect((await after.readFrom(lobby, 1, 10)).map(({ position }) => position)).toEqual([2]);
  });
});
