// Files that are there whole or not at all, whenever the power is cut, and of which no change is lost to another
// process. There are no locks, since a lock outlives a crash and then keeps everybody out.
//
// A file is replaced by compare and swap. Whoever wants to replace content C makes the new file, syncs it, and
// gives it the name `<file>.<hash of C>.next`. That name can be had once, so it is the right to replace C; the
// renaming of it to `<file>` is the change. As nobody else changes C meanwhile, the file cannot change between a last
// look at it and the renaming. A crash in between leaves the name taken; from the milliseconds that it is needed to
// `claimAgeMaxMs` others believe that somebody is at work.

import { basename, dirname } from 'node:path';

import { equalBytes, toHex } from '../../bytes.js';
import { randomBytes } from '../../random-bytes.js';
import { sha256 } from '../../sha256.js';
import type { Disk } from './disk.js';

/** Creates a file, or returns false as there is one: a link, unlike a renaming, replaces nothing. Durable either way. */
export async function createFile(disk: Disk, path: string, bytes: Uint8Array): Promise<boolean> {
  const temporary = temporaryOf(path);
  let isCreated: boolean;
  try {
    await disk.create(temporary, bytes);
    await disk.sync(temporary);
    isCreated = await linkUnlessTaken(disk, temporary, path);
  } finally {
    await disk.remove(temporary);
  }
  await disk.syncFolder(dirname(path));
  return isCreated;
}

/** A thousand times what the few steps with a claim take; a guess. Who was asleep longer finds that he lost it. */
const claimAgeMaxMs = 60_000;

/**
 * Replaces a file whose content is `from`, and removes what crashes left beside it. Returns false where its content is
 * another, or somebody else is replacing it. Durable either way.
 */
export async function replaceFile(
  disk: Disk,
  path: string,
  from: Uint8Array,
  to: Uint8Array,
): Promise<boolean> {
  const temporary = temporaryOf(path);
  const claim = `${path}.${shortHash(from)}.next`;
  try {
    await disk.create(temporary, to);
    await disk.sync(temporary);
    if (await claimFile(disk, temporary, claim)) await swap(disk, path, from, claim);
  } finally {
    await disk.remove(temporary);
  }
  await removeLeftovers(disk, path);
  await disk.syncFolder(dirname(path));
  return holds(disk, path, to);
}

async function claimFile(disk: Disk, temporary: string, claim: string): Promise<boolean> {
  if (await linkUnlessTaken(disk, temporary, claim)) return true;
  if (!(await isAbandoned(disk, claim))) return false;
  // Taken away under a name of our own first: it may be a fresh one by now, whose owner then finds it gone.
  const taken = `${temporary.slice(0, -'.tmp'.length)}.taken.tmp`;
  await unless(['ENOENT'], disk.rename(claim, taken));
  await disk.remove(taken);
  return linkUnlessTaken(disk, temporary, claim);
}

async function isAbandoned(disk: Disk, claim: string): Promise<boolean> {
  try {
    const { modifiedMs } = await disk.read(claim, 0);
    // Also of a clock that was set back.
    return Math.abs(Date.now() - modifiedMs) > claimAgeMaxMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw error;
  }
}

async function swap(disk: Disk, path: string, from: Uint8Array, claim: string): Promise<void> {
  let isOver = false;
  try {
    if (await holds(disk, path, from)) {
      await unless(['ENOENT'], disk.rename(claim, path));
      isOver = true;
    }
  } finally {
    if (!isOver) await disk.remove(claim);
  }
}

/** Gives a file a second, durable name; one that is taken stays whose it is. */
export async function keepFile(disk: Disk, path: string, kept: string): Promise<void> {
  await linkUnlessTaken(disk, path, kept);
  await disk.syncFolder(dirname(path));
}

/** Removes a file, durably. */
export async function removeFile(disk: Disk, path: string): Promise<void> {
  await disk.remove(path);
  await disk.syncFolder(dirname(path));
}

/**
 * What a crash left may hold a secret in the clear, so it must not outlive a passphrase that was set. Whoever loses a
 * file here that is in use finds out, and reads what there is.
 */
async function removeLeftovers(disk: Disk, path: string): Promise<void> {
  const folder = dirname(path);
  const prefix = `${basename(path)}.`;
  for (const name of await disk.list(folder)) {
    const isLeftover =
      name.startsWith(prefix) && /^[0-9a-f]{16}(\.taken)?\.tmp$/.test(name.slice(prefix.length));
    if (isLeftover) await disk.remove(`${folder}/${name}`);
  }
}

function temporaryOf(path: string): string {
  return `${path}.${toHex(randomBytes(8))}.tmp`;
}

/** Tells one content of a file from the others that it had: 64 bits, so that no two meet by chance. */
export function shortHash(bytes: Uint8Array): string {
  return toHex(sha256(bytes).subarray(0, 8));
}

async function holds(disk: Disk, path: string, bytes: Uint8Array): Promise<boolean> {
  const found = await disk.read(path, bytes.length + 1);
  const isSame = equalBytes(found.bytes, bytes);
  found.bytes.fill(0);
  return isSame;
}

/** Also false where `from` is gone, which somebody took for a leftover: then there is a file, and it is changing. */
function linkUnlessTaken(disk: Disk, from: string, to: string): Promise<boolean> {
  return unless(['EEXIST', 'ENOENT'], disk.link(from, to));
}

async function unless(codes: readonly string[], step: Promise<void>): Promise<boolean> {
  try {
    await step;
    return true;
  } catch (error) {
    if (codes.includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}
