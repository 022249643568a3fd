import { spawnSync } from 'node:child_process';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openRotation } from '@icn/identity';
import { Keystore } from '@icn/identity/keystore';
import { describe, expect, it } from '@jest/globals';
import { runIcn } from '../src/demo/icn-process.js';
import { QUIET, startNode, temporaryFolder } from './support/temporary.js';

/** One JSON object that a command printed. */
const object = (text: string) => JSON.parse(text) as Record<string, unknown>;

/** So that unlocking takes no time; what the commands write costs what it does. */
const cost = { logN: 1, r: 1, p: 1 };

/** A data directory with an identity in the clear, and files with passphrases. */
async function folderWithIdentity() {
  const dataDir = await temporaryFolder();
  const seed = '07'.repeat(32);
  const did = 'did:icn:zGmaDrppBC7P5ARKV8g3djiwP89vz1jLK23V2GBjuAEGB';
  const identity = join(dataDir, 'identity.json');
  await writeFile(identity, JSON.stringify({ version: 1, did, seed }), { mode: 0o600 });
  const file = async (text: string) => {
    const path = join(await temporaryFolder(), 'passphrase');
    await writeFile(path, text, { mode: 0o600 });
    return path;
  };
  return {
    dataDir,
    did,
    identity,
    /** Puts it under the first passphrase, cheaply. */
    encrypt: () => new Keystore(identity, { cost }).changePassphrase(undefined, 'correct horse battery'),
    passphrase: await file('correct horse battery\n'),
    other: await file('staple, in other words'),
    wrong: await file('not the one that is asked for\r\n'),
    icn: (...args: readonly string[]) => runIcn(['identity', ...args, '--data-dir', dataDir, '--json']),
  };
}

