// A crash at any step of a change leaves the old or the new file, never neither: by cutting the power of a simulated
// disk, which loses what was not synced, and by killing real processes, whose kernel loses nothing.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from '@jest/globals';

import { keyPairFromSeed, sha256, toHex, type Did } from '../src/index.js';
import { Keystore, type Disk } from '../src/node/keystore.js';
import { inRandomOrder, PowerCut, SimulatedDisk } from './support/simulated-disk.js';

const path = '/data/identity.json';
const cost = { logN: 1, r: 1, p: 1 };
const first = keyPairFromSeed(new Uint8Array(32).fill(1));
const other = keyPairFromSeed(new Uint8Array(32).fill(2));
const [oldPassphrase, newPassphrase] = ['correct horse', 'battery staple'];

const onDisk = (disk: SimulatedDisk) => new Keystore(path, { disk, cost });

/** A text of the pair, made where no power is ever cut. */
async function textOf(seed: Uint8Array, passphrase: string | undefined): Promise<string> {
  const { did } = keyPairFromSeed(seed);
  const plain = JSON.stringify({ version: 1, did, seed: Buffer.from(seed).toString('hex') });
  const disk = SimulatedDisk.of({ [path]: plain });
  if (passphrase !== undefined) await onDisk(disk).changePassphrase(undefined, passphrase);
  return disk.text(path) ?? '';
}

interface Change {
  readonly name: string;
  readonly before: string | undefined;
  readonly run: (keystore: Keystore) => Promise<unknown>;
  /** Who may be found, and under which passphrase. */
  readonly old: Found;
  readonly fresh: Found;
}

type Found = { readonly did: Did | 'any'; readonly passphrase: string | undefined } | undefined;

const plain = await textOf(first.seed, undefined);
const plainLine = `${plain}\n`;
const sealed = await textOf(first.seed, oldPassphrase);
const backupOfOther = await textOf(other.seed, newPassphrase);

const changes: readonly Change[] = [
  {
    name: 'making one',
    before: undefined,
    run: (keystore) => keystore.loadOrCreate(newPassphrase),
    old: undefined,
    fresh: { did: 'any', passphrase: newPassphrase },
  },
  {
    name: 'setting a passphrase',
    before: plain,
    run: (keystore) => keystore.changePassphrase(undefined, newPassphrase),
    old: { did: first.did, passphrase: undefined },
    fresh: { did: first.did, passphrase: newPassphrase },
  },
  {
    name: 'changing the passphrase',
    before: sealed,
    run: (keystore) => keystore.changePassphrase(oldPassphrase, newPassphrase),
    old: { did: first.did, passphrase: oldPassphrase },
    fresh: { did: first.did, passphrase: newPassphrase },
  },
  {
    name: 'removing the passphrase',
    before: sealed,
    run: (keystore) => keystore.changePassphrase(oldPassphrase, undefined),
    old: { did: first.did, passphrase: oldPassphrase },
    fresh: { did: first.did, passphrase: undefined },
  },
  {
    name: 'taking in a backup of another',
    before: sealed,
    run: (keystore) =>
      keystore.importBackup(backupOfOther, {
        backupPassphrase: newPassphrase,
        passphrase: newPassphrase,
        replace: true,
      }),
    old: { did: first.did, passphrase: oldPassphrase },
    fresh: { did: other.did, passphrase: newPassphrase },
  },
];

const diskBefore = ({ before }: Change) => SimulatedDisk.of(before === undefined ? {} : { [path]: before });

async function isFound(disk: SimulatedDisk, found: Found): Promise<boolean> {
  if (found === undefined) return disk.text(path) === undefined;
  if (disk.text(path) === undefined) return false;
  const { isEncrypted } = await onDisk(disk).inspect();
  if (isEncrypted !== (found.passphrase !== undefined)) return false;
  const pair = await onDisk(disk)
    .unlock(found.passphrase)
    .catch(() => undefined);
  return pair !== undefined && (found.did === 'any' || found.did === pair.did);
}

