import { mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { keyPairFromSeed, type IdentityErrorCode } from '../src/index.js';
import { Keystore, nodeDisk, type ScryptCost } from '../src/node/keystore.js';

const cheap: ScryptCost = { logN: 1, r: 1, p: 1 };
const passphrase = 'correct horse battery';
const nextPassphrase = 'staple, in other words';
const { did } = keyPairFromSeed(new Uint8Array(32).fill(7));

let directory: string;
let path: string;
let keystore: Keystore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'icn-keystore-'));
  path = join(directory, 'identity.json');
  keystore = new Keystore(path, { cost: cheap });
});

afterEach(() => rm(directory, { recursive: true }));

const failure = (code: IdentityErrorCode, message: string | RegExp = '') =>
  expect.objectContaining({ name: 'IdentityError', code, message: expect.stringMatching(message) });

const content = () => readFile(path, 'utf8');
const writeRecord = (record: object) => writeFile(path, JSON.stringify(record), { mode: 0o600 });
const plainRecord = { version: 1, did, seed: '07'.repeat(32) };

/** The fields of the file, and of its parts. */
async function readRecord(): Promise<Record<string, unknown>> {
  return JSON.parse(await content()) as Record<string, unknown>;
}

describe('an encrypted identity', () => {
  it('is made by the first start that has a passphrase, and opens with it alone', async () => {
    const { keyPair, created } = await keystore.loadOrCreate(passphrase);
    expect(created).toBe(true);
    expect(await keystore.loadOrCreate(passphrase)).toMatchObject({
      created: false,
      keyPair: { did: keyPair.did },
    });
    expect(await keystore.inspect()).toEqual({ did: keyPair.did, isEncrypted: true });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const text = await content();
    expect(text).not.toContain(Buffer.from(keyPair.seed).toString('hex'));
    await expect(keystore.unlock()).rejects.toEqual(failure('identity-locked', path));
    await expect(keystore.unlock('correct horse batteri')).rejects.toEqual(failure('passphrase-wrong', path));
    await expect(keystore.loadOrCreate('another one')).rejects.toEqual(failure('passphrase-wrong'));
    await expect(keystore.loadOrCreate()).rejects.toEqual(failure('identity-locked'));
    expect(await content()).toBe(text);
    expect(await readdir(directory)).toEqual(['identity.json']);
  });

  it('costs what is said beside it: 128 MiB unless asked otherwise', async () => {
    await new Keystore(path).loadOrCreate(passphrase);
    expect(await readRecord()).toMatchObject({ version: 2, scrypt: { logN: 17, r: 8, p: 1 } });
    await keystore.unlock(passphrase);
  });

  it('opens with the passphrase however a keyboard composes it, and no other', async () => {
    const { keyPair } = await keystore.loadOrCreate('Zürich am See');
    expect((await keystore.unlock('Zu\u0308rich am See')).did).toBe(keyPair.did);
    await expect(keystore.unlock('Zurich am See')).rejects.toEqual(failure('passphrase-wrong'));
  });

  it('is sealed anew at each change: no two boxes or keys are alike', async () => {
    await keystore.loadOrCreate(passphrase);
    const before = await readRecord();
    await keystore.changePassphrase(passphrase, passphrase);
    const after = await readRecord();
    for (const part of ['scrypt', 'secretbox', 'checksum']) expect(after[part]).not.toEqual(before[part]);
  });
});

