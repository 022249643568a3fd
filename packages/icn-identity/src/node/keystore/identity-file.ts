import { toHex } from '../../bytes.js';
import { IdentityError } from '../../identity-error.js';
import { randomBytes } from '../../random-bytes.js';
import type { Disk } from './disk.js';
import { keepFile, moveFile } from './durable-file.js';
import { corruptIdentity, identityTextBytesMax } from './identity-text.js';
import { shortHash } from './leftovers.js';

const modeOfOthers = 0o077;

/** What lies where an identity file should be. */
export interface FoundFile {
  /** Its first bytes, all of it if it is no longer than an identity file may be. */
  readonly bytes: Uint8Array;
  readonly isWhole: boolean;
}

/**
 * Reads a file that is for its owner alone.
 *
 * @throws IdentityError `identity-corrupt` where it is not a file, `identity-permissions`; and what the disk throws.
 */
export async function readIdentityFile(disk: Disk, path: string, where: string): Promise<FoundFile> {
  const { bytes, byteCount, isFile, mode } = await disk.read(path, identityTextBytesMax);
  if (!isFile) throw corruptIdentity(where, 'it is not a file');
  if ((mode & modeOfOthers) !== 0) {
    throw new IdentityError(
      'identity-permissions',
      `${where} is open to others (mode ${mode.toString(8)}): run chmod 600 on it; ` +
        'if others may have read it, whoever did can speak in your name',
    );
  }
  return { bytes, isWhole: byteCount <= identityTextBytesMax };
}

export function tooLarge(where: string): IdentityError {
  return corruptIdentity(where, `it is larger than ${identityTextBytesMax} bytes`);
}

/**
 * Keeps a file that another is about to take the place of, and gives the path of what is kept. One that is too large to
 * be compared when it is replaced is moved away instead, so that its place is free.
 */
export async function keepAside(disk: Disk, path: string, { bytes, isWhole }: FoundFile): Promise<string> {
  const at = await disk.resolve(path);
  const kept = `${at}.${isWhole ? shortHash(bytes) : toHex(randomBytes(8))}.old`;
  await (isWhole ? keepFile : moveFile)(disk, at, kept);
  return kept;
}
