// Files that are there whole or not at all, whenever the power is cut, and of which no change is lost to another
// process. There are no locks, since a lock outlives a crash and then keeps everybody out.
//
// A file is replaced by compare and swap. Whoever wants to replace content C makes the new file, syncs it, and
// gives it the name `<file>.<hash of C>.next`. That name can be had once, so it is the right to replace C; the
// renaming of it to `<file>` is the change. As nobody else changes C meanwhile, the file cannot change between a last
// look at it and the renaming. A crash in between leaves the name taken; from the milliseconds that it is needed to
// `claimAgeMaxMs` (leftovers.ts) others believe that somebody is at work.

import { dirname } from 'node:path';

import { equalBytes, toHex } from '../../bytes.js';
import { randomBytes } from '../../random-bytes.js';
import type { Disk } from './disk.js';
import { isAbandoned, removeLeftovers, shortHash } from './leftovers.js';

/** Creates a file, or returns false as there is one: a link, unlike a renaming, replaces nothing. Durable either way. */
export async function createFile(disk: Disk, path: string, bytes: Uint8Array): Promise<boolean> {
  const temporary = temporaryOf(path);
  let isCreated: boolean;
  try {
    isCreated =
      (await makeTemporary(disk, temporary, bytes)) && (await linkUnlessTaken(disk, temporary, path));
  } finally {
    await disk.remove(temporary);
  }
  if (isCreated) await removeLeftovers(disk, path);
  await disk.syncFolder(dirname(path));
  return isCreated;
}

/**
 * Replaces a file whose content is `from`, and removes what crashes left beside it. Returns false where its content is
 * another, or somebody else is replacing it. Durable either way. `assertAllowed` throws where something else forbids it;
 * it is called while nobody else may replace that content.
 */
export async function replaceFile(
  disk: Disk,
  path: string,
  from: Uint8Array,
  to: Uint8Array,
  assertAllowed: () => Promise<void> = () => Promise.resolve(),
): Promise<boolean> {
  const temporary = temporaryOf(path);
  const claim = claimOf(path, from);
  try {
    if ((await makeTemporary(disk, temporary, to)) && (await claimFile(disk, temporary, claim)))
      await swap(disk, path, from, claim, assertAllowed);
  } finally {
    await disk.remove(temporary);
  }
  await removeLeftovers(disk, path);
  await disk.syncFolder(dirname(path));
  return holds(disk, path, to);
}

/**
 * Says whether a file holds that content, and nobody is replacing it: whoever claims it afterwards finds whatever was
 * written before this was asked.
 */
export async function isUnclaimed(disk: Disk, path: string, content: Uint8Array): Promise<boolean> {
  const claim = claimOf(path, content);
  if (!(await isAbandoned(disk, claim))) return false;
  await takeAway(disk, claim, temporaryOf(path));
  return holds(disk, path, content);
}

async function claimFile(disk: Disk, temporary: string, claim: string): Promise<boolean> {
  if (await linkUnlessTaken(disk, temporary, claim)) return true;
  if (!(await isAbandoned(disk, claim))) return false;
  await takeAway(disk, claim, temporary);
  return linkUnlessTaken(disk, temporary, claim);
}

/** Under a name of our own first: it may be a fresh claim by now, whose owner then finds it gone. */
async function takeAway(disk: Disk, claim: string, temporary: string): Promise<void> {
  const taken = `${temporary.slice(0, -'.tmp'.length)}.taken.tmp`;
  if (await unless(['ENOENT'], disk.rename(claim, taken))) await disk.remove(taken);
}

async function swap(
  disk: Disk,
  path: string,
  from: Uint8Array,
  claim: string,
  assertAllowed: () => Promise<void>,
): Promise<void> {
  let isOver = false;
  try {
    if (await holds(disk, path, from)) {
      await assertAllowed();
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

/** Gives a file another name, durably. */
export async function moveFile(disk: Disk, path: string, to: string): Promise<void> {
  await disk.rename(path, to);
  await disk.syncFolder(dirname(path));
}

/** Removes a file, durably. */
export async function removeFile(disk: Disk, path: string): Promise<void> {
  await disk.remove(path);
  await disk.syncFolder(dirname(path));
}

function temporaryOf(path: string): string {
  return `${path}.${toHex(randomBytes(8))}.tmp`;
}

function claimOf(path: string, content: Uint8Array): string {
  return `${path}.${shortHash(content)}.next`;
}

/** False where somebody who changed the file took it for a leftover, before it could be linked. */
async function makeTemporary(disk: Disk, temporary: string, bytes: Uint8Array): Promise<boolean> {
  await disk.create(temporary, bytes);
  return unless(['ENOENT'], disk.sync(temporary));
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
