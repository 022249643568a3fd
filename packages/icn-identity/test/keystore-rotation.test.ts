import { describe, expect, it } from '@jest/globals';

import {
  createEnvelope,
  keyPairFromSeed,
  memoryReplayStore,
  openEnvelope,
  openRotation,
  ReplayGuard,
  toHex,
  type Rotation,
} from '../src/index.js';
import { Keystore, type Disk } from '../src/node/keystore.js';
import { inRandomOrder, PowerCut, SimulatedDisk } from './support/simulated-disk.js';

const path = '/data/identity.json';
const terms = { network: 'icn', timestampMs: 1_700_000_000_000 };
const passphrase = 'correct horse battery';
const old = keyPairFromSeed(new Uint8Array(32).fill(1));
const oldKey = old.did.slice('did:icn:'.length);
const statementPath = `/data/rotation-${oldKey}.cbor`;
const retiredPath = `/data/retired-${oldKey}.json`;
const successorPath = `/data/successor-of-${oldKey}.json`;
const seedHex = '01'.repeat(32);
const plain = JSON.stringify({ version: 1, did: old.did, seed: seedHex });

const on = (disk: Disk) => new Keystore(path, { disk, cost: { logN: 1, r: 1, p: 1 } });
const plainDisk = () => SimulatedDisk.of({ [path]: plain });

/** The identity under the passphrase. */
const sealed = await (async () => {
  const disk = plainDisk();
  await on(disk).changePassphrase(undefined, passphrase);
  return disk.text(path) ?? '';
})();
const sealedDisk = () => SimulatedDisk.of({ [path]: sealed });

/** What was found after a rotation that was cut as soon as a file was there. */
async function cutWhenThere(start: SimulatedDisk, name: string, given?: string): Promise<SimulatedDisk> {
  for (let steps = 0; ; steps += 1) {
    const disk = start.clone().cutAfter(steps);
    await expect(on(disk).rotate(terms, given)).rejects.toMatchObject({ cause: expect.any(PowerCut) });
    if (disk.names.includes(name)) return disk.clone();
  }
}

/** The files that hold a text. */
const holding = (disk: SimulatedDisk, text: string) =>
  disk.names.filter((name) => disk.text(name)?.includes(text));

/** Whose key a file holds, wherever it lies: a retired key opens in its own folder to nobody. */
async function didIn(disk: SimulatedDisk, name: string, given: string | undefined): Promise<string> {
  const elsewhere = SimulatedDisk.of({ [path]: disk.content(name) ?? '' });
  return (await on(elsewhere).unlock(given)).did;
}

async function statementOn(disk: SimulatedDisk): Promise<Rotation | undefined> {
  if (!disk.names.includes(statementPath)) return undefined;
  const rotation = openRotation(disk.content(statementPath)!, 'icn');
  if (typeof rotation === 'string') throw new Error(rotation);
  return rotation;
}

describe('rotate', () => {
  it.each([undefined, passphrase])(
    'puts a new key in force, kept as the old one: under %s',
    async (given) => {
      const disk = given === undefined ? plainDisk() : sealedDisk();
      const rotated = await on(disk).rotate(terms, given);
      expect(rotated).toEqual({
        previous: old.did,
        did: expect.stringMatching(/^did:icn:z/),
        statement: statementPath,
        retired: retiredPath,
        wasBegun: false,
      });
      expect(rotated.did).not.toBe(old.did);
      expect(await on(disk).inspect()).toEqual({ did: rotated.did, isEncrypted: given !== undefined });
      expect((await on(disk).unlock(given)).did).toBe(rotated.did);
      expect(await statementOn(disk)).toMatchObject({
        ...terms,
        predecessor: old.did,
        successor: rotated.did,
      });
      expect(await didIn(disk, retiredPath, given)).toBe(old.did);
      expect(disk.names).toEqual([path, retiredPath, statementPath].sort());
    },
  );

  it('can be done again, with a statement of its own each time', async () => {
    const disk = plainDisk();
    const first = await on(disk).rotate(terms);
    const second = await on(disk).rotate(terms);
    expect(second.previous).toBe(first.did);
    expect(disk.names).toHaveLength(5);
  });

  it('does nothing without the passphrase', async () => {
    const disk = sealedDisk();
    await expect(on(disk).rotate(terms, 'a wrong one')).rejects.toMatchObject({ code: 'passphrase-wrong' });
    await expect(on(disk).rotate(terms)).rejects.toMatchObject({ code: 'identity-locked' });
    expect([disk.text(path), disk.names]).toEqual([sealed, [path]]);
  });

  it.each([
    ['a network of two words', { network: 'two words' }],
    ['a network that is no text', { network: '\ud800' }],
    ['half a millisecond', { timestampMs: 0.5 }],
  ])('does nothing with terms that no statement can have: %s', async (_, wrong) => {
    const disk = plainDisk();
    await expect(on(disk).rotate({ ...terms, ...wrong })).rejects.toMatchObject({
      code: 'envelope-invalid',
    });
    expect(disk.names).toEqual([path]);
  });

  it('gives the statement a sequence of its own, so that who has heard the old key takes it', async () => {
    const guard = await ReplayGuard.open(memoryReplayStore());
    const said = { network: 'icn', recipient: null, timestampMs: terms.timestampMs - 1 };
    const record = createEnvelope(old, {
      ...said,
      purpose: 'icn/peer-record',
      sequence: terms.timestampMs - 1,
      payload: new Uint8Array(),
    });
    expect(await guard.admit(record, terms.timestampMs)).toBe('accepted');
    const disk = plainDisk();
    await on(disk).rotate(terms);
    const expected = { purpose: 'icn/rotation', network: 'icn', recipient: null } as const;
    const envelope = openEnvelope(disk.content(statementPath)!, expected);
    if (typeof envelope === 'string') throw new Error(envelope);
    expect(envelope.sequence).toBe(terms.timestampMs);
    expect(await guard.admit(envelope, terms.timestampMs)).toBe('accepted');
  });
});

