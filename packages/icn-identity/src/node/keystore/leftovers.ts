// What crashes left beside an identity may hold a key in the clear, so it must not outlive a passphrase that was set:
// whoever changes anything removes it. Whoever loses a file here that is in use finds out, and has lost his change.

import { basename, dirname } from 'node:path';

import { toHex } from '../../bytes.js';
import { sha256 } from '../../sha256.js';
import type { Disk } from './disk.js';
import { identityTextBytesMax } from './identity-text.js';
import { isRotationName, readIfThere } from './rotation-files.js';

/** A thousand times what the few steps with a claim take; a guess. Who was asleep longer finds that he lost it. */
const claimAgeMaxMs = 60_000;

/** `<file>.<random>.tmp` is a file in the making, `<file>.<hash>.next` the claim of a change (durable-file.ts). */
const leftoverName = /^(.+)\.([0-9a-f]{16})(\.tmp|\.taken\.tmp|\.next)$/;

/** Removes what was left of the file and of the rotations beside it. Not durable before the folder is synced. */
export async function removeLeftovers(disk: Disk, path: string): Promise<void> {
  const folder = dirname(path);
  for (const name of await disk.list(folder)) {
    const [, of = '', hash = '', end] = leftoverName.exec(name) ?? [];
    if (of !== basename(path) && !isRotationName(of)) continue;
    const at = `${folder}/${name}`;
    if (end !== '.next' || (await isVoid(disk, at, `${folder}/${of}`, hash))) await disk.remove(at);
  }
}

/** Whether a claim is of a content that the file does not have any more, or of nobody. */
async function isVoid(disk: Disk, claim: string, path: string, hash: string): Promise<boolean> {
  const bytes = await readIfThere(disk, path, identityTextBytesMax + 1);
  if (bytes === undefined) return true;
  const isOfOther = shortHash(bytes) !== hash;
  bytes.fill(0);
  return isOfOther || isAbandoned(disk, claim);
}

/** Whether a claim is gone, or so old that its owner crashed. */
export async function isAbandoned(disk: Disk, claim: string): Promise<boolean> {
  try {
    const { modifiedMs } = await disk.read(claim, 0);
    // Also of a clock that was set back.
    return Math.abs(Date.now() - modifiedMs) > claimAgeMaxMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw error;
  }
}

/** Tells one content of a file from the others that it had: 64 bits, so that no two meet by chance. */
export function shortHash(bytes: Uint8Array): string {
  return toHex(sha256(bytes).subarray(0, 8));
}