describe('damage', () => {
  /** Every character of the text, changed in its lowest bit. */
  it('is told from a wrong passphrase wherever it is, before a passphrase is judged', async () => {
    await keystore.loadOrCreate(passphrase);
    const whole = await content();
    const codes = new Set<string>();
    for (let at = 0; at < whole.length - 1; at += 1) {
      const text = `${whole.slice(0, at)}${String.fromCharCode(whole.charCodeAt(at) ^ 1)}${whole.slice(at + 1)}`;
      await writeFile(path, text);
      const outcome = await keystore.unlock(at % 2 === 0 ? passphrase : 'a wrong passphrase').then(
        () => 'opened',
        (error: { code: string }) => error.code,
      );
      codes.add(outcome);
      expect(await content()).toBe(text);
    }
    // The one bit that turns version 2 into 3 cannot be told from a later release.
    expect([...codes].sort()).toEqual(['identity-corrupt', 'identity-version']);
  });

  it.each(['half', 'empty', 'zeros', 'twice'])('of a file that is %s is told too', async (how) => {
    await keystore.loadOrCreate(passphrase);
    const whole = await content();
    const texts: Record<string, string> = {
      half: whole.slice(0, whole.length / 2),
      empty: '',
      zeros: '\0'.repeat(whole.length),
      twice: whole + whole,
    };
    await writeFile(path, texts[how] ?? '');
    await expect(keystore.unlock(passphrase)).rejects.toEqual(failure('identity-corrupt'));
  });

  it('of a box that fits its checksum but holds the seed of another DID is told by the DID', async () => {
    const { keyPair } = await keystore.loadOrCreate(passphrase);
    const mine = await readRecord();
    await rm(path);
    await keystore.loadOrCreate(passphrase);
    const theirs = await readRecord();
    const record = { ...theirs, did: mine['did'] };
    const error: unknown = await writeRecord(record)
      .then(() => keystore.unlock(passphrase))
      .catch((e: unknown) => e);
    expect(error).toEqual(failure('identity-corrupt', /checksum/));
    // With a checksum that was made to fit.
    const { formatSealed, parseIdentityText } = await import('../src/node/keystore/identity-text.js');
    const parsed = parseIdentityText(JSON.stringify(theirs), 'it');
    if (parsed.type !== 'sealed') throw new Error('not sealed');
    await writeFile(path, formatSealed(keyPair.did, parsed.sealed));
    await expect(keystore.unlock(passphrase)).rejects.toEqual(
      failure('identity-corrupt', /not that of its DID/),
    );
    await expect(keystore.unlock('a wrong one')).rejects.toEqual(failure('passphrase-wrong'));
  });
});

describe('a hostile file', () => {
  it.each([
    ['4 GiB of memory', { logN: 22, r: 8, p: 1 }],
    ['one page more than is granted', { logN: 18, r: 9, p: 1 }],
    ['a year of work', { logN: 10, r: 1, p: 2 ** 30 }],
    ['more than numbers hold', { logN: 1_000_000, r: 1, p: 1 }],
    ['a product that overflows', { logN: 30, r: 2 ** 40, p: 2 ** 40 }],
    ['few rounds over many blocks', { logN: 1, r: 2 ** 20, p: 2 }],
    ['an N that scrypt does not have for its r', { logN: 16, r: 1, p: 1 }],
  ])('that asks for %s is refused, not tried', async (_, cost) => {
    await keystore.loadOrCreate(passphrase);
    const { formatSealed, parseIdentityText } = await import('../src/node/keystore/identity-text.js');
    const parsed = parseIdentityText(await content(), 'it');
    if (parsed.type !== 'sealed') throw new Error('not sealed');
    await writeFile(path, formatSealed(parsed.did, { ...parsed.sealed, cost }));
    const before = process.memoryUsage().rss;
    await expect(keystore.unlock(passphrase)).rejects.toEqual(failure('identity-cost'));
    await expect(keystore.inspect()).rejects.toEqual(failure('identity-cost'));
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
    // OpenSSL keeps an error of its own for whatever is done next.
    expect(() => keyPairFromSeed(new Uint8Array(32).fill(9))).not.toThrow();
  });

  it.each([
    ['a cost of zero', { scrypt: { logN: 0, r: 8, p: 1, salt: '00'.repeat(32) } }],
    ['half a round', { scrypt: { logN: 4.5, r: 8, p: 1, salt: '00'.repeat(32) } }],
    ['a cost that is text', { scrypt: { logN: '17', r: 8, p: 1, salt: '00'.repeat(32) } }],
    ['a short salt', { scrypt: { logN: 17, r: 8, p: 1, salt: '00' } }],
    ['no salt', { scrypt: { logN: 17, r: 8, p: 1 } }],
    ['no scrypt', { scrypt: null }],
    ['no box', { secretbox: { nonce: '00'.repeat(24) } }],
    ['a box in upper case', { secretbox: { nonce: '00'.repeat(24), box: 'AA'.repeat(48) } }],
    ['a DID of nobody', { did: 'did:icn:z1111' }],
    ['a DID that is none', { did: 7 }],
  ])('with %s is damaged', async (_, change) => {
    await keystore.loadOrCreate(passphrase);
    await writeRecord({ ...(await readRecord()), ...change });
    await expect(keystore.unlock(passphrase)).rejects.toEqual(failure('identity-corrupt'));
  });
});

