import { chmod, cp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openRotation } from '@icn/identity';
import { Keystore } from '@icn/identity/keystore';
import { describe, expect, it } from '@jest/globals';
import { createNode } from '../src/index.js';
import { runIcn } from '../src/demo/icn-process.js';
import { runHere } from './support/run-here.js';
import { afterTest, QUIET, startNode, temporaryFolder } from './support/temporary.js';

/** One JSON object that a command printed. */
const object = (text: string) => JSON.parse(text) as Record<string, unknown>;

/** So that locking and unlocking take no time. */
const cost = { logN: 1, r: 1, p: 1 };

/** `icn identity` with JSON, in this process. */
const identity = (dataDir: string, ...args: readonly string[]) =>
  runHere(['identity', ...args, '--data-dir', dataDir, '--json'], { cost });

/** A node in this process. */
async function nodeIn(dataDir: string) {
  const node = await createNode({ dataDir, listen: [], mdns: false });
  afterTest(() => node.close());
  return node;
}

/** A data directory with an identity in the clear, and files with passphrases. */
async function folderWithIdentity() {
  const dataDir = await temporaryFolder();
  const seed = '07'.repeat(32);
  const did = 'did:icn:zGmaDrppBC7P5ARKV8g3djiwP89vz1jLK23V2GBjuAEGB';
  const path = join(dataDir, 'identity.json');
  await writeFile(path, JSON.stringify({ version: 1, did, seed }), { mode: 0o600 });
  const file = async (text: string) => {
    const at = join(await temporaryFolder(), 'passphrase');
    await writeFile(at, text, { mode: 0o600 });
    return at;
  };
  return {
    dataDir,
    did,
    path,
    /** Puts it under the first passphrase, cheaply. */
    encrypt: () => new Keystore(path, { cost }).changePassphrase(undefined, 'correct horse battery'),
    passphrase: await file('correct horse battery\n'),
    other: await file('staple, in other words'),
    wrong: await file('not the one that is asked for\r\n'),
    icn: (...args: readonly string[]) => identity(dataDir, ...args),
  };
}

