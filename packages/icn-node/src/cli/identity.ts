import { mkdir } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { dirname, join } from 'node:path';
import { didDocument, didKeyFromDid, IdentityError } from '@icn/identity';
import { Keystore, writeBackupFile } from '@icn/identity/keystore';
import { LevelStore } from '../store/level-store.js';
import { parseOptions } from '../options.js';
import type { CommandOptions } from './commands.js';
import { print, printJson } from './output.js';
import { currentPassphrase, namedPassphrase } from './passphrases.js';

/** Ends the command as wrong usage. */
export type RefuseUsage = (message: string) => never;

/** What every command takes that opens an identity. */
export interface UnlockOptions extends CommandOptions {
  readonly passphraseFile?: string;
}

/** More than any backup has; what is longer is not read. */
const BACKUP_BYTES_MAX = 4_096;

/** Where a data directory keeps its identity. */
export function keystoreIn(dataDir: string): Keystore {
  return new Keystore(join(dataDir, 'identity.json'));
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
  const { dataDir, json, passphraseFile, backupPassphraseFile } = options;
  const keystore = keystoreIn(dataDir);
  const { did } = await keystore.inspect();
  const passphrase = await currentPassphrase(keystore, passphraseFile);
  const backupPassphrase =
    (await namedPassphrase('Passphrase of the backup', backupPassphraseFile, true)) ??
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
  options: CommandOptions & {
    readonly backupPassphraseFile?: string;
    readonly newPassphraseFile?: string;
    readonly plain: boolean;
    readonly replace: boolean;
  },
  refuse: RefuseUsage,
): Promise<number> {
  const { dataDir, json, backupPassphraseFile, newPassphraseFile, plain, replace } = options;
  const isFromInput = file === undefined || file === '-';
  if (isFromInput && process.stdin.isTTY) refuse('give the file of the backup, or send it to standard input');
  const text = await (isFromInput
    ? readBackup(process.stdin, 'the input')
    : readBackup(createReadStream(file), file));
  const backupPassphrase =
    (await namedPassphrase('Passphrase of the backup', backupPassphraseFile, false)) ??
    refuse('give the passphrase of the backup by --backup-passphrase-file, or in a terminal');
  const other =
    newPassphraseFile === undefined
      ? undefined
      : await namedPassphrase('New passphrase', newPassphraseFile, true);
  const passphrase = plain ? undefined : (other ?? backupPassphrase);
  const keystore = keystoreIn(dataDir);
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
export async function rotate({ dataDir, json, passphraseFile }: UnlockOptions): Promise<number> {
  const keystore = keystoreIn(dataDir);
  await keystore.inspect();
  const passphrase = await currentPassphrase(keystore, passphraseFile);
  const { network } = parseOptions({});
  const rotated = await whileNoNodeRuns(dataDir, () =>
    keystore.rotate({ network, timestampMs: Date.now() }, passphrase),
  );
  const { previous, did, statement, retired } = rotated;
  if (json) {
    await printJson({ did, previous, statement, retired });
    return 0;
  }
  const lines = [
    `${previous} goes on as ${did}`,
    `  statement  ${statement}`,
    `  old key    ${retired}`,
    'What to do next:',
    '  - give the statement to those who know the old DID: it shows, signed by both keys, who goes on;',
    '  - icn up starts the node under the new DID; peers that allow or dial the old one by its DID have to be told;',
    '  - make a new backup: icn identity export; the old one is of the old key;',
    '  - remove the file of the old key once nobody doubts the statement. Never use it again.',
  ];
  for (const line of lines) await print(line);
  return 0;
}

/** Sets, changes or removes the passphrase. A node that is running goes on, and needs the new one at its next start. */
export async function changePassphrase(
  options: UnlockOptions & { readonly newPassphraseFile?: string; readonly remove: boolean },
  refuse: RefuseUsage,
): Promise<number> {
  const { dataDir, json, passphraseFile, newPassphraseFile, remove } = options;
  const keystore = keystoreIn(dataDir);
  await keystore.inspect();
  const current = await currentPassphrase(keystore, passphraseFile);
  const next = remove
    ? undefined
    : ((await namedPassphrase('New passphrase', newPassphraseFile, true)) ??
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
