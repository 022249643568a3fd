// The file that holds who this node is. Version 1 keeps the seed in the clear and relies on the file's mode,
// as an ssh host key does:
//
//   {"version": 1, "did": "did:icn:z…", "seed": "<64 hexadecimal digits>"}
//
// `did` is redundant on purpose: it tells a damaged seed from another person's.

import { link, open, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

import { fromHex, toHex } from '../bytes.js';
import { IdentityError } from '../identity-error.js';
import { generateKeyPair, keyPairFromSeed, type KeyPair } from '../key-pair.js';
import { randomBytes } from '../random-bytes.js';

const formatVersion = 1;

/** Ample for version 1 (160 bytes) and an encrypted form; a guess. What is larger is not read. */
const fileBytesMax = 4_096;

const ownerOnlyMode = 0o600;
const modeOfOthers = 0o077;

/** Windows has neither mode bits nor directories that can be synced. */
const isPosix = process.platform !== 'win32';

/**
 * Reads the identity file at `path`, and makes it with a new key pair if there is none; `created` says which.
 *
 * The file appears whole or not at all, is on disk before the promise fulfils, and never replaces another: of
 * several processes that start at once one creates it and all get its key pair. A crash may leave a
 * `path.*.tmp` beside it, which is never read. The directory must exist.
 *
 * @throws IdentityError `identity-io`, or as {@link readIdentity} does.
 */
export async function loadOrCreateIdentity(path: string): Promise<{ keyPair: KeyPair; created: boolean }> {
  try {
    return { keyPair: await readIdentity(path), created: false };
  } catch (error) {
    if (!(error instanceof IdentityError && error.code === 'identity-missing')) throw error;
  }
  const keyPair = generateKeyPair();
  const created = await createFile(path, formatIdentity(keyPair)).catch(ioFailure('create', path));
  return { keyPair: created ? keyPair : await readIdentity(path), created };
}

/**
 * Reads the identity file at `path`, which it never changes.
 *
 * @throws IdentityError `identity-missing`; `identity-permissions` if anybody but the owner has access, which ssh
 *   refuses for its keys too; `identity-corrupt`; `identity-version`; `identity-io`.
 */
export async function readIdentity(path: string): Promise<KeyPair> {
  return parseIdentity(await readPrivateFile(path).catch(ioFailure('read', path)), path);
}

async function readPrivateFile(path: string): Promise<string> {
  return withFile(await open(path, 'r'), async (file) => {
    const stats = await file.stat();
    if (!stats.isFile()) throw corrupt(path, 'it is not a file');
    if (isPosix && (stats.mode & modeOfOthers) !== 0) {
      throw new IdentityError(
        'identity-permissions',
        `identity file ${path} is open to others (mode ${(stats.mode & 0o777).toString(8)}): run chmod 600 on it; ` +
          'if others may have read it, whoever did can speak in your name',
      );
    }
    if (stats.size > fileBytesMax) throw corrupt(path, `it is larger than ${fileBytesMax} bytes`);
    return file.readFile('utf8');
  });
}

function formatIdentity({ did, seed }: KeyPair): string {
  return `${JSON.stringify({ version: formatVersion, did, seed: toHex(seed) })}\n`;
}

function parseIdentity(text: string, path: string): KeyPair {
  const { version, did, seed } = parseRecord(text, path);
  if (typeof version === 'number' && version > formatVersion) {
    throw new IdentityError(
      'identity-version',
      `identity file ${path} has version ${version}, newer than ${formatVersion}: use a newer release of icn`,
    );
  }
  if (version !== formatVersion) throw corrupt(path, 'it names no version');
  const keyPair = keyPairFromSeed(parseSeed(seed, path));
  if (did !== keyPair.did) throw corrupt(path, 'its seed is not that of its DID');
  return keyPair;
}

/** Drops the error of JSON.parse, which quotes the text and with it the seed. */
function parseRecord(text: string, path: string): { version?: unknown; did?: unknown; seed?: unknown } {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    throw corrupt(path, 'it is not JSON');
  }
  if (typeof record !== 'object' || record === null) throw corrupt(path, 'it is no JSON object');
  return record;
}

function parseSeed(seed: unknown, path: string): Uint8Array {
  if (typeof seed === 'string' && /^[0-9a-f]{64}$/.test(seed)) return fromHex(seed);
  throw corrupt(path, 'its seed is not 64 hexadecimal digits');
}

/** Creates the file, whole and durable, or returns false as there is one: a link, unlike a rename, replaces nothing. */
async function createFile(path: string, text: string): Promise<boolean> {
  const temporary = `${path}.${toHex(randomBytes(8))}.tmp`;
  let created: boolean;
  try {
    await withFile(await open(temporary, 'wx', ownerOnlyMode), async (file) => {
      await file.writeFile(text);
      await file.sync();
    });
    created = await linkUnlessTaken(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
  if (isPosix) await withFile(await open(dirname(path), 'r'), (directory) => directory.sync());
  return created;
}

async function linkUnlessTaken(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function withFile<Result>(
  file: FileHandle,
  use: (file: FileHandle) => Promise<Result>,
): Promise<Result> {
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/** Turns an error of the system into one of this package; our own pass. */
function ioFailure(verb: 'read' | 'create', path: string): (cause: NodeJS.ErrnoException) => never {
  return (cause) => {
    if (cause instanceof IdentityError) throw cause;
    if (verb === 'read' && cause.code === 'ENOENT') {
      throw new IdentityError('identity-missing', `there is no identity file ${path}`, { cause });
    }
    throw new IdentityError('identity-io', `cannot ${verb} identity file ${path}: ${cause.message}`, {
      cause,
    });
  };
}

function corrupt(path: string, why: string): IdentityError {
  return new IdentityError(
    'identity-corrupt',
    `identity file ${path} is damaged: ${why}. It was left as it is: restore it from a backup, ` +
      'or move it away to start with a new identity',
  );
}
