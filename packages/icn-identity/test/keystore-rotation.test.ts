import { describe, expect, it } from '@jest/globals';

import { keyPairFromSeed, openRotation, type Rotation } from '../src/index.js';
import { Keystore } from '../src/node/keystore.js';
import { PowerCut, SimulatedDisk } from './support/simulated-disk.js';

const path = '/data/identity.json';
const terms = { network: 'icn', timestampMs: 1_700_000_000_000 };
const passphrase = 'correct horse battery';
const old = keyPairFromSeed(new Uint8Array(32).fill(1));
const oldKey = old.did.slice('did:icn:'.length);
const statementPath = `/data/rotation-${oldKey}.cbor`;
const retiredPath = `/data/retired-${oldKey}.json`;
const successorPath = `/data/successor-of-${oldKey}.json`;
const plain = JSON.stringify({ version: 1, did: old.did, seed: '01'.repeat(32) });

const on = (disk: SimulatedDisk) => new Keystore(path, { disk, cost: { logN: 1, r: 1, p: 1 } });

async function encryptedDisk(): Promise<SimulatedDisk> {
  const disk = SimulatedDisk.of({ [path]: plain });
  await on(disk).changePassphrase(undefined, passphrase);
  return SimulatedDisk.of({ [path]: disk.text(path) ?? '' });
}

async function statementOn(disk: SimulatedDisk): Promise<Rotation | undefined> {
  if (!disk.names.includes(statementPath)) return undefined;
  const rotation = openRotation((await disk.read(statementPath, 4_096)).bytes, 'icn');
  if (typeof rotation === 'string') throw new Error(rotation);
  return rotation;
}

describe('rotate', () => {
  it.each([undefined, passphrase])(
    'puts a new key in force, kept as the old one: under %s',
    async (given) => {
      const disk = given === undefined ? SimulatedDisk.of({ [path]: plain }) : await encryptedDisk();
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
      expect((await new Keystore(retiredPath, { disk }).unlock(given)).did).toBe(old.did);
      expect(disk.names).toEqual([path, retiredPath, statementPath].sort());
    },
  );

  it('can be done again, with a statement of its own each time', async () => {
    const disk = SimulatedDisk.of({ [path]: plain });
    const first = await on(disk).rotate(terms);
    const second = await on(disk).rotate(terms);
    expect(second.previous).toBe(first.did);
    expect(disk.names).toHaveLength(5);
  });

  it('does nothing without the passphrase', async () => {
    const disk = await encryptedDisk();
    const text = disk.text(path);
    await expect(on(disk).rotate(terms, 'a wrong one')).rejects.toMatchObject({ code: 'passphrase-wrong' });
    await expect(on(disk).rotate(terms)).rejects.toMatchObject({ code: 'identity-locked' });
    expect([disk.text(path), disk.names]).toEqual([text, [path]]);
  });

  it('never signs a second statement: not where one is damaged, of another network, or its key is lost', async () => {
    const disk = SimulatedDisk.of({ [path]: plain });
    const steps = await stepsUntil(disk, statementPath);
    for (const [spoil, network] of [
      [statementPath, 'icn'],
      [successorPath, 'icn'],
      ['', 'another'],
    ] as const) {
      const cut = SimulatedDisk.of({ [path]: plain }).cutAfter(steps);
      await expect(on(cut).rotate(terms)).rejects.toMatchObject({ cause: expect.any(PowerCut) });
      const texts = Object.fromEntries(
        cut.names.map((name) => [name, cut.content(name) ?? new Uint8Array()]),
      );
      const found = SimulatedDisk.of({ ...texts, ...(spoil === '' ? {} : { [spoil]: 'spoilt' }) });
      const before = found.content(statementPath);
      await expect(on(found).rotate({ ...terms, network })).rejects.toMatchObject({
        code: 'identity-corrupt',
      });
      expect(found.content(statementPath)).toEqual(before);
      expect((await on(found).unlock()).did).toBe(old.did);
    }
  });

  it('keeps no new key in the clear where a passphrase was set before it took effect', async () => {
    const steps = await stepsUntil(SimulatedDisk.of({ [path]: plain }), statementPath);
    const disk = SimulatedDisk.of({ [path]: plain }).cutAfter(steps);
    await expect(on(disk).rotate(terms)).rejects.toMatchObject({ cause: expect.any(PowerCut) });
    const texts = Object.fromEntries(
      disk.names.map((name) => [name, disk.content(name) ?? new Uint8Array()]),
    );
    const found = SimulatedDisk.of(texts);
    await on(found).changePassphrase(undefined, passphrase);
    const rotated = await on(found).rotate(terms, passphrase);
    expect(rotated).toMatchObject({ previous: old.did, wasBegun: true });
    expect(await on(found).inspect()).toEqual({ did: rotated.did, isEncrypted: true });
    expect(
      found.names.filter((name) => !name.includes('rotation-')).map((name) => found.text(name)),
    ).not.toContain(expect.stringContaining('"version":1'));
  });

  /** After how many steps a file is there, and durable. */
  async function stepsUntil(start: SimulatedDisk, name: string): Promise<number> {
    for (let steps = 0; ; steps += 1) {
      const disk = SimulatedDisk.of({ [path]: start.text(path) ?? '' }).cutAfter(steps);
      await on(disk)
        .rotate(terms)
        .catch(() => undefined);
      if ([...disk.afterCut()].every((found) => found.names.includes(name))) return steps;
    }
  }
});

it('a power cut while rotating leaves the old or the new identity, and the same new key when it is done again', async () => {
  const whole = await encryptedDisk();
  await on(whole).rotate(terms, passphrase);
  const { stepCount } = whole;
  const seen = { old: 0, fresh: 0, begun: 0 };
  for (let steps = 0; steps < stepCount; steps += 1) {
    const disk = (await encryptedDisk()).cutAfter(steps);
    await expect(on(disk).rotate(terms, passphrase)).rejects.toMatchObject({ cause: expect.any(PowerCut) });
    for (const found of disk.afterCut()) {
      const { did } = await on(found).unlock(passphrase);
      const statement = await statementOn(found);
      // In force only once the statement and the old key are safe.
      if (did !== old.did) {
        expect(statement).toMatchObject({ predecessor: old.did, successor: did });
        expect((await new Keystore(retiredPath, { disk: found }).unlock(passphrase)).did).toBe(old.did);
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
      expect(found.names.filter((name) => !name.endsWith('.tmp'))).toEqual(
        [path, retiredPath, statementPath].sort(),
      );
    }
  }
  expect(Math.min(seen.old, seen.fresh, seen.begun)).toBeGreaterThan(0);
});