describe('a power cut while', () => {
  it.each(changes)('$name leaves the old or the new one, whatever was lost', async (change) => {
    const whole = diskBefore(change);
    await change.run(onDisk(whole));
    const { stepCount } = whole;
    expect(await isFound(whole, change.fresh)).toBe(true);
    const seen = { old: 0, fresh: 0 };
    for (let steps = 0; steps < stepCount; steps += 1) {
      const disk = diskBefore(change).cutAfter(steps);
      await expect(change.run(onDisk(disk))).rejects.toMatchObject({ cause: expect.any(PowerCut) });
      for (const found of disk.afterCut()) {
        const [isOld, isFresh] = [await isFound(found, change.old), await isFound(found, change.fresh)];
        expect([steps, found.names, isOld || isFresh]).toEqual([steps, found.names, true]);
        seen[isOld ? 'old' : 'fresh'] += 1;
        await expectUsable(found, isOld ? change.old : change.fresh);
      }
    }
    expect(seen.old).toBeGreaterThan(0);
    expect(seen.fresh).toBeGreaterThan(0);
    const done = [...whole.afterCut()];
    expect(await Promise.all(done.map((found) => isFound(found, change.fresh)))).toEqual(
      done.map(() => true),
    );
  });

  /** What is found can be changed, and nothing of what was cut short is left then. */
  async function expectUsable(disk: SimulatedDisk, found: Found): Promise<void> {
    const { keyPair } = await onDisk(disk).loadOrCreate(found?.passphrase);
    await onDisk(disk).changePassphrase(found?.passphrase, 'yet another');
    expect((await onDisk(disk).unlock('yet another')).did).toBe(keyPair.did);
    expect(disk.names.filter((name) => /\.(tmp|next)$/.test(name))).toEqual([]);
  }

  it('between the claim of a change and the change leaves it to others after a minute', async () => {
    const disk = SimulatedDisk.of({ [path]: plain });
    const claim = `${path}.${toHex(sha256(new TextEncoder().encode(plain)).subarray(0, 8))}.next`;
    await disk.create(claim, new TextEncoder().encode(sealed));
    await expect(onDisk(disk).changePassphrase(undefined, newPassphrase)).rejects.toMatchObject({
      code: 'identity-busy',
      message: expect.stringMatching(/try again, after a minute/),
    });
    expect([disk.text(path), disk.names]).toEqual([plain, [path, claim].sort()]);
    await disk.sync(claim);
    await disk.syncFolder();
    const [later] = [...disk.afterCut()];
    await onDisk(later!).changePassphrase(undefined, newPassphrase);
    expect((await onDisk(later!).unlock(newPassphrase)).did).toBe(first.did);
    expect(later!.names).toEqual([path]);
  });

  it('in a change leaves no claim in the clear for longer than somebody starts again', async () => {
    let claimed: SimulatedDisk | undefined;
    for (let steps = 0; claimed === undefined; steps += 1) {
      const disk = SimulatedDisk.of({ [path]: sealed }).cutAfter(steps);
      await expect(onDisk(disk).changePassphrase(oldPassphrase, undefined)).rejects.toMatchObject({
        cause: expect.any(PowerCut),
      });
      if (disk.names.some((name) => name.endsWith('.next'))) claimed = disk.clone();
    }
    const clear = (disk: SimulatedDisk) => disk.names.filter((name) => disk.text(name) === plainLine);
    expect(clear(claimed)).toHaveLength(2);
    await claimed.remove(path);
    const options = { backupPassphrase: newPassphrase, passphrase: newPassphrase };
    await onDisk(claimed).importBackup(backupOfOther, options);
    expect([clear(claimed), claimed.names]).toEqual([[], [path]]);
  });

  it('the simulated disk loses what is not synced', async () => {
    const disk = new SimulatedDisk();
    await disk.create('/data/a', Uint8Array.of(1, 2));
    const texts = [...disk.afterCut()].map((found) => found.text('/data/a'));
    expect(new Set(texts)).toEqual(new Set([undefined, '\u0001\u0002', '', '\u0001', '\0\0']));
    await disk.sync('/data/a');
    await disk.syncFolder();
    expect([...disk.afterCut()].map((found) => found.text('/data/a'))).toEqual(['\u0001\u0002']);
  });
});