describe('changePassphrase', () => {
  it('sets, changes and removes it; the identity stays', async () => {
    await writeRecord(plainRecord);
    expect(await keystore.changePassphrase(undefined, passphrase)).toEqual({ did, isEncrypted: true });
    expect(await content()).not.toContain('07'.repeat(32));
    await keystore.changePassphrase(passphrase, nextPassphrase);
    await expect(keystore.unlock(passphrase)).rejects.toEqual(failure('passphrase-wrong'));
    expect((await keystore.unlock(nextPassphrase)).did).toBe(did);
    expect(await keystore.changePassphrase(nextPassphrase, undefined)).toEqual({ did, isEncrypted: false });
    expect(await readRecord()).toEqual(plainRecord);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(directory)).toEqual(['identity.json']);
  });

  it('changes nothing where it may not, or the new one is none', async () => {
    await keystore.loadOrCreate(passphrase);
    const text = await content();
    const attempts: [string | undefined, string | undefined, IdentityErrorCode][] = [
      ['a wrong one', nextPassphrase, 'passphrase-wrong'],
      ['a wrong one', undefined, 'passphrase-wrong'],
      [undefined, undefined, 'identity-locked'],
      ['', nextPassphrase, 'passphrase-invalid'],
      [passphrase, '', 'passphrase-invalid'],
      [passphrase, '7 chars', 'passphrase-invalid'],
      [passphrase, 'x'.repeat(1_025), 'passphrase-invalid'],
      [passphrase, 'half a character \ud800', 'passphrase-invalid'],
    ];
    for (const [from, to, code] of attempts)
      await expect(keystore.changePassphrase(from, to)).rejects.toEqual(failure(code));
    expect(await content()).toBe(text);
    expect(await readdir(directory)).toEqual(['identity.json']);
  });

  it('lets one of many at once win, tells the others, and loses nothing', async () => {
    await writeRecord(plainRecord);
    const passphrases = Array.from({ length: 8 }, (_, index) => `passphrase number ${index}`);
    const outcomes = await Promise.allSettled(
      passphrases.map((to) => keystore.changePassphrase(undefined, to)),
    );
    expect((await readdir(directory)).filter((name) => name.endsWith('.next'))).toEqual([]);
    const won = passphrases.filter((_, index) => outcomes[index]?.status === 'fulfilled');
    expect(won).toHaveLength(1);
    for (const outcome of outcomes) {
      // Who comes after the winner reads an encrypted file.
      if (outcome.status === 'rejected')
        expect(['identity-busy', 'identity-locked']).toContain((outcome.reason as { code: string }).code);
    }
    expect((await keystore.unlock(won[0])).did).toBe(did);
    expect(await readdir(directory)).toEqual(['identity.json']);
  });

  it('removes what a crash left in the clear, and nothing else', async () => {
    await writeRecord(plainRecord);
    for (const name of [
      'identity.json.0123456789abcdef.tmp',
      'identity.json.bak',
      'other.json.0123456789abcdef.tmp',
    ])
      await writeFile(join(directory, name), JSON.stringify(plainRecord), { mode: 0o600 });
    await keystore.changePassphrase(undefined, passphrase);
    expect((await readdir(directory)).sort()).toEqual([
      'identity.json',
      'identity.json.bak',
      'other.json.0123456789abcdef.tmp',
    ]);
  });

  it('changes the file to which a link leads, so that no copy stays behind it', async () => {
    const target = join(directory, 'elsewhere.json');
    await writeRecord(plainRecord);
    await rename(path, target);
    await symlink(target, path);
    await keystore.changePassphrase(undefined, passphrase);
    expect(await readFile(target, 'utf8')).not.toContain('07'.repeat(32));
    expect((await keystore.unlock(passphrase)).did).toBe(did);
  });
});

