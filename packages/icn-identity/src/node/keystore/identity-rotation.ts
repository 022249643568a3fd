// The steps in which an identity goes on under another key. Two statements of one old key would make it nobody's
// (rotation-set.ts), so a key is on the disk before it is named in one, a statement is on the disk before anybody may
// see it, and whoever finds one uses it:
//
//   1  successor-of-z<old>.json   the new key
//   2  rotation-z<old>.cbor       the statement, signed by both
//   3  retired-z<old>.json        the old key, a second name of the identity file
//   4  the identity file          replaced by the new key: here it takes effect
//   5                             the first file is removed
//
// A crash before 4 leaves the old identity in force; the next call goes on from what it finds. After 4 the new one is
// in force; the next call sees by the first file that it was about to be done, does 5, and rotates nothing.

import { dirname } from 'node:path';

import type { Did } from '../../did.js';
import { IdentityError } from '../../identity-error.js';
import { generateKeyPair, type KeyPair } from '../../key-pair.js';
import { createEnvelope } from '../../envelope/envelope.js';
import { createRotation, openRotation } from '../../rotation/rotation.js';
import type { Disk } from './disk.js';
import { createFile, isUnclaimed, keepFile, removeFile, replaceFile } from './durable-file.js';
import { corruptIdentity, didOfText, identityTextBytesMax } from './identity-text.js';
import { removeLeftovers } from './leftovers.js';
import {
  identityRetired,
  readIfThere,
  rotatingIn,
  rotationFilesOf,
  type RotationFiles,
} from './rotation-files.js';

/** What a statement says besides the keys. */
export interface RotationTerms {
  readonly network: string;
  /** Also its sequence, so later than all that the old key ever gave one: a number is given once, whatever is said. */
  readonly timestampMs: number;
}

/** What {@link Keystore.rotate} did. */
export interface Rotated {
  readonly previous: Did;
  readonly did: Did;
  /** The files of the statement and of the old key. */
  readonly statement: string;
  readonly retired: string;
  /** Whether this finished what a crash had cut short. */
  readonly wasBegun: boolean;
}

interface RotationParts {
  readonly disk: Disk;
  /** Of the identity file, without links. */
  readonly path: string;
  readonly old: { readonly bytes: Uint8Array; readonly keyPair: KeyPair };
  /** The text under which a key pair is kept. */
  readonly format: (keyPair: KeyPair) => Promise<Uint8Array>;
  /** Opens such a text. */
  readonly open: (text: string, where: string) => Promise<KeyPair>;
}

/** Whose key goes on, and the content of the identity file from then on. */
interface Successor {
  readonly did: Did;
  readonly bytes: Uint8Array;
}

/** Ample for a statement, which has some 330 bytes and a network's name. */
const statementBytesMax = 4_096;

export class IdentityRotation {
  readonly #parts: RotationParts;
  readonly #folder: string;
  readonly #files: RotationFiles;

  constructor(parts: RotationParts) {
    this.#parts = parts;
    this.#folder = dirname(parts.path);
    this.#files = rotationFilesOf(this.#folder, parts.old.keyPair.did);
  }

