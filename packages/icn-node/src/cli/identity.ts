import { mkdir } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { dirname, join } from 'node:path';
import { didDocument, didKeyFromDid, IdentityError } from '@icn/identity';
import { Keystore, writeBackupFile, type Rotated, type ScryptCost } from '@icn/identity/keystore';
import { LevelStore } from '../store/level-store.js';
import { parseOptions } from '../options.js';
import type { CommandOptions } from './commands.js';
import { print, printJson } from './output.js';
import { currentPassphrase, namedPassphrase, type PassphraseOptions } from './passphrases.js';

/** Ends the command as wrong usage. */
export type RefuseUsage = (message: string) => never;

/** What every command takes that writes a key. */
interface WritingOptions extends CommandOptions {
  readonly cost?: ScryptCost | undefined;
}

/** What every command takes that opens an identity, and writes one. */
export type UnlockOptions = WritingOptions & PassphraseOptions;

/** More than any backup has; what is longer is not read. */
const BACKUP_BYTES_MAX = 4_096;

/** Where a data directory keeps its identity. */
export function keystoreIn(dataDir: string, cost?: ScryptCost): Keystore {
  return new Keystore(join(dataDir, 'identity.json'), cost && { cost });
}

/** Needs no passphrase: a DID is public. */
export async function show({
  dataDir,
  json,
  document,
}: CommandOptions & { document: boolean }): Promise<number> {
  const keystore = keystoreIn(dataDir);
  const { did, isEncrypted: encrypted } = await keystore.inspect();
  if (document) await print(JSON.stringify(didDocument(did), null, json ? undefined : 2));
  else if (json) await printJson({ did, didKey: didKeyFromDid(did), path: keystore.path, encrypted });
  else await print(did);
  return 0;
}

/** Writes a backup to a file, which must not be there yet, or to standard output. */
export async function exportIdentity(
  file: string | undefined,
  options: UnlockOptions & { readonly backupPassphraseFile?: string },
  refuse: RefuseUsage,
): Promise<number> {
  const { dataDir, json, backupPassphraseFile, cost } = options;
  const keystore = keystoreIn(dataDir, cost);
  const { did } = await keystore.inspect();
  const passphrase = await currentPassphrase(keystore, options);
  const backupPassphrase =
    (await namedPassphrase('Passphrase of the backup', backupPassphraseFile, { isNew: true, json })) ??
    refuse('a backup has a passphrase: give it by --backup-passphrase-file, or in a terminal');
  const text = await keystore.exportBackup(backupPassphrase, passphrase);
  if (file === undefined || file === '-') {
    await print(text.trimEnd());
    return 0;
  }
  await writeBackupFile(file, text);
  if (json) await printJson({ did, backup: file });
  else await print(`${did} is backed up in ${file}; who has that and its passphrase can speak in its name`);
  return 0;
}

/** Takes in a backup from a file or standard input, and keeps it under the backup's passphrase unless told otherwise. */
export async function importIdentity(
  file: string | undefined,
  options: WritingOptions & {
    readonly backupPassphraseFile?: string;
    readonly newPassphraseFile?: string;
    readonly plain: boolean;
    readonly replace: boolean;
  },
  refuse: RefuseUsage,
): Promise<number> {
  const { dataDir, json, backupPassphraseFile, newPassphraseFile, plain, replace, cost } = options;
  const isFromInput = file === undefined || file === '-';
  if (isFromInput && process.stdin.isTTY) refuse('give the file of the backup, or send it to standard input');
  const text = await (isFromInput
    ? readBackup(process.stdin, 'the input')
    : readBackup(createReadStream(file), file));
  const backupPassphrase =
    (await namedPassphrase('Passphrase of the backup', backupPassphraseFile, { isNew: false, json })) ??
    refuse('give the passphrase of the backup by --backup-passphrase-file, or in a terminal');
  const other =
    newPassphraseFile === undefined
      ? undefined
      : await namedPassphrase('New passphrase', newPassphraseFile, { isNew: true, json });
  const passphrase = plain ? undefined : (other ?? backupPassphrase);
  const keystore = keystoreIn(dataDir, cost);
  await mkdir(dirname(keystore.path), { recursive: true, mode: 0o700 });
  const taken = await whileNoNodeRuns(dataDir, () =>
    keystore.importBackup(text, { backupPassphrase, passphrase, replace }),
  );
  const { did, isEncrypted: encrypted, kept } = taken;
  if (json) await printJson({ did, path: keystore.path, encrypted, kept: kept ?? null });
  else
    await print(
      `${did} is the identity in ${dataDir}${kept === undefined ? '' : `; the one before is kept as ${kept}`}`,
    );
  return 0;
}