describe('a backup', () => {
  const backupPassphrase = 'kept in the safe';

  it('always has a passphrase of its own, and makes the same identity elsewhere', async () => {
    await writeRecord(plainRecord);
    const text = await keystore.exportBackup(backupPassphrase);
    expect(text).not.toContain('07'.repeat(32));
    const elsewhere = new Keystore(join(directory, 'elsewhere.json'), { cost: cheap });
    expect(await elsewhere.importBackup(text, { backupPassphrase, passphrase })).toEqual({
      did,
      isEncrypted: true,
    });
    expect((await elsewhere.unlock(passphrase)).did).toBe(did);
    await expect(keystore.exportBackup('short')).rejects.toEqual(failure('passphrase-invalid'));
  });

  it('is made of an encrypted identity by who can open it, and opens as an identity file too', async () => {
    const { keyPair } = await keystore.loadOrCreate(passphrase);
    await expect(keystore.exportBackup(backupPassphrase)).rejects.toEqual(failure('identity-locked'));
    await expect(keystore.exportBackup(backupPassphrase, 'a wrong one')).rejects.toEqual(
      failure('passphrase-wrong'),
    );
    await writeFile(path, await keystore.exportBackup(backupPassphrase, passphrase));
    expect((await keystore.unlock(backupPassphrase)).did).toBe(keyPair.did);
  });

  it('takes the place of the same identity, whose passphrase may be forgotten', async () => {
    await writeRecord(plainRecord);
    const text = await keystore.exportBackup(backupPassphrase);
    await keystore.changePassphrase(undefined, 'forgotten by now');
    await keystore.importBackup(text, { backupPassphrase, passphrase });
    expect((await keystore.unlock(passphrase)).did).toBe(did);
    expect(await readdir(directory)).toEqual(['identity.json']);
  });

  it('takes the place of another only when asked, and then keeps that', async () => {
    await writeRecord(plainRecord);
    const text = await keystore.exportBackup(backupPassphrase);
    await rm(path);
    await keystore.loadOrCreate(passphrase);
    const other = await content();
    await expect(keystore.importBackup(text, { backupPassphrase })).rejects.toEqual(
      failure('identity-exists', new RegExp(did)),
    );
    expect(await content()).toBe(other);
    const { kept } = await keystore.importBackup(text, { backupPassphrase, replace: true });
    expect(kept).toMatch(/identity\.json\.[0-9a-f]{16}\.old$/);
    expect(await readFile(kept ?? '', 'utf8')).toBe(other);
    expect((await stat(kept ?? '')).mode & 0o777).toBe(0o600);
    expect(await readRecord()).toEqual(plainRecord);
  });

  it('takes the place of what is damaged only when asked, and then keeps that', async () => {
    await writeRecord(plainRecord);
    const text = await keystore.exportBackup(backupPassphrase);
    await writeFile(path, 'damaged');
    await expect(keystore.importBackup(text, { backupPassphrase })).rejects.toEqual(
      failure('identity-exists'),
    );
    const { kept } = await keystore.importBackup(text, { backupPassphrase, replace: true });
    expect(await readFile(kept ?? '', 'utf8')).toBe('damaged');
    expect((await keystore.unlock()).did).toBe(did);
  });

  it('takes the place of what grew beyond any identity, which is kept too', async () => {
    await writeRecord(plainRecord);
    const text = await keystore.exportBackup(backupPassphrase);
    await writeFile(path, 'x'.repeat(5_000));
    const options = { backupPassphrase, passphrase };
    await expect(keystore.importBackup(text, options)).rejects.toEqual(
      failure('identity-exists', /what cannot be read/),
    );
    const { kept = '' } = await keystore.importBackup(text, { ...options, replace: true });
    expect(await readFile(kept, 'utf8')).toBe('x'.repeat(5_000));
    expect((await keystore.unlock(passphrase)).did).toBe(did);
    expect(await readdir(directory)).toHaveLength(2);
  });

  it('that is damaged, opened by a wrong passphrase, in the clear or no backup changes nothing', async () => {
    await keystore.loadOrCreate(passphrase);
    const text = await keystore.exportBackup(backupPassphrase, passphrase);
    const before = await content();
    const attempts: [string, string, IdentityErrorCode][] = [
      [text, 'a wrong one', 'passphrase-wrong'],
      [text.replace(/"box":"../, '"box":"zz'), backupPassphrase, 'identity-corrupt'],
      [text.slice(0, 100), backupPassphrase, 'identity-corrupt'],
      [JSON.stringify(plainRecord), backupPassphrase, 'identity-corrupt'],
      [text.replace('"version":2', '"version":3'), backupPassphrase, 'identity-version'],
    ];
    for (const [given, opens, code] of attempts) {
      const options = { backupPassphrase: opens, passphrase, replace: true };
      await expect(keystore.importBackup(given, options)).rejects.toEqual(failure(code, 'the backup'));
    }
    await expect(
      keystore.importBackup(text, { backupPassphrase, passphrase: 'short', replace: true }),
    ).rejects.toEqual(failure('passphrase-invalid'));
    expect(await content()).toBe(before);
    expect(await readdir(directory)).toEqual(['identity.json']);
  });
});

it('an identity in the clear stays in no buffer that was read, once its key pair is wiped', async () => {
  await writeRecord(plainRecord);
  const buffers: Uint8Array[] = [];
  const disk = {
    ...nodeDisk,
    read: async (at: string, bytesMax: number) => {
      const found = await nodeDisk.read(at, bytesMax);
      buffers.push(found.bytes);
      return found;
    },
  };
  const { seed } = await new Keystore(path, { disk }).unlock();
  expect(seed).toEqual(new Uint8Array(32).fill(7));
  await new Keystore(path, { disk }).inspect();
  expect(buffers.map((bytes) => bytes.length)).toEqual([
    JSON.stringify(plainRecord).length,
    JSON.stringify(plainRecord).length,
  ]);
  for (const bytes of buffers) expect(bytes.every((byte) => byte === 0)).toBe(true);
});
