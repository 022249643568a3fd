import type { Did } from '../did.js';
import { IdentityError } from '../identity-error.js';
import { generateKeyPair, type KeyPair } from '../key-pair.js';
import { nodeDisk, type Disk } from './keystore/disk.js';
import { createFile, keepFile, replaceFile, shortHash } from './keystore/durable-file.js';
import {
  corruptIdentity,
  didOfText,
  identityTextBytesMax,
  openIdentity,
  parseIdentityText,
  plainText,
  sealedText,
  type StoredIdentity,
} from './keystore/identity-text.js';
import { assertNewPassphrase, type ScryptCost } from './keystore/passphrase-box.js';
import { IdentityRotation, type Rotated, type RotationTerms } from './keystore/identity-rotation.js';

export { writeBackupFile } from './keystore/backup-file.js';
export { nodeDisk, type Disk, type ReadFile } from './keystore/disk.js';
export type { Rotated, RotationTerms } from './keystore/identity-rotation.js';
export type { ScryptCost } from './keystore/passphrase-box.js';

const modeOfOthers = 0o077;

/** What tests and special machines may swap. */
export interface KeystoreOptions {
  readonly disk?: Disk;
  /** What is written costs so much to open. Default: 128 MiB and half a second. */
  readonly cost?: ScryptCost;
}

/** What a keystore tells without a passphrase. */
export interface IdentityFacts {
  readonly did: Did;
  readonly isEncrypted: boolean;
}

/** How to take in a backup. */
export interface ImportOptions {
  /** Of the backup. */
  readonly backupPassphrase: string;
  /** Under which it is kept here; none keeps it in the clear. */
  readonly passphrase?: string | undefined;
  /** Whether it may take the place of another identity, which is then kept under another name. */
  readonly replace?: boolean;
}

/**
 * The file that holds who somebody is: a key pair, in the clear for its owner alone, or under a passphrase.
 *
 * Whatever happens in between, the file is the old one or the new one, whole; it is on the disk before a promise
 * fulfils. Nothing is written unless what is there was read, opened where that takes a passphrase, and is still
 * the same when it is replaced. Two processes may use one file; of two changes at once one takes effect, and the
 * other throws `identity-busy`. A crash may leave a `*.tmp` or `*.next` beside it, which is never read, and which the
 * next change removes. The folder must exist.
 *
 * Every method throws IdentityError; those that read `identity-missing`, `identity-corrupt`, `identity-version`,
 * `identity-cost`, `identity-io`, and `identity-permissions` if anybody but the owner has access, which ssh refuses
 * for its keys too. Those that open it also throw `identity-locked` without a passphrase where there is one,
 * `passphrase-wrong`, `passphrase-invalid`.
 */
export class Keystore {
  readonly path: string;
  readonly #disk: Disk;
  readonly #cost: ScryptCost | undefined;

  constructor(path: string, { disk = nodeDisk, cost }: KeystoreOptions = {}) {
    this.path = path;
    this.#disk = disk;
    this.#cost = cost;
  }

  /** Tells who it is, without the passphrase. Changes nothing. */
  async inspect(): Promise<IdentityFacts> {
    const { stored } = await this.#read();
    return { did: stored.did, isEncrypted: stored.type === 'sealed' };
  }

