import type { Did } from '../did.js';
import { IdentityError } from '../identity-error.js';
import { generateKeyPair, type KeyPair } from '../key-pair.js';
import { nodeDisk, type Disk } from './keystore/disk.js';
import { createFile, replaceFile } from './keystore/durable-file.js';
import { keepAside, readIdentityFile, tooLarge, type FoundFile } from './keystore/identity-file.js';
import {
  endRotations,
  IdentityRotation,
  type Rotated,
  type RotationTerms,
} from './keystore/identity-rotation.js';
import {
  didOfText,
  openIdentity,
  parseIdentityText,
  plainText,
  sealedText,
  type StoredIdentity,
} from './keystore/identity-text.js';
import { assertNewPassphrase, type ScryptCost } from './keystore/passphrase-box.js';
import { assertInForce, assertNotRotating, folderOf } from './keystore/rotation-files.js';
import { sealRetired } from './keystore/retired-keys.js';

export { writeBackupFile } from './keystore/backup-file.js';
export { nodeDisk, type Disk, type ReadFile } from './keystore/disk.js';
export type { Rotated, RotationTerms } from './keystore/identity-rotation.js';
export type { ScryptCost } from './keystore/passphrase-box.js';

/** What tests and special machines may swap. */
export interface KeystoreOptions {
  readonly disk?: Disk;
  /** What is written costs so much to open. Default: 128 MiB and half a second. Less is for tests. */
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
 * next change removes. The folder must exist. While a rotation that was begun is not over, nothing but {@link rotate}
 * changes the file, or opens it to speak in its name: `rotation-begun`.
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
    const { bytes, stored } = await this.#read();
    wipe(bytes, stored);
    return { did: stored.did, isEncrypted: stored.type === 'sealed' };
  }

  /**
   * The key pair in the file, to speak in its name. Changes nothing. A passphrase for a file that has none is not looked
   * at. Throws `identity-retired` where a statement beside the file says that the identity goes on under another key.
   */
  async unlock(passphrase?: string): Promise<KeyPair> {
    const { bytes, stored } = await this.#read();
    try {
      await this.#onDisk('read', async () => assertInForce(this.#disk, await this.#folder(), stored.did));
    } catch (error) {
      wipe(bytes, stored);
      throw error;
    }
    bytes.fill(0);
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
   * clear without one. Retired keys that lie beside it in the clear are put under `to` as well. Throws `identity-busy`
   * too.
   */
  async changePassphrase(from: string | undefined, to: string | undefined): Promise<IdentityFacts> {
    const { bytes, stored } = await this.#read();
    const keyPair = await openIdentity(stored, from, this.#name);
    try {
      await this.#assertNotRotating(stored.did);
      await this.#replace(bytes, await this.#format(keyPair, to), stored.did);
      await this.#settle(stored.did, to);
    } finally {
      bytes.fill(0);
      keyPair.seed.fill(0);
    }
    return { did: stored.did, isEncrypted: to !== undefined };
  }

  /**
   * A backup of the key pair, as text: the content of an encrypted file, whatever the file here is. It is worth as
   * much as its passphrase, wherever it goes.
   */
  async exportBackup(backupPassphrase: string, passphrase?: string): Promise<string> {
    const { bytes, stored } = await this.#read();
    bytes.fill(0);
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
   * `identity-exists` else, `identity-retired` where a statement beside the file says that the backup's key was
   * succeeded, and `identity-busy`.
   */
  async importBackup(text: string, options: ImportOptions): Promise<IdentityFacts & { kept?: string }> {
    const { backupPassphrase, passphrase, replace = false } = options;
    const stored = parseIdentityText(text, 'the backup');
    if (stored.type === 'plain')
      throw new IdentityError('identity-corrupt', 'the backup is an identity in the clear, not a backup');
    await this.#onDisk('read', async () => assertInForce(this.#disk, await this.#folder(), stored.did));
    const existing = await this.#find();
    const isSame = existing !== undefined && isOf(existing, stored.did);
    if (existing !== undefined && !isSame && !replace) throw this.#isOther(existing, stored.did);
    const keyPair = await openIdentity(stored, backupPassphrase, 'the backup');
    try {
      const written = await this.#format(keyPair, passphrase);
      const kept =
        existing === undefined || isSame
          ? undefined
          : await this.#onDisk('keep', () => keepAside(this.#disk, this.path, existing));
      if (existing === undefined || !existing.isWhole) await this.#createAnew(written);
      else await this.#replace(existing.bytes, written, isSame ? stored.did : undefined);
      await this.#settle(stored.did, passphrase);
      const facts = { did: stored.did, isEncrypted: passphrase !== undefined };
      return kept === undefined ? facts : { ...facts, kept };
    } finally {
      keyPair.seed.fill(0);
    }
  }

  /**
   * Lets the identity go on under a new key, kept as the old one is: `docs/protocol/identity.md` has the files and their
   * order. After a crash, or after `identity-io`, called again it goes on where it was, with the same new key, and in the
   * same network (`rotation-network`); the new key ends up kept as the old one is by then. Nobody may speak in the old
   * name meanwhile or after. Throws `envelope-invalid` for terms that no statement can have, `identity-retired` where
   * the identity went on already, and `identity-busy` too.
   */
  async rotate(terms: RotationTerms, passphrase?: string): Promise<Rotated> {
    const { bytes, stored } = await this.#read();
    const isEncrypted = stored.type === 'sealed';
    const keyPair = await openIdentity(stored, passphrase, this.#name);
    try {
      const rotated = await this.#onDisk('rotate', async () =>
        new IdentityRotation({
          disk: this.#disk,
          path: await this.#disk.resolve(this.path),
          old: { bytes, keyPair },
          format: (next) => this.#format(next, isEncrypted ? passphrase : undefined),
          open: (text, where) => openIdentity(parseIdentityText(text, where), passphrase, where),
        }).run(terms),
      );
      if (rotated === undefined) throw this.#busy();
      return rotated;
    } finally {
      keyPair.seed.fill(0);
      bytes.fill(0);
    }
  }

  get #name(): string {
    return `identity file ${this.path}`;
  }

  #folder(): Promise<string> {
    return folderOf(this.#disk, this.path);
  }

  async #read(): Promise<{ bytes: Uint8Array; stored: StoredIdentity }> {
    const { bytes, isWhole } = await this.#readFile();
    if (!isWhole) throw tooLarge(this.#name);
    return { bytes, stored: parseIdentityText(new TextDecoder().decode(bytes), this.#name) };
  }

  /** Undefined where there is no file. */
  async #find(): Promise<FoundFile | undefined> {
    try {
      return await this.#readFile();
    } catch (error) {
      if (error instanceof IdentityError && error.code === 'identity-missing') return undefined;
      throw error;
    }
  }

  #readFile(): Promise<FoundFile> {
    return this.#onDisk('read', () => readIdentityFile(this.#disk, this.path, this.#name));
  }

  async #format(keyPair: KeyPair, passphrase: string | undefined): Promise<Uint8Array> {
    if (passphrase === undefined) return new TextEncoder().encode(plainText(keyPair));
    assertNewPassphrase(passphrase);
    return new TextEncoder().encode(await sealedText(keyPair, passphrase, this.#cost));
  }

  async #create(bytes: Uint8Array): Promise<boolean> {
    return this.#writing('create', bytes, () => createFile(this.#disk, this.path, bytes));
  }

  async #createAnew(bytes: Uint8Array): Promise<void> {
    if (!(await this.#create(bytes))) throw this.#busy();
  }

  /** `did` is that of a file whose key stays, and with it the passphrase under which a successor would be kept. */
  async #replace(from: Uint8Array, to: Uint8Array, did: Did | undefined): Promise<void> {
    const isReplaced = await this.#writing('change', to, async () =>
      replaceFile(this.#disk, await this.#disk.resolve(this.path), from, to, () =>
        this.#assertNotRotating(did),
      ),
    );
    from.fill(0);
    if (!isReplaced) throw this.#busy();
  }

  async #assertNotRotating(did: Did | undefined): Promise<void> {
    if (did === undefined) return;
    await this.#onDisk('read', async () => assertNotRotating(this.#disk, await this.#folder(), did));
  }

  /** Leaves no other copy of a key in the clear where there is a passphrase now. */
  async #settle(inForce: Did, passphrase: string | undefined): Promise<void> {
    await this.#onDisk('change', async () => {
      const folder = await this.#folder();
      await endRotations(this.#disk, folder, inForce);
      if (passphrase !== undefined)
        await sealRetired(this.#disk, folder, (keyPair) => this.#format(keyPair, passphrase));
    });
  }

  /** Wipes what was written, which may hold the seed in the clear. */
  async #writing(verb: string, bytes: Uint8Array, write: () => Promise<boolean>): Promise<boolean> {
    try {
      return await this.#onDisk(verb, write);
    } finally {
      bytes.fill(0);
    }
  }

  #isOther({ bytes, isWhole }: FoundFile, imported: Did): IdentityError {
    const found = (isWhole && didOfText(bytes)) || 'what cannot be read';
    return new IdentityError(
      'identity-exists',
      `${this.#name} holds ${found}, and the backup ${imported}: nothing was replaced. ` +
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
  async #onDisk<Result>(verb: string, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof IdentityError) throw cause;
      const { code, message } = cause as NodeJS.ErrnoException;
      if (verb === 'read' && code === 'ENOENT')
        throw new IdentityError('identity-missing', `there is no ${this.#name}`, { cause });
      throw new IdentityError('identity-io', `cannot ${verb} ${this.#name}: ${message}`, { cause });
    }
  }
}

function isOf({ bytes, isWhole }: FoundFile, did: Did): boolean {
  return isWhole && didOfText(bytes) === did;
}

/** Of a file in the clear both hold the seed. */
function wipe(bytes: Uint8Array, stored: StoredIdentity): void {
  bytes.fill(0);
  if (stored.type === 'plain') stored.keyPair.seed.fill(0);
}
