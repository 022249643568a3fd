// Files that are there whole or not at all, whenever the power is cut, and of which no change is lost to another
// process. There are no locks, since a lock outlives a crash and then keeps everybody out.
//
// A file is replaced by compare and swap. Whoever wants to replace content C makes the new file, syncs it, and
// gives it the name `<file>.<hash of C>.next`. That name can be had once, so it is the right to replace C; the
// renaming of it to `<file>` is the change. Whoever finds the name taken renames it himself: nobody waits for a
// process that is dead. As nothing else changes C, the file cannot change between the look at it and the renaming.

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

/**
 * Replaces a file whose content is `from`, and what crashes left beside it. Returns false where its content is
 * another, or a change of it that somebody else began was completed instead. Durable either way.
 */
export async function replaceFile(
  disk: Disk,
  path: string,
  from: Uint8Array,
  to: Uint8Array,
): Promise<boolean> {
  const temporary = temporaryOf(path);
  const claim = `${path}.${shortHash(from)}.next`;
  let isReplaced = false;
  try {
    await disk.create(temporary, to);
    await disk.sync(temporary);
    const isOurs = await linkUnlessTaken(disk, temporary, claim);
    try {
      if (await holds(disk, path, from)) isReplaced = (await renameIfThere(disk, claim, path)) && isOurs;
    } finally {
      if (isOurs && !isReplaced) await disk.remove(claim);
    }
  } finally {
    await disk.remove(temporary);
  }
  await removeLeftovers(disk, path);
  await disk.syncFolder(dirname(path));
  return isReplaced;
}

/** Gives a file whose content is `bytes` a second, durable name that tells it from others, and returns that. */
export async function keepFile(disk: Disk, path: string, bytes: Uint8Array): Promise<string> {
  const kept = `${path}.${shortHash(bytes)}.old`;
  await linkUnlessTaken(disk, path, kept);
  await disk.syncFolder(dirname(path));
  return kept;
}

/**
 * What a crash left may hold a secret in the clear, so it must not outlive a passphrase that was set. Whoever loses a
 * file here that is in use finds out, and reads what there is.
 */
async function removeLeftovers(disk: Disk, path: string): Promise<void> {
  const folder = dirname(path);
  const prefix = `${basename(path)}.`;
  for (const name of await disk.list(folder)) {
    const isLeftover = name.startsWith(prefix) && /^[0-9a-f]{16}\.tmp$/.test(name.slice(prefix.length));
    if (isLeftover) await disk.remove(`${folder}/${name}`);
  }
}

function temporaryOf(path: string): string {
  return `${path}.${toHex(randomBytes(8))}.tmp`;
}

/** Tells one content of a file from the others that it had: 64 bits, so that no two meet by chance. */
function shortHash(bytes: Uint8Array): string {
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

function renameIfThere(disk: Disk, from: string, to: string): Promise<boolean> {
  return unless(['ENOENT'], disk.rename(from, to));
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