/**
 * Lets the identity go on under a new key. Each file is on the disk before the next step is taken, so the command may be
 * given again after a crash.
 */
export async function rotate(options: UnlockOptions): Promise<number> {
  const { dataDir, json, cost } = options;
  const keystore = keystoreIn(dataDir, cost);
  await keystore.inspect();
  const passphrase = await currentPassphrase(keystore, options);
  const { network } = parseOptions({});
  const rotated = await whileNoNodeRuns(dataDir, () =>
    keystore.rotate({ network, timestampMs: Date.now() }, passphrase),
  );
  if (json) await printJson(rotated);
  else for (const line of rotatedLines(rotated)) await print(line);
  return 0;
}

function* rotatedLines({ previous, did, statement, retired, wasBegun }: Rotated): Generator<string> {
  yield `${previous} goes on as ${did}`;
  yield `  statement  ${statement}`;
  yield `  old key    ${retired}`;
  if (wasBegun) {
    yield 'This ended a rotation that was begun earlier; no other key was made, and the one in force now was made then.';
    yield 'To go on under another one, because that may be known to others, rotate again.';
  }
  yield 'What to do next:';
  yield '  - give the statement to those who know the old DID: it shows, signed by both keys, who goes on;';
  yield '  - icn up starts the node under the new DID; peers that allow or dial the old one by its DID have to be told;';
  yield '  - say again whom this node trusts (icn trust set): what it said until now is the word of the old DID;';
  yield '  - make a new backup: icn identity export; the old one is of the old key;';
  yield '  - remove the file of the old key once nobody doubts the statement. Never use it again.';
}

/** Sets, changes or removes the passphrase. A node that is running goes on, and needs the new one at its next start. */
export async function changePassphrase(
  options: UnlockOptions & { readonly newPassphraseFile?: string; readonly remove: boolean },
  refuse: RefuseUsage,
): Promise<number> {
  const { dataDir, json, newPassphraseFile, remove, cost } = options;
  const keystore = keystoreIn(dataDir, cost);
  await keystore.inspect();
  const current = await currentPassphrase(keystore, options);
  const next = remove
    ? undefined
    : ((await namedPassphrase('New passphrase', newPassphraseFile, { isNew: true, json })) ??
      refuse('give the new passphrase by --new-passphrase-file, or in a terminal; or --remove it'));
  const { did, isEncrypted: encrypted } = await keystore.changePassphrase(current, next);
  if (json) await printJson({ did, path: keystore.path, encrypted });
  else
    await print(
      `${did} is kept ${encrypted ? 'under the new passphrase' : 'in the clear, for this user alone'}`,
    );
  return 0;
}

/** The store's lock, which dies with its process, keeps nodes out, and others that would change the identity. */
async function whileNoNodeRuns<Result>(dataDir: string, work: () => Promise<Result>): Promise<Result> {
  const store = await LevelStore.open(join(dataDir, 'store'));
  try {
    return await work();
  } finally {
    await store.close();
  }
}

async function readBackup(input: AsyncIterable<Uint8Array>, from: string): Promise<string> {
  const parts: Uint8Array[] = [];
  let byteCount = 0;
  try {
    for await (const part of input) {
      byteCount += part.length;
      if (byteCount > BACKUP_BYTES_MAX) break;
      parts.push(part);
    }
  } catch (cause) {
    throw new IdentityError('identity-io', `cannot read the backup: ${(cause as Error).message}`, { cause });
  }
  if (byteCount <= BACKUP_BYTES_MAX) return Buffer.concat(parts).toString();
  throw new IdentityError('identity-corrupt', `${from} is no backup: it is longer than any`);
}
