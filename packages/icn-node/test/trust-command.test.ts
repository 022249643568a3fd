import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { generateKeyPair } from '@icn/identity';
import { formatLine, signStatement } from '@icn/identity/trust';
import { describe, expect, it } from '@jest/globals';
import { CommanderError } from 'commander';
import { createProgram } from '../src/cli/program.js';
import { ControlClient } from '../src/control/control-client.js';
import { ControlServer } from '../src/control/control-server.js';
import { runIcn } from '../src/demo/icn-process.js';
import { createNode, type IcnNode } from '../src/index.js';
import { afterTest, QUIET, startNode, temporaryFolder } from './support/temporary.js';

const [ada, bob] = [generateKeyPair(), generateKeyPair()];
const expiresMs = Date.now() + 3_600_000;

/** Ada's word for bob, as a line. */
const adasWord = formatLine(
  signStatement(ada, {
    network: 'icn',
    subject: bob.did,
    score: 500,
    sequence: 1,
    timestampMs: expiresMs - 3_600_000,
    expiresMs,
  }),
);

/** A node, and its command line. */
async function served(): Promise<{
  readonly dataDir: string;
  readonly node: IcnNode;
  readonly icn: (...args: readonly string[]) => ReturnType<typeof runIcn>;
}> {
  const dataDir = await temporaryFolder();
  const node = await createNode({ dataDir, listen: [], mdns: false });
  afterTest(() => node.close());
  const control = await ControlServer.start(node, dataDir);
  afterTest(() => control.close());
  return { dataDir, node, icn: (...args) => runIcn(['trust', ...args, '--data-dir', dataDir]) };
}

describe('icn trust', () => {
  it('says, shows, explains and takes back', async () => {
    const { dataDir, node, icn } = await served();
    expect((await icn('show')).stdout).toMatch(/^this node trusts nobody yet/);
    const { stdout } = await icn('set', ada.did, '0.9', '--days', '10', '--json');
    const set = JSON.parse(stdout) as { expiresMs: number };
    const sequence = expect.any(Number);
    expect(set).toEqual({
      issuer: node.did,
      subject: ada.did,
      score: 0.9,
      expiresMs: set.expiresMs,
      sequence,
    });
    expect(Math.abs(set.expiresMs - Date.now() - 10 * 86_400_000)).toBeLessThan(600_000);
    expect((await icn('show')).stdout).toBe(`0.900  federated  ${ada.did}  (own statement)\n`);
    expect((await icn('explain', ada.did)).stdout).toMatch(
      /what this node says itself stands[^]*says 0\.9 of/,
    );
    expect((await icn('revoke', ada.did)).stdout).toMatch(/what others say makes it 0\n$/);
    const client = new ControlClient(dataDir);
    await expect(client.revokeTrust(ada.did)).rejects.toMatchObject({ code: 'request-refused' });
    await expect(client.setTrust(node.did, 1_000, 1)).rejects.toMatchObject({ code: 'own-did' });
  });

  it('imports what is good, names what is not, and explains what came of it', async () => {
    const { dataDir, node, icn } = await served();
    await node.trust.set(ada.did, 900);
    const file = join(dataDir, 'statements');
    await writeFile(file, `# from ada\n${adasWord}\nno sense!\n`);
    const imported = await icn('import', file);
    expect(imported).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('added 1, text-malformed 1'),
    });
    expect(imported.stdout).toContain('line 3 was refused: text-malformed');
    expect(JSON.parse((await icn('explain', bob.did, '--json')).stdout)).toEqual({
      did: bob.did,
      score: 0.27,
      class: 'known',
      basis: 'path',
      path: [
        { issuer: node.did, subject: ada.did, said: 0.9, score: 0.9, expiresMs: expect.any(Number) },
        { issuer: ada.did, subject: bob.did, said: 0.5, score: 0.27, expiresMs },
      ],
      vouchers: 1,
      ratedAs: 'federated',
    });
    const people = (await icn('explain', bob.did)).stdout;
    expect(people).toMatch(/this node says 0\.9 of[^]* says 0\.5 of[^]*leaves 0\.27/);
  });

  it('exports to a new file, and takes it back', async () => {
    const { dataDir, node, icn } = await served();
    await node.trust.set(ada.did, 900);
    await new ControlClient(dataDir).importTrust(Readable.from([`${adasWord}\n`]));
    const out = join(dataDir, 'exported');
    expect((await icn('export', out)).stdout).toBe(`2 statements written to ${out}\n`);
    expect((await readFile(out, 'utf8')).split('\n')).toContain(adasWord);
    const again = await icn('export', out);
    expect(again).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('is there already') });
    expect((await icn('export', '--own')).stdout.trimEnd()).toBe(node.trust.exportLines(true)[0]);
    const imported = await icn('import', out, '--json');
    expect(imported.exitCode).toBe(0);
    expect(JSON.parse(imported.stdout)).toEqual({ counts: { known: 2 }, refused: [] });
  });

  it('has lost nothing when the node was killed', async () => {
    const dataDir = await temporaryFolder();
    const client = new ControlClient(dataDir);
    const killed = await startNode(dataDir, ...QUIET);
    await client.setTrust(ada.did, 900, 10);
    await client.importTrust(Readable.from([`${adasWord}\n`]));
    await killed.end('SIGKILL');
    await startNode(dataDir, ...QUIET, '--strangers', 'isolated');
    expect(await client.explainTrust(bob.did)).toMatchObject({
      score: 0.27,
      class: 'known',
      ratedAs: 'known',
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