  /** The key pair in the file. Changes nothing. A passphrase for a file that has none is not looked at. */
  async unlock(passphrase?: string): Promise<KeyPair> {
    const { stored } = await this.#read();
    return openIdentity(stored, passphrase, this.#name);
  }

  /**
   * The key pair in the file; where there is none, it is made with a new one, under the passphrase if one is given.
   * `created` says which. Never replaces a file: of several processes that start at once one creates it, and all get
   * its key pair.
   */
  async loadOrCreate(passphrase?: string): Promise<{ keyPair: KeyPair; created: boolean }> {
    try {
      return { keyPair: await this.unlock(passphrase), created: false };
    } catch (error) {
      if (!(error instanceof IdentityError && error.code === 'identity-missing')) throw error;
    }
    const keyPair = generateKeyPair();
    const created = await this.#create(await this.#format(keyPair, passphrase));
    return { keyPair: created ? keyPair : await this.unlock(passphrase), created };
  }

  /**
   * Sets, changes or removes the passphrase: opens the file with `from`, and keeps its key pair under `to`, or in the
   * clear without one. Throws `identity-busy` too.
   */
  async changePassphrase(from: string | undefined, to: string | undefined): Promise<IdentityFacts> {
    const { bytes, stored } = await this.#read();
    const keyPair = await openIdentity(stored, from, this.#name);
    try {
      await this.#replace(bytes, await this.#format(keyPair, to));
    } finally {
      keyPair.seed.fill(0);
    }
    return { did: stored.did, isEncrypted: to !== undefined };
  }

  /**
   * A backup of the key pair, as text: the content of an encrypted file, whatever the file here is. It is worth as
   * much as its passphrase, wherever it goes.
   */
  async exportBackup(backupPassphrase: string, passphrase?: string): Promise<string> {
    const { stored } = await this.#read();
    assertNewPassphrase(backupPassphrase);
    const keyPair = await openIdentity(stored, passphrase, this.#name);
    try {
      return await sealedText(keyPair, backupPassphrase, this.#cost);
    } finally {
      keyPair.seed.fill(0);
    }
  }

  /**
   * Makes the file of a backup. An existing file of the same identity is replaced: who has the backup has the key.
   * Another one, or one that cannot be read, is so with `replace` alone, and is kept as `kept`. Throws
   * `identity-exists` else, and `identity-busy`.
   */
  async importBackup(text: string, options: ImportOptions): Promise<IdentityFacts & { kept?: string }> {
    const { backupPassphrase, passphrase, replace = false } = options;
    const stored = parseIdentityText(text, 'the backup');
    if (stored.type === 'plain')
      throw new IdentityError('identity-corrupt', 'the backup is an identity in the clear, not a backup');
    const existing = await this.#find();
    if (existing !== undefined && !replace) this.#assertSame(existing, stored.did);
    const keyPair = await openIdentity(stored, backupPassphrase, 'the backup');
    try {
      const written = await this.#format(keyPair, passphrase);
      const facts = { did: stored.did, isEncrypted: passphrase !== undefined };
      if (existing === undefined) {
        if (await this.#create(written)) return facts;
        throw this.#busy();
      }
      const isOther = didOfText(existing) !== stored.did;
      const kept = isOther ? await this.#keep(existing) : undefined;
      await this.#replace(existing, written);
      return kept === undefined ? facts : { ...facts, kept };
    } finally {
      keyPair.seed.fill(0);
    }
  }

  /**
   * Lets the identity go on under a new key, kept as the old one is: `docs/protocol/identity.md` has the files and their
   * order. After a crash, or after `identity-io`, called again it goes on where it was, with the same new key. Nobody may
   * speak in the old name meanwhile or after. Throws `identity-busy` too.
   */
  async rotate(terms: RotationTerms, passphrase?: string): Promise<Rotated> {
    const { bytes, stored } = await this.#read();
    const isEncrypted = stored.type === 'sealed';
    const keyPair = await openIdentity(stored, passphrase, this.#name);
    try {
      const rotation = new IdentityRotation({
        disk: this.#disk,
        path: await this.#disk.resolve(this.path),
        old: { bytes, keyPair },
        format: (next) => this.#format(next, isEncrypted ? passphrase : undefined),
        open: (text, where) => openIdentity(parseIdentityText(text, where), passphrase, where),
      });
      const rotated = await rotation.run(terms);
      if (rotated === undefined) throw this.#busy();
      return rotated;
    } catch (cause) {
      if (cause instanceof IdentityError) throw cause;
      return this.#ioFailed('rotate', cause);
    } finally {
      keyPair.seed.fill(0);
      bytes.fill(0);
    }
  }

  get #name(): string {
    return `identity file ${this.path}`;
  }

  async #read(): Promise<{ bytes: Uint8Array; stored: StoredIdentity }> {
    const bytes = await this.#readBytes();
    return { bytes, stored: parseIdentityText(textOf(bytes), this.#name) };
  }

  /** Undefined where there is no file. */
  async #find(): Promise<Uint8Array | undefined> {
    try {
      return await this.#readBytes();
    } catch (error) {
      if (error instanceof IdentityError && error.code === 'identity-missing') return undefined;
      throw error;
    }
  }

  async #readBytes(): Promise<Uint8Array> {
    const file = await this.#disk
      .read(this.path, identityTextBytesMax)
      .catch((cause: unknown) => this.#ioFailed('read', cause));
    const { bytes, byteCount, isFile, mode } = file;
    if (!isFile) throw corruptIdentity(this.#name, 'it is not a file');
    if ((mode & modeOfOthers) !== 0) {
      throw new IdentityError(
        'identity-permissions',
        `${this.#name} is open to others (mode ${mode.toString(8)}): run chmod 600 on it; ` +
          'if others may have read it, whoever did can speak in your name',
      );
    }
    if (byteCount > identityTextBytesMax)
      throw corruptIdentity(this.#name, `it is larger than ${identityTextBytesMax} bytes`);
    return bytes;
  }

  async #format(keyPair: KeyPair, passphrase: string | undefined): Promise<Uint8Array> {
    if (passphrase === undefined) return new TextEncoder().encode(plainText(keyPair));
    assertNewPassphrase(passphrase);
    return new TextEncoder().encode(await sealedText(keyPair, passphrase, this.#cost));
  }

  async #create(bytes: Uint8Array): Promise<boolean> {
    return this.#writing('create', bytes, () => createFile(this.#disk, this.path, bytes));
  }

  async #replace(from: Uint8Array, to: Uint8Array): Promise<void> {
    const isReplaced = await this.#writing('change', to, async () =>
      replaceFile(this.#disk, await this.#disk.resolve(this.path), from, to),
    );
    from.fill(0);
    if (!isReplaced) throw this.#busy();
  }

  async #keep(bytes: Uint8Array): Promise<string> {
    try {
      const path = await this.#disk.resolve(this.path);
      const kept = `${path}.${shortHash(bytes)}.old`;
      await keepFile(this.#disk, path, kept);
      return kept;
    } catch (cause) {
      return this.#ioFailed('keep', cause);
    }
  }

  /** Wipes what was written, which may hold the seed in the clear. */
  async #writing(verb: string, bytes: Uint8Array, write: () => Promise<boolean>): Promise<boolean> {
    try {
      return await write();
    } catch (cause) {
      return this.#ioFailed(verb, cause);
    } finally {
      bytes.fill(0);
    }
  }

  #assertSame(existing: Uint8Array, imported: Did): void {
    const found = didOfText(existing);
    if (found === imported) return;
    throw new IdentityError(
      'identity-exists',
      `${this.#name} holds ${found ?? 'what cannot be read'}, and the backup ${imported}: nothing was replaced. ` +
        'Ask for it to be replaced, and the old file is kept under another name',
    );
  }

  #busy(): IdentityError {
    return new IdentityError(
      'identity-busy',
      `${this.#name} is being changed by another process, or was within the last minute by one that crashed; ` +
        'nothing was done: try again, after a minute at the latest',
    );
  }

  /** Turns an error of the system into one of this package. */
  #ioFailed(verb: string, cause: unknown): never {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (verb === 'read' && code === 'ENOENT')
      throw new IdentityError('identity-missing', `there is no ${this.#name}`, { cause });
    throw new IdentityError('identity-io', `cannot ${verb} ${this.#name}: ${message}`, { cause });
  }
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