describe('a rotation that was begun', () => {
  it.each([
    ['statement', 'identity-corrupt'],
    ['successor', 'identity-corrupt'],
    ['lost successor', 'identity-retired'],
    ['network', 'rotation-network'],
  ])('never gets a second statement where its %s is another: %s', async (spoilt, code) => {
    const found = await cutWhenThere(plainDisk(), statementPath);
    const before = found.content(statementPath);
    if (spoilt === 'statement' || spoilt === 'successor') {
      const name = spoilt === 'statement' ? statementPath : successorPath;
      await found.remove(name);
      await found.create(name, new TextEncoder().encode('spoilt'));
    }
    if (spoilt === 'lost successor') await found.remove(successorPath);
    const network = spoilt === 'network' ? 'another' : 'icn';
    await expect(on(found).rotate({ ...terms, network })).rejects.toMatchObject({ code });
    if (spoilt === 'statement') expect(found.text(statementPath)).toBe('spoilt');
    else expect(found.content(statementPath)).toEqual(before);
    expect((await on(found).inspect()).did).toBe(old.did);
  });

  it.each([successorPath, statementPath, retiredPath])(
    'keeps its passphrase until it is over: cut at %s',
    async (name) => {
      const disk = await cutWhenThere(sealedDisk(), name, passphrase);
      const backup = await on(disk).exportBackup('kept in the safe', passphrase);
      for (const to of ['fresh passphrase', undefined]) {
        await expect(on(disk).changePassphrase(passphrase, to)).rejects.toMatchObject({
          code: 'rotation-begun',
        });
      }
      const options = { backupPassphrase: 'kept in the safe', passphrase: 'fresh passphrase' };
      await expect(on(disk).importBackup(backup, options)).rejects.toMatchObject({ code: 'rotation-begun' });
      expect(disk.text(path)).toBe(sealed);
      const { did } = await on(disk).rotate(terms, passphrase);
      await on(disk).changePassphrase(passphrase, 'fresh passphrase');
      expect((await on(disk).unlock('fresh passphrase')).did).toBe(did);
      await expect(on(disk).unlock(passphrase)).rejects.toMatchObject({ code: 'passphrase-wrong' });
    },
  );

  it('opens to nobody once it is signed, and to its owner before', async () => {
    const unsigned = await cutWhenThere(plainDisk(), successorPath);
    expect((await on(unsigned).unlock()).did).toBe(old.did);
    const signed = await cutWhenThere(plainDisk(), statementPath);
    await expect(on(signed).unlock()).rejects.toMatchObject({ code: 'rotation-begun' });
    await expect(on(signed).loadOrCreate()).rejects.toMatchObject({ code: 'rotation-begun' });
  });

  it('ends kept as the identity is by then, however the new key was kept', async () => {
    const begun = await cutWhenThere(plainDisk(), statementPath);
    const files = Object.fromEntries(begun.names.map((name) => [name, begun.content(name)!]));
    const disk = SimulatedDisk.of({ ...files, [path]: sealed });
    const rotated = await on(disk).rotate(terms, passphrase);
    expect(rotated).toMatchObject({ previous: old.did, wasBegun: true });
    expect((await on(disk).unlock(passphrase)).did).toBe(rotated.did);
    expect(holding(begun, '"version":1')).toEqual([path, successorPath]);
    expect(holding(disk, '"version":1')).toEqual([]);
  });

  it('is over for a passphrase that is set once the new key is in force: no key stays in the clear', async () => {
    const disk = plainDisk();
    const { did } = await on(disk).rotate(terms);
    // As a crash before the last step leaves it, and one while the new key was written.
    await disk.create(successorPath, disk.content(path)!);
    await disk.create(`${successorPath}.0123456789abcdef.tmp`, disk.content(path)!);
    const fresh = toHex((await on(disk).unlock()).seed);
    expect([holding(disk, fresh).length, holding(disk, seedHex)]).toEqual([3, [retiredPath]]);
    await on(disk).changePassphrase(undefined, passphrase);
    expect([holding(disk, fresh), holding(disk, seedHex)]).toEqual([[], []]);
    expect(disk.names).toEqual([path, retiredPath, statementPath].sort());
    expect(await didIn(disk, path, passphrase)).toBe(did);
    expect(await didIn(disk, retiredPath, passphrase)).toBe(old.did);
  });

  it('leaves no copy of the new key in a temporary file', async () => {
    const disk = await cutWhenThere(plainDisk(), successorPath);
    expect(disk.names.some((name) => /successor-of-z\w+\.json\.\w+\.tmp$/.test(name))).toBe(true);
    await on(disk).rotate(terms);
    expect(holding(disk, toHex((await on(disk).unlock()).seed))).toEqual([path]);
  });

  it('is not signed while somebody changes the passphrase, whoever is first', async () => {
    let seed = 1;
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    const seen = { rotated: 0, changed: 0, neither: 0 };
    for (let round = 0; round < 50; round += 1) {
      const disk = sealedDisk();
      const slow = inRandomOrder(disk, random);
      const [rotated, changed] = await Promise.allSettled([
        on(slow).rotate(terms, passphrase),
        on(slow).changePassphrase(passphrase, 'fresh passphrase'),
      ]);
      const isChanged = changed.status === 'fulfilled';
      seen[rotated.status === 'fulfilled' ? 'rotated' : isChanged ? 'changed' : 'neither'] += 1;
      for (const outcome of [rotated, changed]) {
        if (outcome.status === 'rejected')
          expect(['identity-busy', 'rotation-begun', 'passphrase-wrong']).toContain(
            (outcome.reason as { code?: string }).code,
          );
      }
      const inForce = isChanged ? 'fresh passphrase' : passphrase;
      const before = await statementOn(disk);
      const { did } = rotated.status === 'fulfilled' ? rotated.value : await on(disk).rotate(terms, inForce);
      if (before !== undefined) expect(before.successor).toBe(did);
      expect((await on(disk).unlock(inForce)).did).toBe(did);
    }
    expect(Math.min(seen.rotated, seen.changed)).toBeGreaterThan(0);
  });
});

