import { cp, mkdtemp, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { keyPairFromSeed, ReplayGuard } from '../src/index.js';
import { replayFiles } from '../src/node/replay-files.js';
import { seenEnvelope } from './support/seen-envelope.js';

const cellBytes = 64;
/** Where in a journal the cell of a number begins: behind the head. */
const offsetOf = (number: number): number => (1 + number) * cellBytes;
const sender = keyPairFromSeed(new Uint8Array(32).fill(1)).did;

let scratch: string;
let folder: string;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'icn-replay-'));
  folder = join(scratch, 'replay');
});

afterEach(() => rm(scratch, { recursive: true, force: true }));

function open(path = folder, appendedMax = 100): Promise<ReplayGuard> {
  return ReplayGuard.open(replayFiles(path), { appendedMax });
}

/** Which of the sequences a guard that is opened anew accepts. */
async function acceptedOf(sequences: readonly number[], path = folder): Promise<number[]> {
  const guard = await open(path);
  const accepted: number[] = [];
  for (const sequence of sequences)
    if ((await guard.admit(seenEnvelope({ sender, sequence, timestampMs: 1 }), 1)) === 'accepted')
      accepted.push(sequence);
  await guard.close();
  return accepted;
}

/** Admits batches, each durable before the next. */
async function admit(batches: readonly (readonly number[])[], appendedMax?: number): Promise<void> {
  const guard = await open(folder, appendedMax);
  for (const batch of batches)
    await Promise.all(
      batch.map((sequence) => guard.admit(seenEnvelope({ sender, sequence, timestampMs: 1 }), 1)),
    );
  await guard.close();
}

/** The same, and the directory is left as a process does that dies before it closes the guard. */
async function admitAndDie(batches: readonly (readonly number[])[]): Promise<void> {
  const guard = await open();
  for (const batch of batches)
    await Promise.all(
      batch.map((sequence) => guard.admit(seenEnvelope({ sender, sequence, timestampMs: 1 }), 1)),
    );
  const left = join(scratch, 'left');
  await cp(folder, left, { recursive: true });
  await guard.close();
  await rm(folder, { recursive: true });
  await rename(left, folder);
}

const tenBatches = Array.from({ length: 10 }, (_, index) => [index + 1]);

async function flip(file: string, offset: number): Promise<void> {
  const bytes = await readFile(file);
  bytes[offset]! ^= 1;
  await writeFile(file, bytes);
}

