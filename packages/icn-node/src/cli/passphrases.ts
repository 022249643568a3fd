import { open } from 'node:fs/promises';
import { IdentityError } from '@icn/identity';
import type { Keystore } from '@icn/identity/keystore';
import { askSecret, ownTerminal } from './secret-prompt.js';

/** The longest passphrase and a newline are 1,026 bytes; a longer file was named by mistake. */
const PASSPHRASE_FILE_BYTES_MAX = 1_026;

const MODE_OF_OTHERS = 0o077;

export const PASSPHRASE_VARIABLE = 'ICN_PASSPHRASE';

/** What every command takes that opens an identity. */
export interface PassphraseOptions {
  readonly passphraseFile?: string;
  /** How warnings are written. */
  readonly json: boolean;
}

let ofEnvironment: string | undefined;

/**
 * Takes the passphrase out of the environment, whatever the command is, so that nothing which this process starts inherits
 * it; {@link currentPassphrase} knows it from then on.
 */
export function takePassphraseVariable(): void {
  ofEnvironment = process.env[PASSPHRASE_VARIABLE] || undefined;
  delete process.env[PASSPHRASE_VARIABLE];
}

/**
 * The passphrase of an identity that is there: from the file, else the environment, else, where it has one, from the
 * terminal. Undefined where nobody gave one, and none is needed: an identity that is made then is in the clear. Says so
 * where one was given that is not needed: who gives it believes that the key is protected.
 *
 * @throws IdentityError `identity-locked` where it is needed, also where `signal` ends the asking; and those of reading
 *   the identity.
 */
export async function currentPassphrase(
  keystore: Keystore,
  { passphraseFile, json }: PassphraseOptions,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const given = passphraseFile === undefined ? ofEnvironment : await readPassphraseFile(passphraseFile, json);
  const encrypted = await isEncrypted(keystore);
  if (given !== undefined && encrypted === false)
    warn(
      'passphrase-unused',
      `${keystore.path} is in the clear: the passphrase that was given opens nothing`,
      json,
    );
  if (given !== undefined || encrypted !== true) return given;
  const terminal = ownTerminal();
  const typed = terminal && (await askSecret(`Passphrase of ${keystore.path}: `, terminal, signal));
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
  { isNew, json }: { readonly isNew: boolean; readonly json: boolean },
): Promise<string | undefined> {
  if (file !== undefined) return readPassphraseFile(file, json);
  const terminal = ownTerminal();
  if (terminal === undefined) return undefined;
  const typed = await askSecret(`${name}: `, terminal);
  if (typed === undefined || typed === '')
    throw new IdentityError('passphrase-invalid', 'no passphrase was typed; nothing was changed');
  if (isNew && (await askSecret(`${name}, again: `, terminal)) !== typed)
    throw new IdentityError('passphrase-invalid', 'the two passphrases differ; nothing was changed');
  return typed;
}

/** Undefined where nothing can be read: what is wrong there is said by who then tries to use it. */
async function isEncrypted(keystore: Keystore): Promise<boolean | undefined> {
  try {
    return (await keystore.inspect()).isEncrypted;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === 'identity-missing' || code === 'identity-io') return undefined;
    throw error;
  }
}

/** The one line of a file, or of a pipe that is named like one. */
async function readPassphraseFile(path: string, json: boolean): Promise<string> {
  const bytes = Buffer.alloc(PASSPHRASE_FILE_BYTES_MAX + 1);
  try {
    const byteCount = await readUpTo(path, bytes, json);
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

/**
 * A file that is open to others is taken, and said aloud: secrets of containers are of mode 0444 where nobody chose
 * another, in a file system that others do not see, and a node that refuses them teaches people to use the environment.
 */
async function readUpTo(path: string, bytes: Buffer, json: boolean): Promise<number> {
  const file = await open(path, 'r');
  try {
    const stats = await file.stat();
    if (process.platform !== 'win32' && stats.isFile() && (stats.mode & MODE_OF_OTHERS) !== 0) {
      const mode = (stats.mode & 0o777).toString(8);
      warn(
        'passphrase-file-open',
        `others may read the passphrase in ${path} (mode ${mode}): run chmod 600 on it`,
        json,
      );
    }
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

/** On standard error, as errors are; the command goes on. */
function warn(code: string, message: string, json: boolean): void {
  const shown = json ? JSON.stringify({ warning: { code, message } }) : `icn: warning: ${message}`;
  process.stderr.write(`${shown}\n`);
}
