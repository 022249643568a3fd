import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { keyPairFromSeed, sign, toHex, verify, type IdentityErrorCode } from '../src/index.js';
import { Keystore } from '../src/node/keystore.js';

const seed = new Uint8Array(32).fill(7);
const { did } = keyPairFromSeed(seed);
const record = { version: 1, did, seed: toHex(seed) };

const loadOrCreateIdentity = (at: string) => new Keystore(at).loadOrCreate();
const readIdentity = (at: string) => new Keystore(at).unlock();

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'icn-identity-'));
  path = join(directory, 'identity.json');
});

afterEach(() => rm(directory, { recursive: true }));

const failure = (code: IdentityErrorCode, message: string | RegExp = '') =>
  expect.objectContaining({ name: 'IdentityError', code, message: expect.stringMatching(message) });

const writePrivate = (text: string, mode = 0o600) => writeFile(path, text, { mode });

describe('loadOrCreate, without a passphrase', () => {
  it('creates a file that gives the same key pair ever after', async () => {
    const first = await loadOrCreateIdentity(path);
    const second = await loadOrCreateIdentity(path);
    expect([first.created, second.created]).toEqual([true, false]);
    expect(second.keyPair.did).toBe(first.keyPair.did);
    const signature = sign(second.keyPair, 'icn/entry', seed);
    expect(verify(first.keyPair.publicKey, 'icn/entry', seed, signature)).toBe(true);
  });

  it('creates it for its owner alone, with nothing beside it', async () => {
    const { keyPair } = await loadOrCreateIdentity(path);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(directory)).toEqual(['identity.json']);
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({
      version: 1,
      did: keyPair.did,
      seed: toHex(keyPair.seed),
    });
  });

  it('reads a file of version 1 written elsewhere', async () => {
    await writePrivate(JSON.stringify(record, null, 2));
    expect(await loadOrCreateIdentity(path)).toMatchObject({ created: false, keyPair: { did } });
  });

  it('lets one of many creators win and gives all of them its key pair', async () => {
    for (let round = 0; round < 10; round += 1) {
      const racePath = join(directory, `race-${round}`);
      const all = await Promise.all(Array.from({ length: 16 }, () => loadOrCreateIdentity(racePath)));
      expect(all.filter(({ created }) => created)).toHaveLength(1);
      expect(new Set(all.map(({ keyPair }) => keyPair.did)).size).toBe(1);
      expect((await readIdentity(racePath)).did).toBe(all[0]?.keyPair.did);
    }
    expect(await readdir(directory)).toHaveLength(10);
  });

  it('is not disturbed by what a crash left, and does not read it', async () => {
    await writeFile(`${path}.0123456789abcdef.tmp`, JSON.stringify(record), { mode: 0o600 });
    const { created, keyPair } = await loadOrCreateIdentity(path);
    expect(created).toBe(true);
    expect(keyPair.did).not.toBe(did);
  });

  it('says why it could not create one, and leaves nothing', async () => {
    await expect(loadOrCreateIdentity(join(directory, 'missing', 'identity.json'))).rejects.toEqual(
      failure('identity-io', /cannot create identity file .*missing.*ENOENT/),
    );
    expect(await readdir(directory)).toEqual([]);
  });

  it('never replaces a file that it cannot read', async () => {
    await writePrivate('{"version":1,');
    await expect(loadOrCreateIdentity(path)).rejects.toEqual(failure('identity-corrupt'));
    expect(await readFile(path, 'utf8')).toBe('{"version":1,');
    expect(await readdir(directory)).toEqual(['identity.json']);
  });
});

describe('unlock, without a passphrase', () => {
  it('says that there is none', async () => {
    await expect(readIdentity(path)).rejects.toEqual(failure('identity-missing'));
    expect(await readdir(directory)).toEqual([]);
  });

  it.each([
    ['an empty file', ''],
    ['half a file', JSON.stringify(record).slice(0, 60)],
    ['zeros', '\0'.repeat(160)],
    ['no object', '[]'],
    ['null', 'null'],
    ['no version', JSON.stringify({ did, seed: record.seed })],
    ['version 0', JSON.stringify({ ...record, version: 0 })],
    ['a version that is no number', JSON.stringify({ ...record, version: '1' })],
    ['version 2 of which nothing else is there', JSON.stringify({ version: 2, key: 'sealed' })],
    ['no seed', JSON.stringify({ version: 1, did })],
    ['a short seed', JSON.stringify({ ...record, seed: '00' })],
    ['a seed in upper case', JSON.stringify({ ...record, seed: 'AB'.repeat(32) })],
    ['no DID', JSON.stringify({ version: 1, seed: record.seed })],
    ['the DID of another seed', JSON.stringify({ ...record, seed: '00'.repeat(32) })],
    ['another spelling of its DID', JSON.stringify({ ...record, did: ` ${did}` })],
    ['a file that is too long', JSON.stringify(record).padEnd(5_000)],
  ])('refuses %s and leaves it', async (_, text) => {
    await writePrivate(text);
    await expect(readIdentity(path)).rejects.toEqual(failure('identity-corrupt', path));
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  it('does not quote the seed of a damaged file', async () => {
    await writePrivate(JSON.stringify(record).replace('}', ''));
    const error: unknown = await readIdentity(path).catch((thrown: unknown) => thrown);
    expect(error).toEqual(failure('identity-corrupt', /restore it from a backup/));
    expect(JSON.stringify([String(error), (error as Error).cause ?? null])).not.toContain(
      record.seed.slice(0, 8),
    );
  });

  it('refuses the format of a later release by its version', async () => {
    await writePrivate(JSON.stringify({ version: 3, key: 'sealed' }));
    await expect(readIdentity(path)).rejects.toEqual(failure('identity-version', /version 3/));
  });

  it.each([0o640, 0o604, 0o660, 0o644])('refuses a file of mode %o', async (mode) => {
    await writePrivate(JSON.stringify(record));
    await chmod(path, mode);
    await expect(readIdentity(path)).rejects.toEqual(failure('identity-permissions', /chmod 600/));
    await chmod(path, 0o600);
    await expect(readIdentity(path)).resolves.toMatchObject({ did });
  });

  it('follows a link, and judges what it leads to', async () => {
    const target = join(directory, 'elsewhere.json');
    await writeFile(target, JSON.stringify(record), { mode: 0o600 });
    await symlink(target, path);
    await expect(readIdentity(path)).resolves.toMatchObject({ did });
    await chmod(target, 0o644);
    await expect(readIdentity(path)).rejects.toEqual(failure('identity-permissions'));
  });

  it('refuses a directory', async () => {
    await mkdir(path, { mode: 0o700 });
    await expect(readIdentity(path)).rejects.toEqual(failure('identity-corrupt', /not a file/));
  });

  it('refuses a pipe, and does not wait for what it says', async () => {
    execFileSync('mkfifo', ['-m', '600', path]);
    await expect(readIdentity(path)).rejects.toEqual(failure('identity-corrupt', /not a file/));
  });

  it('reports what the system refused, with its error', async () => {
    await writePrivate(JSON.stringify(record));
    await expect(readIdentity(join(path, 'below'))).rejects.toEqual(
      expect.objectContaining({ code: 'identity-io', cause: expect.objectContaining({ code: 'ENOTDIR' }) }),
    );
  });
});
