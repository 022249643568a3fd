// A replay guard's memory in a directory:
//
//   snapshot       generation(8) ‖ what the guard gave to `replace`; none in generation 0
//   journal.<g>    what it gave to `append` since (replay-journal.ts)
//
// The journal of a generation is there before its snapshot is.

import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { concatBytes } from '../bytes.js';
import type { ReplayStore } from '../replay/replay-store.js';
import { corruptMemory, ReplayJournal, uint, writeDurably } from './replay-journal.js';

const generationBytes = 8;
const isPosix = process.platform !== 'win32';

/**
 * Keeps a {@link ReplayGuard}'s memory in the directory `path`, which is made in an existing one if need be, readable by
 * its owner alone. What is appended is on disk (fdatasync) when the promise fulfils; a snapshot takes its place by a
 * rename.
 *
 * `load` rejects with IdentityError `replay-corrupt` when a file is missing, damaged, cut short or of another time than
 * the other one, and changes nothing then. Two things it cannot see. After a process that did not `close`: damage to the
 * last batch, which looks like a crash while it was written; the batch ends before it. And what was whole once: a
 * directory that is emptied or put back from an older copy, and a journal that is put back with no snapshot written
 * since. What was accepted after that copy is accepted again.
 *
 * One process at a time may use a directory; the caller sees to that.
 */
export function replayFiles(path: string): ReplayStore {
  let generation = 0;
  let journal: ReplayJournal | undefined;

  const journalPath = (): string => join(path, `journal.${generation}`);

  async function load(): ReturnType<ReplayStore['load']> {
    await makeDirectory(path);
    const stored = await readSnapshot(path);
    generation = stored?.generation ?? 0;
    const names = (await readdir(path)).filter((name) => /^journal\.\d+$/.test(name));
    if (names.length === 0 && stored === undefined) await createJournal();
    else if (!names.includes(`journal.${generation}`)) throw corruptMemory(path, 'a file is missing');
    const opened = await ReplayJournal.open(journalPath(), generation);
    journal = opened.journal;
    for (const name of names)
      if (name !== `journal.${generation}`) await rm(join(path, name), { force: true });
    return { snapshot: stored?.snapshot, appended: opened.records };
  }

  async function replace(snapshot: Uint8Array): Promise<void> {
    const [old, oldPath] = [loaded(journal), journalPath()];
    generation += 1;
    await createJournal();
    const temporary = join(path, 'snapshot.tmp');
    await writeDurably(temporary, concatBytes(uint(generation, generationBytes), snapshot));
    await rename(temporary, join(path, 'snapshot'));
    await syncDirectory(path);
    ({ journal } = await ReplayJournal.open(journalPath(), generation));
    await old.close();
    await rm(oldPath, { force: true });
  }

  async function createJournal(): Promise<void> {
    await ReplayJournal.create(journalPath(), generation);
    await syncDirectory(path);
  }

  async function close(): Promise<void> {
    const closing = journal;
    journal = undefined;
    await closing?.close();
  }

  return { load, append: async (batch) => loaded(journal).append(batch), replace, close };
}

/** A directory that a crash of the machine could take back would take the memory with it. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  await syncDirectory(dirname(path));
}

async function readSnapshot(path: string): Promise<{ generation: number; snapshot: Uint8Array } | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.from(await readFile(join(path, 'snapshot')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  if (bytes.length < generationBytes) throw corruptMemory(path, 'the snapshot is cut short');
  const generation = Number(new DataView(bytes.buffer).getBigUint64(0));
  return { generation, snapshot: bytes.subarray(generationBytes) };
}

/** Windows has no directories that can be synced. */
async function syncDirectory(path: string): Promise<void> {
  if (!isPosix) return;
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function loaded(journal: ReplayJournal | undefined): ReplayJournal {
  if (journal === undefined) throw new Error('the store is not loaded');
  return journal;
}
