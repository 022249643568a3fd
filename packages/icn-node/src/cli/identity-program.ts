import type { ScryptCost } from '@icn/identity/keystore';
import { Option, type Command } from 'commander';
import { command } from './arguments.js';
import type * as identity from './identity.js';

type OptionsOf<Name extends 'exportIdentity' | 'importIdentity'> = Parameters<(typeof identity)[Name]>[1];
type OptionsOfOnly<Name extends 'show' | 'rotate' | 'changePassphrase'> = Parameters<
  (typeof identity)[Name]
>[0];

/** The passphrase of the identity that is there. */
export function passphraseFileOption(): Option {
  return new Option(
    '--passphrase-file <file>',
    'the passphrase of the identity is the one line of this file; else it is asked for, or in ICN_PASSPHRASE',
  );
}

const newPassphraseFile = [
  '--new-passphrase-file <file>',
  'the new passphrase is the one line of this file; else it is asked for',
] as const;

const backupPassphraseFile = [
  '--backup-passphrase-file <file>',
  'the passphrase of the backup is the one line of this file; else it is asked for',
] as const;

/** `icn identity …`; what is written costs so much to open, else what the keystore finds right. */
export function addIdentity(program: Command, done: (exitCode: number) => void, cost?: ScryptCost): void {
  const group = program
    .command('identity')
    .description('who this node is: its key, kept in the data directory');
  const run = () => import('./identity.js');
  const refuse = (self: Command) => (message: string) => self.error(`error: ${message}`);

  command(group, 'show', 'print the DID; this is what `icn identity` alone does', true)
    .option('--document', 'print the DID document instead', false)
    .action(async (options: OptionsOfOnly<'show'>) => done(await (await run()).show(options)));

  command(group, 'export', 'write an encrypted backup of the key to a file, or to standard output')
    .argument('[file]', 'a new file, or -')
    .addOption(passphraseFileOption())
    .option(...backupPassphraseFile)
    .action(async (file: string | undefined, options: OptionsOf<'exportIdentity'>, self: Command) =>
      done(await (await run()).exportIdentity(file, { ...options, cost }, refuse(self))),
    );

  command(group, 'import', 'take in a backup, and keep it under its passphrase, or another')
    .argument('[file]', 'the backup, or - for standard input')
    .option(...backupPassphraseFile)
    .option(...newPassphraseFile)
    .addOption(
      new Option('--plain', 'keep it without a passphrase, for this user alone')
        .default(false)
        .conflicts('newPassphraseFile'),
    )
    .option('--replace', 'also where there is another identity, which is kept under another name', false)
    .action(async (file: string | undefined, options: OptionsOf<'importIdentity'>, self: Command) =>
      done(await (await run()).importIdentity(file, { ...options, cost }, refuse(self))),
    );

  command(group, 'passphrase', 'set, change or remove the passphrase')
    .addOption(passphraseFileOption())
    .option(...newPassphraseFile)
    .addOption(
      new Option('--remove', 'keep the key without one').default(false).conflicts('newPassphraseFile'),
    )
    .action(async (options: OptionsOfOnly<'changePassphrase'>, self: Command) =>
      done(await (await run()).changePassphrase({ ...options, cost }, refuse(self))),
    );

  command(group, 'rotate', 'go on under a new key, and sign with both that it is so')
    .addOption(passphraseFileOption())
    .action(async (options: OptionsOfOnly<'rotate'>) =>
      done(await (await run()).rotate({ ...options, cost })),
    );
}
