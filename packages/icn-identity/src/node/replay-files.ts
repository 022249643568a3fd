// A replay guard's memory in a directory:
//
//   snapshot       generation(8) ‖ what the guard gave to `replace`; none in generation 0
//   journal.<g>    cells of 64 bytes, in which a batch that was appended has consecutive ones:
//                  record(48) ‖ number of the batch's first cell(4) ‖ SHA-256(generation(8) ‖ number(4) ‖ both)[0..12]
//
// The journal of a generation is there before its snapshot is. A cell never crosses a sector of a disk. Batches are
// written one after another, each when the one before is durable, so a crash tears none but the last: a cell that is
// bad with a good one of a later batch behind it was damaged, and is an error.

import { mkdir, open, readdir, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { concatBytes, equalBytes } from '../bytes.js';
import { IdentityError } from '../identity-error.js';
import { replayRecordBytes } from '../replay/replay-codec.js';
import type { ReplayStore } from '../replay/replay-store.js';
import { sha256 } from '../sha256.js';

const checkBytes = 12;
const cellBytes = replayRecordBytes + 4 + checkBytes;
const generationBytes = 8;
const isPosix = process.platform !== 'win32';

/** Who spoke to this node is nobody else's business. */
const ownerOnlyMode = 0o600;

/**
 * Keeps a {@link ReplayGuard}'s memory in the directory `path`, which is made in an existing one if need be, readable by its owner alone.
 * What is appended is on disk (fdatasync) when the promise fulfils; a snapshot takes its place by a rename.
 *
 * `load` rejects with IdentityError `replay-corrupt` when a file is missing or damaged, and changes nothing then. Only
 * in the last batch damage cannot be told from a crash while it was written: the batch ends before it. One process at a
 * time may use a directory; the caller sees to that.
 */
export function replayFiles(path: string): ReplayStore {
  let generation = 0;
  let cellCount = 0;
  let journal: FileHandle | undefined;

  const journalPath = (): string => join(path, `journal.${generation}`);

  async function load(): ReturnType<ReplayStore['load']> {
    await makeDirectory(path);
    const stored = await readSnapshot(path);
    generation = stored?.generation ?? 0;
    const names = (await readdir(path)).filter((name) => name.startsWith('journal.'));
    if (names.length === 0 && stored === undefined) await createJournal(path, 0);
    else if (!names.includes(`journal.${generation}`)) throw corrupt(path, 'a file is missing');
    const records = goodRecords(await readFile(journalPath()), generation, path);
    cellCount = records.length;
    journal = await open(journalPath(), 'a');
    await journal.truncate(cellCount * cellBytes);
    await journal.sync();
    for (const name of names)
      if (name !== `journal.${generation}`) await rm(join(path, name), { force: true });
    return { snapshot: stored?.snapshot, appended: records };
  }

  async function append(batch: Uint8Array): Promise<void> {
    const first = cellCount;
    const records = chunks(batch, replayRecordBytes);
    const cells = new Uint8Array(records.length * cellBytes);
    records.forEach((record, index) => {
      const content = concatBytes(record, uint(first, 4));
      cells.set(encodeCell(generation, first + index, content), index * cellBytes);
    });
    await opened(journal).appendFile(cells);
    await opened(journal).datasync();
    cellCount += records.length;
  }

  async function replace(snapshot: Uint8Array): Promise<void> {
    const old = journalPath();
    await createJournal(path, generation + 1);
    const temporary = join(path, 'snapshot.tmp');
    await writeDurably(temporary, concatBytes(uint(generation + 1, generationBytes), snapshot));
    await rename(temporary, join(path, 'snapshot'));
    await syncDirectory(path);
    await opened(journal).close();
    generation += 1;
    cellCount = 0;
    journal = await open(journalPath(), 'a');
    await rm(old, { force: true });
  }

  return { load, append, replace, close: async () => journal?.close() };
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
  if (bytes.length < generationBytes) throw corrupt(path, 'the snapshot is cut short');
  const generation = Number(new DataView(bytes.buffer).getBigUint64(0));
  return { generation, snapshot: bytes.subarray(generationBytes) };
}

/** The records up to the first bad cell. */
function goodRecords(journal: Uint8Array, generation: number, path: string): Uint8Array[] {
  const cells = chunks(journal, cellBytes);
  const isGood = cells.map((cell, index) =>
    equalBytes(cell, encodeCell(generation, index, cell.subarray(0, -checkBytes))),
  );
  const bad = isGood.indexOf(false);
  const end = bad < 0 ? cells.length : bad;
  cells.forEach((cell, index) => {
    if (isGood[index] && index > end && firstOfBatch(cell) > end)
      throw corrupt(path, `its journal is bad at ${end * cellBytes}`);
  });
  return cells.slice(0, end).map((cell) => cell.subarray(0, replayRecordBytes));
}

function firstOfBatch(cell: Uint8Array): number {
  return new DataView(cell.buffer, cell.byteOffset).getUint32(replayRecordBytes);
}

function encodeCell(generation: number, index: number, content: Uint8Array): Uint8Array {
  const digest = sha256(uint(generation, generationBytes), uint(index, 4), content);
  return concatBytes(content, digest.subarray(0, checkBytes));
}

async function createJournal(path: string, generation: number): Promise<void> {
  await writeDurably(join(path, `journal.${generation}`), new Uint8Array());
  await syncDirectory(path);
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'w', ownerOnlyMode);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
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

function opened(journal: FileHandle | undefined): FileHandle {
  if (journal === undefined) throw new Error('the store is not loaded');
  return journal;
}

function chunks(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  );
}

/** Big-endian. */
function uint(value: number, length: 4 | 8): Uint8Array {
  const view = new DataView(new ArrayBuffer(length));
  if (length === 4) view.setUint32(0, value);
  else view.setBigUint64(0, BigInt(value));
  return new Uint8Array(view.buffer);
}

function corrupt(path: string, why: string): IdentityError {
  return new IdentityError(
    'replay-corrupt',
    `the memory of the replay guard in ${path} is damaged: ${why}. It was left as it is: restore all of it from before ` +
      'the damage, or move it away, and know that what was accepted before will be accepted again',
  );
}
