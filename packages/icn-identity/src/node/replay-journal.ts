// The records that came since a snapshot, in cells of 64 bytes, each content(52) ‖ SHA-256(generation(8) ‖ number(4) ‖
// content)[0..12], numbers big-endian:
//
//   head           number 2^32 − 1: how many of the others are durable(4) ‖ 0(48)
//   cells 0, 1 …   record(48) ‖ number of the first cell of its batch(4)
//
// A cell never crosses a sector of a disk. Batches are written one after another, each when the one before is durable, so
// a crash tears none but the last: a cell that is bad with a good one of a later batch behind it was damaged. With each
// batch goes a head that counts those before it, which costs no sync of its own, so never more than the last batch can be
// missing at the end; with `close` goes one that counts all.

import { open, readFile, rename, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

import { concatBytes, equalBytes } from '../bytes.js';
import { IdentityError } from '../identity-error.js';
import { replayRecordBytes } from '../replay/replay-codec.js';
import { sha256 } from '../sha256.js';

const checkBytes = 12;
const cellBytes = replayRecordBytes + 4 + checkBytes;
const headNumber = 2 ** 32 - 1;

/** Who spoke to this node is nobody else's business. */
const ownerOnlyMode = 0o600;

/** A journal that is open for appending. After a method but `close` has rejected only that may be called. */
export class ReplayJournal {
  readonly #file: FileHandle;
  readonly #generation: number;
  #durableCount: number;

  private constructor(file: FileHandle, generation: number, durableCount: number) {
    this.#file = file;
    this.#generation = generation;
    this.#durableCount = durableCount;
  }

  /** Makes an empty one, by another name first: a crash leaves one with its head, or none. The caller syncs the directory. */
  static async create(path: string, generation: number): Promise<void> {
    const temporary = `${path}.tmp`;
    await writeDurably(temporary, encodeHead(generation, 0));
    await rename(temporary, path);
  }

  /**
   * Opens one, and cuts off what a crash left of its last batch.
   *
   * @throws IdentityError `replay-corrupt` where it is damaged or cut short; it stays as it is.
   */
  static async open(
    path: string,
    generation: number,
  ): Promise<{ journal: ReplayJournal; records: Uint8Array[] }> {
    const records = goodRecords(await readFile(path), generation, dirname(path));
    const file = await open(path, 'r+');
    const journal = new ReplayJournal(file, generation, records.length);
    try {
      await file.truncate(offsetOf(records.length));
      await journal.#writeHead();
      await file.sync();
    } catch (error) {
      await file.close();
      throw error;
    }
    return { journal, records };
  }

  async append(batch: Uint8Array): Promise<void> {
    const first = this.#durableCount;
    const records = chunks(batch, replayRecordBytes);
    const cells = new Uint8Array(records.length * cellBytes);
    records.forEach((record, index) => {
      const content = concatBytes(record, uint(first, 4));
      cells.set(encodeCell(this.#generation, first + index, content), index * cellBytes);
    });
    await writeAll(this.#file, cells, offsetOf(first));
    await this.#writeHead();
    await this.#file.datasync();
    this.#durableCount += records.length;
  }

  async close(): Promise<void> {
    try {
      await this.#writeHead();
      await this.#file.datasync();
    } finally {
      await this.#file.close();
    }
  }

  /** Counts what is durable; it is durable itself with the next sync. */
  #writeHead(): Promise<void> {
    return writeAll(this.#file, encodeHead(this.#generation, this.#durableCount), 0);
  }
}

/** Writes a file anew, readable by its owner alone. */
export async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'w', ownerOnlyMode);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Big-endian. */
export function uint(value: number, length: 4 | 8): Uint8Array {
  const view = new DataView(new ArrayBuffer(length));
  if (length === 4) view.setUint32(0, value);
  else view.setBigUint64(0, BigInt(value));
  return new Uint8Array(view.buffer);
}

export function corruptMemory(folder: string, why: string): IdentityError {
  return new IdentityError(
    'replay-corrupt',
    `the memory of the replay guard in ${folder} is damaged: ${why}. It was left as it is: restore all of it from before ` +
      'the damage, and what was accepted since will be accepted again, or move it away, and all will',
  );
}

/** The records up to the first bad cell. */
function goodRecords(bytes: Uint8Array, generation: number, folder: string): Uint8Array[] {
  const [head = new Uint8Array(), ...cells] = chunks(bytes, cellBytes);
  if (!isCell(head, generation, headNumber)) throw corruptMemory(folder, 'the head of its journal is bad');
  const isGood = cells.map((cell, index) => isCell(cell, generation, index));
  const bad = isGood.indexOf(false);
  const end = bad < 0 ? cells.length : bad;
  cells.forEach((cell, index) => {
    if (isGood[index] && index > end && numberAt(cell, replayRecordBytes) > end)
      throw corruptMemory(folder, `its journal is bad at ${offsetOf(end)}`);
  });
  const durableCount = numberAt(head, 0);
  if (end < durableCount)
    throw corruptMemory(folder, `its journal has ${end} of at least ${durableCount} records`);
  return cells.slice(0, end).map((cell) => cell.subarray(0, replayRecordBytes));
}

function encodeHead(generation: number, durableCount: number): Uint8Array {
  const content = concatBytes(uint(durableCount, 4), new Uint8Array(replayRecordBytes));
  return encodeCell(generation, headNumber, content);
}

function encodeCell(generation: number, number: number, content: Uint8Array): Uint8Array {
  const digest = sha256(uint(generation, 8), uint(number, 4), content);
  return concatBytes(content, digest.subarray(0, checkBytes));
}

function isCell(cell: Uint8Array, generation: number, number: number): boolean {
  return (
    cell.length === cellBytes &&
    equalBytes(cell, encodeCell(generation, number, cell.subarray(0, -checkBytes)))
  );
}

/** Where the cell of a number begins, behind the head. */
function offsetOf(number: number): number {
  return (1 + number) * cellBytes;
}

function numberAt(cell: Uint8Array, offset: number): number {
  return new DataView(cell.buffer, cell.byteOffset).getUint32(offset);
}

/** A system may write less than it was asked to. */
async function writeAll(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let from = 0; from < bytes.length;)
    from += (await file.write(bytes, from, bytes.length - from, at + from)).bytesWritten;
}

function chunks(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  );
}
