// The files that a rotation leaves beside the identity file, and what they say of a DID: that its rotation was begun,
// or that it is over. identity-rotation.ts writes them.

import { dirname } from 'node:path';

import type { Did } from '../../did.js';
import { IdentityError } from '../../identity-error.js';
import type { Disk } from './disk.js';

export interface RotationFiles {
  /** The new key, as long as the rotation is not over. */
  readonly successor: string;
  /** The statement, signed by both keys. */
  readonly statement: string;
  /** The old key. */
  readonly retired: string;
}

const key = 'z[1-9A-HJ-NP-Za-km-z]{32,44}';
const successorName = new RegExp(`^successor-of-(${key})\\.json$`);
const retiredName = new RegExp(`^retired-${key}\\.json$`);
const statementName = new RegExp(`^rotation-${key}\\.cbor$`);

/** Says whether a rotation writes files of that name. */
export function isRotationName(name: string): boolean {
  return [successorName, statementName, retiredName].some((pattern) => pattern.test(name));
}

/** The files of the rotation of a DID whose identity file lies in that folder. */
export function rotationFilesOf(folder: string, did: Did): RotationFiles {
  const name = did.slice('did:icn:'.length);
  return {
    successor: `${folder}/successor-of-${name}.json`,
    statement: `${folder}/rotation-${name}.cbor`,
    retired: `${folder}/retired-${name}.json`,
  };
}

/** The DIDs whose successor still lies in a file of its own. */
export async function rotatingIn(disk: Disk, folder: string): Promise<readonly Did[]> {
  const keys = (await disk.list(folder)).map((name) => successorName.exec(name)?.[1]);
  return keys.filter((name) => name !== undefined).map((name) => `did:icn:${name}` as Did);
}

/** The paths of the old keys. */
export async function retiredIn(disk: Disk, folder: string): Promise<readonly string[]> {
  return (await disk.list(folder))
    .filter((name) => retiredName.test(name))
    .map((name) => `${folder}/${name}`);
}

/** Where the files of an identity lie: beside the file to which links lead, which may not be there yet. */
export async function folderOf(disk: Disk, path: string): Promise<string> {
  try {
    return dirname(await disk.resolve(path));
  } catch (error) {
    if (isMissing(error)) return dirname(path);
    throw error;
  }
}

/**
 * The key that the new one is sealed under may not change meanwhile: what a statement names must open.
 *
 * @throws IdentityError `rotation-begun`.
 */
export async function assertNotRotating(disk: Disk, folder: string, did: Did): Promise<void> {
  if (await exists(disk, rotationFilesOf(folder, did).successor)) throw rotationBegun(did);
}

/**
 * Nobody may speak as a DID of which a statement says that it goes on as another.
 *
 * @throws IdentityError `rotation-begun`, or `identity-retired` where the rotation is over.
 */
export async function assertInForce(disk: Disk, folder: string, did: Did): Promise<void> {
  const { statement, successor } = rotationFilesOf(folder, did);
  if (!(await exists(disk, statement))) return;
  throw (await exists(disk, successor)) ? rotationBegun(did) : identityRetired(did, statement);
}

export function identityRetired(did: Did, statement: string): IdentityError {
  return new IdentityError(
    'identity-retired',
    `${did} goes on under another key, as ${statement} says: whatever it signs counts for nothing, and a second ` +
      'statement would end the identity for good. Use the new key, or a backup of it',
  );
}

function rotationBegun(did: Did): IdentityError {
  return new IdentityError(
    'rotation-begun',
    `a rotation of ${did} was begun and is not over: nothing was done. ` +
      'Rotate again, with the same passphrase: that ends it, with the key that was made for it',
  );
}

/** Undefined where there is no such file. */
export async function readIfThere(
  disk: Disk,
  path: string,
  bytesMax: number,
): Promise<Uint8Array | undefined> {
  try {
    return (await disk.read(path, bytesMax)).bytes;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function exists(disk: Disk, path: string): Promise<boolean> {
  return (await readIfThere(disk, path, 0)) !== undefined;
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
