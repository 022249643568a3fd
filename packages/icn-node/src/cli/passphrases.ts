import { open } from 'node:fs/promises';
import { IdentityError } from '@icn/identity';
import type { Keystore } from '@icn/identity/keystore';
import { askSecret, ownTerminal } from './secret-prompt.js';

/** The longest passphrase and a newline are 1,026 bytes; a longer file was named by mistake. */
const PASSPHRASE_FILE_BYTES_MAX = 1_026;

export const PASSPHRASE_VARIABLE = 'ICN_PASSPHRASE';

/**
 * The passphrase of an identity that is there: from the file, else the environment, else, where it has one, from the
 * terminal. Undefined where nobody gave one, and none is needed: an identity that is made then is in the clear.
 *
 * @throws IdentityError `identity-locked` where it is needed, and those of reading the identity.
 */
export async function currentPassphrase(
  keystore: Keystore,
  file: string | undefined,
): Promise<string | undefined> {
  const given = file === undefined ? takeVariable() : await readPassphraseFile(file);
  if (given !== undefined || !(await isEncrypted(keystore))) return given;
  const terminal = ownTerminal();
  const typed = terminal && (await askSecret(`Passphrase of ${keystore.path}: `, terminal));
  if (typed !== undefined && typed !== '') return typed;
  throw new IdentityError(
    'identity-locked',
    `identity file ${keystore.path} is encrypted: give its passphrase in a terminal, by --passphrase-file, or in ${PASSPHRASE_VARIABLE}`,
  );
}

/** A passphrase that is asked for by name, from the file or the terminal; undefined where there is neither. */
export async function namedPassphrase(
  name: string,
  file: string | undefined,
  isNew: boolean,
): Promise<string | undefined> {
  if (file !== undefined) return readPassphraseFile(file);
  const terminal = ownTerminal();
  if (terminal === undefined) return undefined;
  const typed = await askSecret(`${name}: `, terminal);
  if (typed === undefined || typed === '')
    throw new IdentityError('passphrase-invalid', 'no passphrase was typed; nothing was changed');
  if (isNew && (await askSecret(`${name}, again: `, terminal)) !== typed)
    throw new IdentityError('passphrase-invalid', 'the two passphrases differ; nothing was changed');
  return typed;
}

/** Where nothing can be read there is nothing to unlock; what is wrong there is said by who then tries to use it. */
async function isEncrypted(keystore: Keystore): Promise<boolean> {
  try {
    return (await keystore.inspect()).isEncrypted;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === 'identity-missing' || code === 'identity-io') return false;
    throw error;
  }
}

/** Taken out of the environment, so that processes which this one starts do not inherit it. */
function takeVariable(): string | undefined {
  const value = process.env[PASSPHRASE_VARIABLE];
  delete process.env[PASSPHRASE_VARIABLE];
  return value === '' ? undefined : value;
}

/** The one line of a file, or of a pipe that is named like one. */
async function readPassphraseFile(path: string): Promise<string> {
  const bytes = Buffer.alloc(PASSPHRASE_FILE_BYTES_MAX + 1);
  try {
    const byteCount = await readUpTo(path, bytes);
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
      .decode(bytes.subarray(0, byteCount))
      .replace(/\r?\n$/, '');
    if (text !== '' && !/[\r\n\0]/.test(text) && byteCount <= PASSPHRASE_FILE_BYTES_MAX) return text;
  } catch (error) {
    if (!(error instanceof TypeError)) throw passphraseFileError(path, (error as Error).message);
  } finally {
    bytes.fill(0);
  }
  throw passphraseFileError(path, 'it is not one line of text');
}

async function readUpTo(path: string, bytes: Buffer): Promise<number> {
  const file = await open(path, 'r');
  try {
    for (let byteCount = 0; ;) {
      const { bytesRead } = await file.read(bytes, byteCount, bytes.length - byteCount, null);
      byteCount += bytesRead;
      if (bytesRead === 0 || byteCount === bytes.length) return byteCount;
    }
  } finally {
    await file.close();
  }
}

function passphraseFileError(path: string, why: string): IdentityError {
  return new IdentityError('passphrase-invalid', `cannot take a passphrase from ${path}: ${why}`);
}