describe('replay files', () => {
  it('remember across restarts, in the journal and in snapshots', async () => {
    await admit([[1, 2], [4]]);
    expect(await acceptedOf([1, 2, 3, 4])).toEqual([3]);
    await admit([[5], [6], [7], [8], [9], [10]], 3);
    expect((await readdir(folder)).toSorted()).toEqual(['journal.2', 'snapshot']);
    expect(await acceptedOf([3, 5, 6, 7, 8, 9, 10, 11])).toEqual([11]);
  });

  it('are readable by their owner alone', async () => {
    await admit([[1], [2]], 1);
    expect((await stat(folder)).mode & 0o077).toBe(0);
    for (const name of await readdir(folder)) expect((await stat(join(folder, name))).mode & 0o077).toBe(0);
  });

  it('survive a write torn at any byte: what was durable before it stays, what was not is heard again', async () => {
    await admitAndDie([[1], [2, 3]]);
    const whole = await readFile(join(folder, 'journal.0'));
    expect(whole).toHaveLength(offsetOf(3));
    for (let length = offsetOf(1); length < whole.length; length += 7) {
      const copy = join(scratch, `torn-${length}`);
      await cp(folder, copy, { recursive: true });
      await truncate(join(copy, 'journal.0'), length);
      expect(await acceptedOf([1, 2, 3], copy)).toEqual(length < offsetOf(2) ? [2, 3] : [3]);
      expect(await acceptedOf([1, 2, 3], copy)).toEqual([]);
    }
  });

  it('take a last batch of which a part came to the disk for torn', async () => {
    await admitAndDie([[1], [2, 3, 4]]);
    await flip(join(folder, 'journal.0'), offsetOf(2));
    expect(await acceptedOf([1, 2])).toEqual([]);
    expect(await acceptedOf([3, 4])).toEqual([3, 4]);
  });

  it('are an error when damaged before the last batch, and are left as they are', async () => {
    await admitAndDie([[1], [2, 3]]);
    for (let offset = 0; offset < offsetOf(1); offset += 5) {
      const copy = join(scratch, `bad-${offset}`);
      await cp(folder, copy, { recursive: true });
      await flip(join(copy, 'journal.0'), offset);
      const before = await readFile(join(copy, 'journal.0'));
      await expect(open(copy)).rejects.toMatchObject({ code: 'replay-corrupt' });
      expect(await readFile(join(copy, 'journal.0'))).toEqual(before);
    }
  });

  it.each([0, 5, cellBytes, offsetOf(3), offsetOf(9) - 1, offsetOf(9)])(
    'are an error when closed with ten batches and cut to %i bytes, and are left as they are',
    async (length) => {
      await admit(tenBatches);
      await truncate(join(folder, 'journal.0'), length);
      await expect(open()).rejects.toMatchObject({ code: 'replay-corrupt' });
      expect((await stat(join(folder, 'journal.0'))).size).toBe(length);
    },
  );

  it('are an error when more than the last batch is gone, though nobody closed them', async () => {
    await admitAndDie(tenBatches);
    for (const [name, length] of [
      ['empty', 0],
      ['two batches less', offsetOf(8)],
      ['a part of the last but one', offsetOf(9) - 1],
    ] as const) {
      const copy = join(scratch, name);
      await cp(folder, copy, { recursive: true });
      await truncate(join(copy, 'journal.0'), length);
      await expect(open(copy)).rejects.toMatchObject({ code: 'replay-corrupt' });
    }
    // The last one alone looks like a crash before it was written.
    await truncate(join(folder, 'journal.0'), offsetOf(9));
    expect(await acceptedOf([9, 10])).toEqual([10]);
  });

  it('cannot be told from an older copy of themselves, as is said', async () => {
    await admit([[1]]);
    const older = join(scratch, 'older');
    await cp(folder, older, { recursive: true });
    await admit([[2]]);
    expect(await acceptedOf([1, 2])).toEqual([]);
    expect(await acceptedOf([1, 2], older)).toEqual([2]);
  });

  it('are an error when one is missing, cut or of another time', async () => {
    await admit([[1], [2], [3]], 1);
    const snapshot = await readFile(join(folder, 'snapshot'));
    const spoil: readonly (readonly [string, (path: string) => Promise<void>])[] = [
      ['no-snapshot', (path) => rm(join(path, 'snapshot'))],
      ['no-journal', (path) => rm(join(path, 'journal.1'))],
      ['short', (path) => truncate(join(path, 'snapshot'), 5)],
      ['cut', (path) => truncate(join(path, 'snapshot'), snapshot.length - 1)],
      ['changed', (path) => flip(join(path, 'snapshot'), 40)],
      ['other-time', (path) => flip(join(path, 'snapshot'), 7)],
    ];
    for (const [name, act] of spoil) {
      const copy = join(scratch, name);
      await cp(folder, copy, { recursive: true });
      await act(copy);
      await expect(open(copy)).rejects.toMatchObject({ code: 'replay-corrupt' });
    }
    expect(await acceptedOf([1, 2, 3])).toEqual([]);
  });

  it('are an error of the store where there is no place for them', async () => {
    await expect(open(join(scratch, 'nowhere', 'replay'))).rejects.toMatchObject({
      code: 'replay-store',
      cause: { code: 'ENOENT' },
    });
  });

  it('survive a crash at every step of a snapshot', async () => {
    await admit([[1], [2]], 2);
    const old = join(scratch, 'old');
    await cp(folder, old, { recursive: true });
    await admit([[3]], 2); // a snapshot instead of a third record
    const [journal, snapshot] = ['journal.1', 'snapshot'];
    expect((await readdir(folder)).toSorted()).toEqual([journal, snapshot]);

    const newJournal = join(scratch, 'new-journal');
    await cp(old, newJournal, { recursive: true });
    await writeFile(join(newJournal, journal), '');
    const halfSnapshot = join(scratch, 'half-snapshot');
    await cp(newJournal, halfSnapshot, { recursive: true });
    await writeFile(join(halfSnapshot, 'snapshot.tmp'), 'half');
    const oldJournalStays = join(scratch, 'old-journal-stays');
    await cp(folder, oldJournalStays, { recursive: true });
    await cp(join(old, 'journal.0'), join(oldJournalStays, 'journal.0'));

    expect(await acceptedOf([1, 2, 3], newJournal)).toEqual([3]);
    expect(await acceptedOf([1, 2, 3], halfSnapshot)).toEqual([3]);
    expect(await acceptedOf([1, 2, 3], oldJournalStays)).toEqual([]);
    expect(await readdir(oldJournalStays)).not.toContain('journal.0');
  });
});
