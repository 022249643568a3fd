import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateKeyPair, parseDid } from '@icn/identity';
import { formatLine, signStatement } from '@icn/identity/trust';
import { describe, expect, it } from '@jest/globals';
import { CommanderError } from 'commander';
import { createProgram } from '../src/cli/program.js';
import { runIcn } from '../src/demo/icn-process.js';
import { QUIET, startNode, temporaryFolder } from './support/temporary.js';

const [ada, bob] = [generateKeyPair(), generateKeyPair()];

describe('icn trust', () => {
  it('says, shows, explains and takes back, and a kill loses none of it', async () => {
    const dataDir = await temporaryFolder();
    const icn = async (...args: readonly string[]) => runIcn(['trust', ...args, '--data-dir', dataDir]);
    const json = async (...args: readonly string[]) => {
      const { stdout, exitCode } = await icn(...args, '--json');
      return { exitCode, value: stdout === '' ? undefined : (JSON.parse(stdout) as unknown) };
    };
    let node = await startNode(dataDir, ...QUIET);
    const me = parseDid((await node.status()).did);
    expect((await icn('show')).stdout).toMatch(/^this node trusts nobody yet/);
    const set = await json('set', ada.did, '0.9', '--days', '10');
    expect(set).toEqual({
      exitCode: 0,
      value: {
        issuer: me,
        subject: ada.did,
        score: 0.9,
        expiresMs: expect.any(Number),
        sequence: expect.any(Number),
      },
    });
    const { expiresMs } = set.value as { expiresMs: number };
    expect(Math.abs(expiresMs - Date.now() - 10 * 86_400_000)).toBeLessThan(60_000);
    const timestampMs = Date.now();
    const said = { network: 'icn', score: 500, sequence: 1, timestampMs, expiresMs: timestampMs + 60_000 };
    const file = join(dataDir, 'statements');
    const good = formatLine(signStatement(ada, { ...said, subject: bob.did }));
    await writeFile(file, `# from ada\n${good}\nno sense!\n`);
    const imported = await icn('import', file);
    expect(imported).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('added 1, text-malformed 1'),
    });
    expect(imported.stdout).toContain('line 3 was refused: text-malformed');
    await node.end('SIGKILL');

    node = await startNode(dataDir, ...QUIET);
    const explained = {
      did: bob.did,
      score: 0.27,
      class: 'known',
      basis: 'path',
      path: [
        { issuer: me, subject: ada.did, said: 0.9, score: 0.9, expiresMs },
        { issuer: ada.did, subject: bob.did, said: 0.5, score: 0.27, expiresMs: said.expiresMs },
      ],
      vouchers: 1,
      ratedAs: 'federated',
    };
    expect(await json('explain', bob.did)).toEqual({ exitCode: 0, value: explained });
    expect((await icn('explain', bob.did)).stdout).toMatch(
      /this node says 0\.9 of[^]* says 0\.5 of[^]*leaves 0\.27/,
    );
    expect((await icn('show')).stdout).toBe(
      `0.900  federated  ${ada.did}  (own statement)\n0.270  known      ${bob.did}\n`,
    );
    const out = join(dataDir, 'exported');
    expect((await icn('export', out)).stdout).toBe(`2 statements written to ${out}\n`);
    expect((await readFile(out, 'utf8')).split('\n')).toContain(good);
    expect(await icn('export', out)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('is there already'),
    });
    expect((await icn('export', '--own')).stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(await json('import', out)).toEqual({ exitCode: 0, value: { counts: { known: 2 }, refused: [] } });

    expect((await icn('revoke', ada.did)).stdout).toMatch(/what others say makes it 0\n$/);
    expect((await icn('show')).stdout).toMatch(/nobody yet/);
    expect(await icn('revoke', ada.did)).toMatchObject({ exitCode: 1 });
    expect(await icn('set', me, '1')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('trusts itself'),
    });
  });

  const run = (...args: readonly string[]) =>
    createProgram(() => undefined, true).parseAsync(['trust', ...args], { from: 'user' });

  it.each([
    ['a score above 1', ['set', ada.did, '1.1']],
    ['a score with too many decimals', ['set', ada.did, '0.1234']],
    ['too many days', ['set', ada.did, '0.5', '--days', '733']],
    ['what is no DID', ['explain', 'did:icn:nobody']],
    ['what is no command', ['distrust', ada.did]],
  ])('does not take %s', async (_, args) => {
    await expect(run(...args)).rejects.toBeInstanceOf(CommanderError);
  });

  it.each([
    [['set', ada.did, '0.5']],
    [['revoke', ada.did]],
    [['show']],
    [['explain', ada.did]],
    [['export']],
    [['export', 'never-written']],
  ])('says so where no node runs: %j', async (args) => {
    const dataDir = await temporaryFolder();
    const inFolder = args.map((arg) => (arg === 'never-written' ? join(dataDir, arg) : arg));
    await expect(run(...inFolder, '--data-dir', dataDir)).rejects.toMatchObject({ code: 'node-unreachable' });
    expect(await readdir(dataDir)).toEqual([]);
  });

  it('ends with 3 where no node runs to import into', async () => {
    const dataDir = await temporaryFolder();
    const { exitCode, stderr } = await runIcn(['trust', 'import', '--data-dir', dataDir, '--json']);
    expect(exitCode).toBe(3);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'node-unreachable' } });
  });
});