describe('a retired key', () => {
  it('does not come back into force by an old backup, nor by its file', async () => {
    const disk = plainDisk();
    const backup = await on(disk).exportBackup('kept in the safe');
    const { did } = await on(disk).rotate(terms);
    const options = { backupPassphrase: 'kept in the safe', replace: true };
    const names = disk.names;
    await expect(on(disk).importBackup(backup, options)).rejects.toMatchObject({ code: 'identity-retired' });
    expect([disk.names, (await on(disk).unlock()).did]).toEqual([names, did]);
    await disk.rename(retiredPath, path);
    await expect(on(disk).unlock()).rejects.toMatchObject({ code: 'identity-retired' });
    await expect(on(disk).rotate(terms)).rejects.toMatchObject({ code: 'identity-retired' });
    // In a folder that knows nothing of the rotation it is a backup like any other.
    const elsewhere = new SimulatedDisk();
    expect(await on(elsewhere).importBackup(backup, options)).toMatchObject({ did: old.did });
  });
});

it('a power cut while rotating leaves the old or the new identity, and the same new key when it is done again', async () => {
  const whole = sealedDisk();
  await on(whole).rotate(terms, passphrase);
  const { stepCount } = whole;
  const seen = { old: 0, fresh: 0, begun: 0 };
  for (let steps = 0; steps < stepCount; steps += 1) {
    const disk = sealedDisk().cutAfter(steps);
    await expect(on(disk).rotate(terms, passphrase)).rejects.toMatchObject({ cause: expect.any(PowerCut) });
    for (const found of disk.afterCut()) {
      const did = await didIn(found, path, passphrase);
      const statement = await statementOn(found);
      // In force only once the statement and the old key are safe.
      if (did !== old.did) {
        expect(statement).toMatchObject({ predecessor: old.did, successor: did });
        expect(await didIn(found, retiredPath, passphrase)).toBe(old.did);
      }
      const isDone = did !== old.did && !found.names.includes(successorPath);
      seen[did === old.did ? 'old' : 'fresh'] += 1;
      if (isDone) continue;
      const rotated = await on(found).rotate(terms, passphrase);
      expect(rotated.previous).toBe(old.did);
      expect((await on(found).unlock(passphrase)).did).toBe(rotated.did);
      if (statement !== undefined) {
        seen.begun += 1;
        expect(rotated).toMatchObject({ did: statement.successor, wasBegun: true });
      }
      expect(await statementOn(found)).toMatchObject({ successor: rotated.did });
      expect(found.names).toEqual([path, retiredPath, statementPath].sort());
    }
  }
  expect(Math.min(seen.old, seen.fresh, seen.begun)).toBeGreaterThan(0);
});