it('of changes at once at most one takes effect, however their steps interleave, and only that one says so', async () => {
  let seed = 1;
  const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
  let winCount = 0;
  for (let round = 0; round < 200; round += 1) {
    const disk = SimulatedDisk.of({ [path]: plain });
    const slow = inRandomOrder(disk, random);
    const passphrases = ['passphrase 1', 'passphrase 2', 'passphrase 3'];
    const outcomes = await Promise.allSettled(
      passphrases.map((to) => new Keystore(path, { disk: slow, cost }).changePassphrase(undefined, to)),
    );
    const won = passphrases.filter((_, index) => outcomes[index]?.status === 'fulfilled');
    expect(won.length).toBeLessThanOrEqual(1);
    winCount += won.length;
    for (const outcome of outcomes) {
      // Who comes after the winner reads an encrypted file.
      if (outcome.status === 'rejected')
        expect(['identity-busy', 'identity-locked']).toContain((outcome.reason as { code?: string }).code);
    }
    // Where all were told that nothing was done, nothing was.
    expect((await onDisk(disk).unlock(won[0])).did).toBe(first.did);
    expect((await onDisk(disk).inspect()).isEncrypted).toBe(won.length === 1);
    expect(disk.names).toEqual([path]);
  }
  expect(winCount).toBeGreaterThan(100);
});

it('who loses a change hears so, also where the winner took his file for a leftover', async () => {
  const disk = SimulatedDisk.of({ [path]: plain });
  let isFirst = true;
  const slow: Disk = {
    ...inRandomOrder(disk, () => 0),
    async sync(at) {
      if (isFirst) {
        isFirst = false;
        await onDisk(disk).changePassphrase(undefined, 'the winner');
      }
      return disk.sync(at);
    },
  };
  const loser = new Keystore(path, { disk: slow, cost });
  await expect(loser.changePassphrase(undefined, 'the loser')).rejects.toMatchObject({
    code: 'identity-busy',
  });
  expect((await onDisk(disk).unlock('the winner')).did).toBe(first.did);
});

describe('kill -9', () => {
  /** Processes, mostly of a machine with few cores. */
  const atOnce = 4;
  const child = fileURLToPath(new URL('support/keystore-child.mjs', import.meta.url));

  it.each(['create', 'change'])('at each step of a %s leaves a file that opens', async (what) => {
    const folder = await mkdtemp(join(tmpdir(), 'icn-keystore-'));
    try {
      const outcomes: boolean[] = [];
      let isWhole = false;
      while (!isWhole) {
        const steps = Array.from({ length: atOnce }, (_, index) => outcomes.length + index);
        const files = steps.map((step) => join(folder, String(step), 'identity.json'));
        const ends = await Promise.all(steps.map((step, index) => endOf(what, files[index]!, step)));
        for (const [index, { signal, status, stderr }] of ends.entries()) {
          isWhole = signal === null;
          if (isWhole) expect([status, stderr]).toEqual([0, '']);
          else expect(signal).toBe('SIGKILL');
          if (isWhole) break;
          outcomes.push(await isNew(what, files[index]!));
        }
      }
      // Old up to the step in which it takes effect, new from then on.
      expect(outcomes.length).toBeGreaterThan(4);
      expect(outcomes.indexOf(true)).toBeGreaterThan(0);
      expect(outcomes.slice(outcomes.indexOf(true))).not.toContain(false);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  async function endOf(what: string, file: string, steps: number) {
    const running = spawn(process.execPath, [child, what, file, String(steps)]);
    let stderr = '';
    running.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const [status, signal] = (await once(running, 'close')) as [number | null, string | null];
    return { status, signal, stderr };
  }

  async function isNew(what: string, file: string): Promise<boolean> {
    const keystore = new Keystore(file, { cost });
    if (what === 'create') {
      const names = (await readdir(join(file, '..'))).filter((name) => name === 'identity.json');
      if (names.length === 0) return false;
      await keystore.unlock('new passphrase');
      return true;
    }
    return keystore.unlock('new passphrase').then(
      () => true,
      async (error: unknown) => {
        expect(error).toMatchObject({ code: 'passphrase-wrong' });
        await keystore.unlock('old passphrase');
        return false;
      },
    );
  }
});