  /** Undefined where somebody else changed the identity meanwhile. Throws IdentityError, and what the disk throws. */
  async run(terms: RotationTerms): Promise<Rotated | undefined> {
    const { disk, path, old } = this.#parts;
    const finished = await this.#finish();
    if (finished !== undefined) return finished;
    this.#assertTerms(terms);
    const begun = await readIfThere(disk, this.#files.statement, statementBytesMax);
    const next = begun === undefined ? await this.#begin(terms) : await this.#resume(begun, terms);
    if (next === undefined) return undefined;
    await keepFile(disk, path, this.#files.retired);
    const isReplaced = await replaceFile(disk, path, old.bytes, next.bytes);
    next.bytes.fill(0);
    if (!isReplaced) return undefined;
    await removeFile(disk, this.#files.successor);
    return this.#rotated(old.keyPair.did, next.did, begun !== undefined);
  }

  /** Before anything is written: an envelope of nothing takes the same terms. */
  #assertTerms({ network, timestampMs }: RotationTerms): void {
    const said = { network, timestampMs, sequence: timestampMs, recipient: null, payload: new Uint8Array() };
    createEnvelope(this.#parts.old.keyPair, { ...said, purpose: 'icn/rotation' });
  }

  /** Steps 1 and 2. Undefined where somebody else is in them, or is changing the passphrase. */
  async #begin(terms: RotationTerms): Promise<Successor | undefined> {
    const { disk, path, old } = this.#parts;
    const next = (await this.#openSuccessor()) ?? (await this.#makeSuccessor());
    if (next === undefined) return undefined;
    try {
      // Who changes the passphrase claims the file and looks for a successor: one of the two sees the other.
      if (!(await isUnclaimed(disk, path, old.bytes))) return undefined;
      const { network, timestampMs } = terms;
      const said = { network, timestampMs, sequence: timestampMs };
      const { bytes } = createRotation(old.keyPair, next.keyPair, said);
      const isStated = await createFile(disk, this.#files.statement, bytes);
      return isStated ? { did: next.keyPair.did, bytes: next.bytes } : undefined;
    } finally {
      next.keyPair.seed.fill(0);
    }
  }

  /** One that a crash left, unless it cannot be opened: no statement names it, so it is let go. */
  async #openSuccessor(): Promise<{ keyPair: KeyPair; bytes: Uint8Array } | undefined> {
    const { disk, open, format } = this.#parts;
    const { successor } = this.#files;
    const bytes = await readIfThere(disk, successor, identityTextBytesMax);
    if (bytes === undefined) return undefined;
    try {
      const keyPair = await open(new TextDecoder().decode(bytes), successor);
      return { keyPair, bytes: await format(keyPair) };
    } catch (error) {
      if (!(error instanceof IdentityError)) throw error;
      await removeFile(disk, successor);
      return undefined;
    } finally {
      bytes.fill(0);
    }
  }

  async #makeSuccessor(): Promise<{ keyPair: KeyPair; bytes: Uint8Array } | undefined> {
    const keyPair = generateKeyPair();
    const bytes = await this.#parts.format(keyPair);
    return (await createFile(this.#parts.disk, this.#files.successor, bytes))
      ? { keyPair, bytes }
      : undefined;
  }

  /** The key that a statement names, kept from now on as the old one is, however it was kept until now. */
  async #resume(statement: Uint8Array, terms: RotationTerms): Promise<Successor> {
    const { disk, open, format, old } = this.#parts;
    const did = this.#successorIn(statement, terms);
    const { successor } = this.#files;
    const kept = await readIfThere(disk, successor, identityTextBytesMax);
    if (kept === undefined) throw identityRetired(old.keyPair.did, this.#files.statement);
    if (didOfText(kept) !== did)
      throw corruptIdentity(successor, `it does not hold ${did}, which ${this.#files.statement} names`);
    const keyPair = await open(new TextDecoder().decode(kept), successor);
    kept.fill(0);
    try {
      return { did, bytes: await format(keyPair) };
    } finally {
      keyPair.seed.fill(0);
    }
  }

  #successorIn(bytes: Uint8Array, { network }: RotationTerms): Did {
    const { did } = this.#parts.old.keyPair;
    const rotation = openRotation(bytes, network);
    if (rotation === 'network-wrong') {
      throw new IdentityError(
        'rotation-network',
        `the rotation of ${did} was begun in another network than ${network}: rotate in that one`,
      );
    }
    if (typeof rotation !== 'string' && rotation.predecessor === did) return rotation.successor;
    const why = typeof rotation === 'string' ? rotation : 'of another';
    throw corruptIdentity(
      this.#files.statement,
      `it is no rotation of ${did} (${why}); another one would make that DID nobody's`,
    );
  }

  /** Step 5, where a crash cut it short. */
  async #finish(): Promise<Rotated | undefined> {
    const { disk, path, old } = this.#parts;
    const did = old.keyPair.did;
    const [previous] = await endRotations(disk, this.#folder, did);
    if (previous === undefined) return undefined;
    await removeLeftovers(disk, path);
    await disk.syncFolder(this.#folder);
    return this.#rotated(previous, did, true);
  }

  #rotated(previous: Did, did: Did, wasBegun: boolean): Rotated {
    const { statement, retired } = rotationFilesOf(this.#folder, previous);
    return { previous, did, statement, retired, wasBegun };
  }
}

/** Does step 5 of the rotations to the DID that is in force, and gives the DIDs that they left. */
export async function endRotations(disk: Disk, folder: string, inForce: Did): Promise<readonly Did[]> {
  const ended: Did[] = [];
  for (const previous of await rotatingIn(disk, folder)) {
    const { successor } = rotationFilesOf(folder, previous);
    const bytes = await readIfThere(disk, successor, identityTextBytesMax);
    if (bytes === undefined || didOfText(bytes) !== inForce) continue;
    bytes.fill(0);
    await removeFile(disk, successor);
    ended.push(previous);
  }
  return ended;
}
