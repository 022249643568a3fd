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
import { createRotation, openRotation } from '../../rotation/rotation.js';
import type { Disk } from './disk.js';
import { createFile, keepFile, removeFile, replaceFile } from './durable-file.js';
import { corruptIdentity, didOfText, identityTextBytesMax, parseIdentityText } from './identity-text.js';

/** What a statement says besides the keys. */
export interface RotationTerms {
  readonly network: string;
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

const successorName = /^successor-of-(z[1-9A-HJ-NP-Za-km-z]{32,44})\.json$/;

/** A key rotates once, and says nothing else for this purpose. */
const sequence = 1;

/** Ample for a statement, which has some 330 bytes and a network's name. */
const statementBytesMax = 4_096;

export class IdentityRotation {
  readonly #parts: RotationParts;
  readonly #folder: string;

  constructor(parts: RotationParts) {
    this.#parts = parts;
    this.#folder = dirname(parts.path);
  }

  /** Undefined where somebody else changed the identity meanwhile. Throws IdentityError, and what the disk throws. */
  async run(terms: RotationTerms): Promise<Rotated | undefined> {
    const { disk, path, old } = this.#parts;
    const finished = await this.#finish();
    if (finished !== undefined) return finished;
    const files = this.#filesOf(old.keyPair.did);
    const begun = await this.#readIfThere(files.statement, statementBytesMax);
    const did = begun === undefined ? await this.#begin(terms) : this.#successorIn(begun, terms);
    if (did === undefined) return undefined;
    const kept = await this.#readIfThere(files.successor, identityTextBytesMax);
    if (kept === undefined || didOfText(kept) !== did)
      throw corruptIdentity(files.successor, `it does not hold ${did}, which ${files.statement} names`);
    const bytes = await this.#asProtected(kept);
    await keepFile(disk, path, files.retired);
    const isReplaced = await replaceFile(disk, path, old.bytes, bytes);
    bytes.fill(0);
    if (!isReplaced) return undefined;
    await removeFile(disk, files.successor);
    const { statement, retired } = files;
    return { previous: old.keyPair.did, did, statement, retired, wasBegun: begun !== undefined };
  }

  /** Steps 1 and 2. Undefined where somebody else is in them. */
  async #begin(terms: RotationTerms): Promise<Did | undefined> {
    const { disk, old } = this.#parts;
    const { successor, statement } = this.#filesOf(old.keyPair.did);
    const next = (await this.#openSuccessor(successor)) ?? (await this.#makeSuccessor(successor));
    if (next === undefined) return undefined;
    const { bytes } = createRotation(old.keyPair, next, { ...terms, sequence });
    next.seed.fill(0);
    return (await createFile(disk, statement, bytes)) ? next.did : undefined;
  }

  /** One that a crash left, unless it cannot be opened: no statement names it, so it is let go. */
  async #openSuccessor(path: string): Promise<KeyPair | undefined> {
    const bytes = await this.#readIfThere(path, identityTextBytesMax);
    if (bytes === undefined) return undefined;
    try {
      return await this.#parts.open(new TextDecoder().decode(bytes), path);
    } catch (error) {
      if (!(error instanceof IdentityError)) throw error;
      await removeFile(this.#parts.disk, path);
      return undefined;
    } finally {
      bytes.fill(0);
    }
  }

  async #makeSuccessor(path: string): Promise<KeyPair | undefined> {
    const next = generateKeyPair();
    const bytes = await this.#parts.format(next);
    const isCreated = await createFile(this.#parts.disk, path, bytes);
    bytes.fill(0);
    return isCreated ? next : undefined;
  }

  /** The same key, but not in the clear where a passphrase was set since it was made. */
  async #asProtected(bytes: Uint8Array): Promise<Uint8Array> {
    const stored = parseIdentityText(new TextDecoder().decode(bytes), 'the successor');
    return stored.type === 'plain' ? this.#parts.format(stored.keyPair) : bytes;
  }

  #successorIn(bytes: Uint8Array, { network }: RotationTerms): Did {
    const { did } = this.#parts.old.keyPair;
    const rotation = openRotation(bytes, network);
    if (typeof rotation !== 'string' && rotation.predecessor === did) return rotation.successor;
    const why = typeof rotation === 'string' ? rotation : 'of another';
    throw corruptIdentity(
      this.#filesOf(did).statement,
      `it is no rotation of ${did} in the network ${network} (${why}); another one would make that DID nobody's`,
    );
  }

  /** Step 5, where a crash cut it short. */
  async #finish(): Promise<Rotated | undefined> {
    const { disk, old } = this.#parts;
    for (const name of await disk.list(this.#folder)) {
      const previous = successorName.exec(name)?.[1];
      if (previous === undefined) continue;
      const did = `did:icn:${previous}` as Did;
      const { successor, statement, retired } = this.#filesOf(did);
      const bytes = await this.#readIfThere(successor, identityTextBytesMax);
      if (bytes === undefined || didOfText(bytes) !== old.keyPair.did) continue;
      await removeFile(disk, successor);
      return { previous: did, did: old.keyPair.did, statement, retired, wasBegun: true };
    }
    return undefined;
  }

  #filesOf(did: Did): { successor: string; statement: string; retired: string } {
    const key = did.slice('did:icn:'.length);
    const at = (name: string) => `${this.#folder}/${name}`;
    return {
      successor: at(`successor-of-${key}.json`),
      statement: at(`rotation-${key}.cbor`),
      retired: at(`retired-${key}.json`),
    };
  }

  async #readIfThere(path: string, bytesMax: number): Promise<Uint8Array | undefined> {
    try {
      return (await this.#parts.disk.read(path, bytesMax)).bytes;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }
}