describe('icn identity', () => {
  it('shows the DID without a passphrase, in all its names', async () => {
    const { dataDir, did, identity, encrypt, icn } = await folderWithIdentity();
    await encrypt();
    const shown = { did, didKey: expect.stringMatching(/^did:key:z6Mk/), path: identity, encrypted: true };
    expect(object((await icn()).stdout)).toEqual(shown);
    expect((await runIcn(['identity', '--data-dir', dataDir])).stdout).toBe(`${did}\n`);
    expect(object((await icn('show', '--document')).stdout)).toMatchObject({ id: did });
  });

  it('sets, changes and removes the passphrase, and changes nothing by a wrong one', async () => {
    const { did, identity, passphrase, other, wrong, encrypt, icn } = await folderWithIdentity();
    await encrypt();
    const text = await readFile(identity, 'utf8');
    const failures = [
      [['passphrase', '--remove', '--passphrase-file', wrong], 'passphrase-wrong'],
      [['export', '-', '--backup-passphrase-file', other], 'identity-locked'],
      [['rotate', '--passphrase-file', wrong], 'passphrase-wrong'],
      [['rotate', '--passphrase-file', join(identity, 'nowhere')], 'passphrase-invalid'],
    ] as const;
    for (const [args, code] of failures) {
      const { exitCode, stdout, stderr } = await icn(...args);
      expect([args, exitCode, stdout, object(stderr)]).toEqual([
        args,
        1,
        '',
        { error: expect.objectContaining({ code }) },
      ]);
    }
    expect(await readFile(identity, 'utf8')).toBe(text);
    const change = ['passphrase', '--passphrase-file', passphrase] as const;
    expect((await icn(...change, '--new-passphrase-file', other)).exitCode).toBe(0);
    const removed = await icn('passphrase', '--passphrase-file', other, '--remove');
    expect(object(removed.stdout)).toEqual({ did, path: identity, encrypted: false });
  });

  it('makes a backup and takes it in elsewhere, never in the place of another unless asked', async () => {
    const { did, passphrase, wrong, icn } = await folderWithIdentity();
    const backup = join(await temporaryFolder(), 'backup.json');
    const exported = await icn('export', backup, '--backup-passphrase-file', passphrase);
    expect(object(exported.stdout)).toEqual({ did, backup });
    expect((await stat(backup)).mode & 0o777).toBe(0o600);
    expect(await readFile(backup, 'utf8')).not.toContain('0707');
    const again = await icn('export', backup, '--backup-passphrase-file', passphrase);
    expect([again.exitCode, object(again.stderr)]).toMatchObject([1, { error: { code: 'identity-exists' } }]);

    const elsewhere = await temporaryFolder();
    const cheap = new Keystore(
      join(await folderWithIdentity().then(({ dataDir }) => dataDir), 'identity.json'),
      { cost },
    );
    await writeFile(backup, await cheap.exportBackup('correct horse battery'));
    const take = (...args: readonly string[]) =>
      runIcn(['identity', 'import', backup, '--data-dir', elsewhere, '--json', ...args]);
    const refused = await take('--backup-passphrase-file', wrong);
    expect([refused.exitCode, object(refused.stderr)]).toMatchObject([
      1,
      { error: { code: 'passphrase-wrong' } },
    ]);
    const taken = await take('--backup-passphrase-file', passphrase);
    expect(object(taken.stdout)).toMatchObject({ did, encrypted: true, kept: null });

    const occupied = await folderWithIdentity();
    await occupied.icn('rotate');
    const other = await readFile(occupied.identity, 'utf8');
    const input = await readFile(backup, 'utf8');
    const replace = (...args: readonly string[]) =>
      runIcn(
        [
          'identity',
          'import',
          '--data-dir',
          occupied.dataDir,
          '--json',
          '--backup-passphrase-file',
          passphrase,
          ...args,
        ],
        input,
      );
    expect(object((await replace()).stderr)).toMatchObject({ error: { code: 'identity-exists' } });
    expect(await readFile(occupied.identity, 'utf8')).toBe(other);
    const replaced = object((await replace('--replace', '--plain')).stdout);
    expect(replaced).toMatchObject({ did, encrypted: false, kept: expect.stringMatching(/\.old$/) });
    expect(await readFile(replaced['kept'] as string, 'utf8')).toBe(other);
  });

  it('rotates to a new key, whose statement others can check', async () => {
    const { dataDir, did, icn } = await folderWithIdentity();
    const { exitCode, stdout } = await icn('rotate');
    expect(exitCode).toBe(0);
    const { statement, retired, did: next, previous } = object(stdout) as Record<string, string>;
    expect(previous).toBe(did);
    expect(openRotation(await readFile(statement!), 'icn')).toMatchObject({
      predecessor: did,
      successor: next,
    });
    expect(object(await readFile(retired!, 'utf8'))).toMatchObject({ did });
    expect(object((await icn()).stdout)).toMatchObject({ did: next });
    expect((await readdir(dataDir)).filter((name) => name.startsWith('successor'))).toEqual([]);
    expect((await startNode(dataDir, ...QUIET)).did).toBe(next);
  });

  it('rotates and replaces nothing while a node runs; a passphrase may be set', async () => {
    const { dataDir, did, passphrase, icn } = await folderWithIdentity();
    const node = await startNode(dataDir, ...QUIET);
    const { exitCode, stderr } = await icn('rotate');
    expect([exitCode, object(stderr)]).toMatchObject([1, { error: { code: 'data-dir-locked' } }]);
    expect((await icn('passphrase', '--new-passphrase-file', passphrase)).exitCode).toBe(0);
    expect((await node.status()).did).toBe(did);
    expect((await readdir(dataDir)).filter((name) => /rotation|successor|retired/.test(name))).toEqual([]);
  });

  it('says what is missing where there is no identity, and makes nothing', async () => {
    const dataDir = await temporaryFolder();
    for (const name of ['show', 'rotate']) {
      const { exitCode, stderr } = await runIcn(['identity', name, '--data-dir', dataDir, '--json']);
      expect([name, exitCode, object(stderr)]).toMatchObject([
        name,
        1,
        { error: { code: 'identity-missing' } },
      ]);
    }
    expect(await readdir(dataDir)).toEqual([]);
  });

  it.each([
    [['shw'], /too many arguments/],
    [['passphrase', '--remove', '--new-passphrase-file', 'x'], /cannot be used with/],
    [['import', 'backup', '--plain', '--new-passphrase-file', 'x'], /cannot be used with/],
    [['rotate', 'did:icn:z1'], /too many arguments/],
  ])('answers wrong usage %j with exit code 2', async (args, message) => {
    const { exitCode, stderr } = await runIcn(['identity', ...args]);
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  it('answers with exit code 2 where it can ask nobody for a passphrase that has to be new', async () => {
    const { icn } = await folderWithIdentity();
    for (const name of ['export', 'passphrase']) {
      const { exitCode, stderr } = await icn(name);
      expect([name, exitCode, object(stderr)]).toMatchObject([name, 2, { error: { code: 'usage' } }]);
    }
  });
});

describe('icn up with a passphrase', () => {
  it('makes an encrypted identity, and starts again with it alone', async () => {
    const { passphrase, wrong } = await folderWithIdentity();
    const dataDir = await temporaryFolder();
    const up = ['up', ...QUIET, '--data-dir', dataDir] as const;
    const node = await startNode(dataDir, ...QUIET, '--passphrase-file', passphrase);
    expect(object(await readFile(join(dataDir, 'identity.json'), 'utf8'))).toMatchObject({
      version: 2,
      did: node.did,
    });
    await node.end();
    const unlocked = await runIcn(up);
    expect([unlocked.exitCode, unlocked.stderr]).toEqual([
      1,
      expect.stringMatching(/--passphrase-file, or in ICN_PASSPHRASE/),
    ]);
    const refused = await runIcn([...up, '--passphrase-file', wrong]);
    expect([refused.exitCode, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/the passphrase is not that of/),
    ]);
  });

  it('takes it from the environment', async () => {
    const { did, dataDir, identity, encrypt } = await folderWithIdentity();
    await encrypt();
    const env = { ...process.env, ICN_PASSPHRASE: 'correct horse battery' };
    const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
    const args = [cli, 'identity', 'passphrase', '--remove', '--data-dir', dataDir];
    expect(spawnSync(process.execPath, args, { env }).status).toBe(0);
    expect(object(await readFile(identity, 'utf8'))).toMatchObject({ version: 1, did });
  });
});