describe('icn identity', () => {
  it('shows the DID without a passphrase, in all its names', async () => {
    const { dataDir, did, path, encrypt, icn } = await folderWithIdentity();
    await encrypt();
    const shown = { did, didKey: expect.stringMatching(/^did:key:z6Mk/), path, encrypted: true };
    expect(object((await icn()).stdout)).toEqual(shown);
    expect((await runHere(['identity', '--data-dir', dataDir])).stdout).toBe(`${did}\n`);
    expect(object((await icn('show', '--document')).stdout)).toMatchObject({ id: did });
  });

  it('sets, changes and removes the passphrase, and changes nothing by a wrong one', async () => {
    const { did, path, passphrase, other, wrong, encrypt, icn } = await folderWithIdentity();
    await encrypt();
    const text = await readFile(path, 'utf8');
    const failures = [
      [['passphrase', '--remove', '--passphrase-file', wrong], 'passphrase-wrong'],
      [['export', '-', '--backup-passphrase-file', other], 'identity-locked'],
      [['rotate', '--passphrase-file', wrong], 'passphrase-wrong'],
      [['rotate', '--passphrase-file', join(path, 'nowhere')], 'passphrase-invalid'],
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
    expect(await readFile(path, 'utf8')).toBe(text);
    const change = ['passphrase', '--passphrase-file', passphrase] as const;
    expect(await icn(...change, '--new-passphrase-file', other)).toMatchObject({ exitCode: 0, stderr: '' });
    const removed = await icn('passphrase', '--passphrase-file', other, '--remove');
    expect(object(removed.stdout)).toEqual({ did, path, encrypted: false });
  });

  it('makes a backup that nobody overwrites', async () => {
    const { did, passphrase, icn } = await folderWithIdentity();
    const backup = join(await temporaryFolder(), 'backup.json');
    const exported = await icn('export', backup, '--backup-passphrase-file', passphrase);
    expect(object(exported.stdout)).toEqual({ did, backup });
    expect((await stat(backup)).mode & 0o777).toBe(0o600);
    expect(await readFile(backup, 'utf8')).not.toContain('0707');
    const again = await icn('export', backup, '--backup-passphrase-file', passphrase);
    expect([again.exitCode, object(again.stderr)]).toMatchObject([1, { error: { code: 'identity-exists' } }]);
  });

  it('takes a backup in elsewhere, never in the place of another unless asked', async () => {
    const { did, path, passphrase, wrong } = await folderWithIdentity();
    const text = await new Keystore(path, { cost }).exportBackup('correct horse battery');
    const backup = join(await temporaryFolder(), 'backup.json');
    await writeFile(backup, text);
    const take = async (dataDir: string, ...args: readonly string[]) => {
      const { stdout, stderr } = await identity(dataDir, 'import', backup, ...args);
      return object(stdout || stderr);
    };
    const elsewhere = await temporaryFolder();
    expect(await take(elsewhere, '--backup-passphrase-file', wrong)).toMatchObject({
      error: { code: 'passphrase-wrong' },
    });
    expect(await take(elsewhere, '--backup-passphrase-file', passphrase)).toMatchObject({
      did,
      encrypted: true,
      kept: null,
    });

    const occupied = await temporaryFolder();
    const occupiedPath = join(occupied, 'identity.json');
    await new Keystore(occupiedPath).loadOrCreate();
    const other = await readFile(occupiedPath, 'utf8');
    const given = ['--backup-passphrase-file', passphrase] as const;
    expect(await take(occupied, ...given)).toMatchObject({ error: { code: 'identity-exists' } });
    expect(await readFile(occupiedPath, 'utf8')).toBe(other);
    const replaced = await take(occupied, ...given, '--replace', '--plain');
    expect(replaced).toMatchObject({ did, encrypted: false, kept: expect.stringMatching(/\.old$/) });
    expect(await readFile(replaced['kept'] as string, 'utf8')).toBe(other);
  });

  it('takes a backup from standard input', async () => {
    const { did, path, passphrase } = await folderWithIdentity();
    const text = await new Keystore(path, { cost }).exportBackup('correct horse battery');
    const args = ['import', '--plain', '--backup-passphrase-file', passphrase, '--data-dir'] as const;
    const { stdout } = await runIcn(['identity', ...args, await temporaryFolder(), '--json'], text);
    expect(object(stdout)).toMatchObject({ did, encrypted: false });
  });

  it('rotates to a new key, whose statement others can check', async () => {
    const { dataDir, did, icn } = await folderWithIdentity();
    const { exitCode, stdout } = await icn('rotate');
    expect(exitCode).toBe(0);
    const { statement, retired, did: next, ...others } = object(stdout) as Record<string, string>;
    expect(others).toEqual({ previous: did, wasBegun: false });
    expect(openRotation(await readFile(statement!), 'icn')).toMatchObject({
      predecessor: did,
      successor: next,
    });
    expect(object(await readFile(retired!, 'utf8'))).toMatchObject({ did });
    expect(object((await icn()).stdout)).toMatchObject({ did: next });
    expect((await readdir(dataDir)).filter((name) => name.startsWith('successor'))).toEqual([]);
    expect((await nodeIn(dataDir)).did).toBe(next);
  });

  it('says where it only ended a rotation that was begun, and made no other key', async () => {
    const { dataDir, did, path } = await folderWithIdentity();
    const { did: next } = await new Keystore(path).rotate({ network: 'icn', timestampMs: 1 });
    // As a crash before the last step leaves it.
    const crash = () => cp(path, join(dataDir, `successor-of-${did.slice('did:icn:'.length)}.json`));
    await crash();
    const asJson = await identity(dataDir, 'rotate');
    expect(object(asJson.stdout)).toMatchObject({ previous: did, did: next, wasBegun: true });
    await crash();
    const asText = await runHere(['identity', 'rotate', '--data-dir', dataDir]);
    expect(asText.stdout).toMatch(/ended a rotation that was begun earlier; no other key was made/);
    expect((await new Keystore(path).inspect()).did).toBe(next);
    const again = await runHere(['identity', 'rotate', '--data-dir', dataDir]);
    expect(again.stdout).not.toMatch(/begun earlier/);
    expect((await new Keystore(path).inspect()).did).not.toBe(next);
  });

  it('rotates and replaces nothing while a node runs; a passphrase may be set', async () => {
    const { dataDir, did, passphrase, icn } = await folderWithIdentity();
    const node = await nodeIn(dataDir);
    const { exitCode, stderr } = await icn('rotate');
    expect([exitCode, object(stderr)]).toMatchObject([1, { error: { code: 'data-dir-locked' } }]);
    expect((await icn('passphrase', '--new-passphrase-file', passphrase)).exitCode).toBe(0);
    expect(node.did).toBe(did);
    expect((await readdir(dataDir)).filter((name) => /rotation|successor|retired/.test(name))).toEqual([]);
  });

  it('says what is missing where there is no identity, and makes nothing', async () => {
    const dataDir = await temporaryFolder();
    for (const name of ['show', 'rotate']) {
      const { exitCode, stderr } = await identity(dataDir, name);
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
    const { exitCode, stderr } = await runHere(['identity', ...args]);
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

describe('a passphrase', () => {
  it('may come from the environment, and leaves it whatever the command does', async () => {
    const { did, dataDir, path, encrypt, passphrase, icn } = await folderWithIdentity();
    const commands = [
      ['show'],
      ['export', '-', '--passphrase-file', passphrase, '--backup-passphrase-file', passphrase],
      ['import', join(dataDir, 'nowhere')],
      ['passphrase', '--remove'],
    ];
    await encrypt();
    for (const args of commands) {
      process.env['ICN_PASSPHRASE'] = 'correct horse battery';
      await icn(...args);
      expect([args, process.env['ICN_PASSPHRASE']]).toEqual([args, undefined]);
    }
    expect(object(await readFile(path, 'utf8'))).toMatchObject({ version: 1, did });
    // What the last command was given is not that of the next.
    await encrypt();
    expect(object((await icn('passphrase', '--remove')).stderr)).toMatchObject({
      error: { code: 'identity-locked' },
    });
  });

  it('that is not needed, or lies open to others, is said aloud on standard error', async () => {
    const { did, path, dataDir, passphrase, other, icn } = await folderWithIdentity();
    const change = (from: string, to: string) =>
      icn('passphrase', '--passphrase-file', from, '--new-passphrase-file', to);
    const unused = await change(other, passphrase);
    expect(object(unused.stderr)).toMatchObject({ warning: { code: 'passphrase-unused' } });
    expect(object(unused.stdout)).toEqual({ did, path, encrypted: true });
    expect((await change(passphrase, other)).stderr).toBe('');
    await chmod(other, 0o644);
    const open = await change(other, passphrase);
    expect(object(open.stderr)).toMatchObject({ warning: { code: 'passphrase-file-open' } });
    expect(open.exitCode).toBe(0);
    await icn('passphrase', '--remove', '--passphrase-file', passphrase);
    const asText = ['identity', 'rotate', '--data-dir', dataDir, '--passphrase-file', passphrase];
    expect((await runHere(asText)).stderr).toMatch(/^icn: warning: .*identity\.json is in the clear/);
  });

  it('given to icn up makes an encrypted identity, which opens to nothing else', async () => {
    const { passphrase, wrong } = await folderWithIdentity();
    const dataDir = await temporaryFolder();
    const node = await startNode(dataDir, ...QUIET, '--passphrase-file', passphrase);
    const path = join(dataDir, 'identity.json');
    expect(object(await readFile(path, 'utf8'))).toMatchObject({ version: 2, did: node.did });
    await node.end();
    const up = ['up', ...QUIET, '--data-dir', dataDir] as const;
    const [unlocked, refused] = await Promise.all([runIcn(up), runIcn([...up, '--passphrase-file', wrong])]);
    expect([unlocked.exitCode, unlocked.stderr]).toEqual([
      1,
      expect.stringMatching(/--passphrase-file, or in ICN_PASSPHRASE/),
    ]);
    expect([refused.exitCode, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/the passphrase is not that of/),
    ]);
  });
});
