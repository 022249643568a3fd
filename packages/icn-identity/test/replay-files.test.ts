import { cp, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { keyPairFromSeed, ReplayGuard } from '../src/index.js';
import { replayFiles } from '../src/node/replay-files.js';

const cellBytes = 64;
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
    if ((await guard.admit({ sender, sequence, timestampMs: 1 }, 1)) === 'accepted') accepted.push(sequence);
  await guard.close();
  return accepted;
}

/** Admits batches, each durable before the next. */
async function admit(batches: readonly (readonly number[])[], appendedMax?: number): Promise<void> {
  const guard = await open(folder, appendedMax);
  for (const batch of batches)
    await Promise.all(batch.map((sequence) => guard.admit({ sender, sequence, timestampMs: 1 }, 1)));
  await guard.close();
}

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
    await admit([[1], [2, 3]]);
    const whole = await readFile(join(folder, 'journal.0'));
    expect(whole).toHaveLength(3 * cellBytes);
    for (let length = cellBytes; length < whole.length; length += 7) {
      const copy = join(scratch, `torn-${length}`);
      await cp(folder, copy, { recursive: true });
      await truncate(join(copy, 'journal.0'), length);
      expect(await acceptedOf([1, 2, 3], copy)).toEqual(length < 2 * cellBytes ? [2, 3] : [3]);
      expect(await acceptedOf([1, 2, 3], copy)).toEqual([]);
    }
  });

  it('take a last batch of which a part came to the disk for torn', async () => {
    await admit([[1], [2, 3, 4]]);
    await flip(join(folder, 'journal.0'), 2 * cellBytes);
    expect(await acceptedOf([1, 2])).toEqual([]);
    expect(await acceptedOf([3, 4])).toEqual([3, 4]);
  });

  it('are an error when damaged before the last batch, and are left as they are', async () => {
    await admit([[1], [2, 3]]);
    for (let offset = 0; offset < cellBytes; offset += 5) {
      const copy = join(scratch, `bad-${offset}`);
      await cp(folder, copy, { recursive: true });
      await flip(join(copy, 'journal.0'), offset);
      const before = await readFile(join(copy, 'journal.0'));
      await expect(open(copy)).rejects.toMatchObject({ code: 'replay-corrupt' });
      expect(await readFile(join(copy, 'journal.0'))).toEqual(before);
    }
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
