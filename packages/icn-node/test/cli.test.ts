import { createSocket } from 'node:dgram';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { PROTOCOL } from '@icn/gossip';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ControlClient } from '../src/control/control-client.js';
import { IcnProcess, runIcn } from '../src/demo/icn-process.js';
import { afterTest, QUIET, startNode, temporaryFolder } from './support/temporary.js';

const parse = (text: string): unknown[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);

describe('icn with a running node', () => {
  let node: IcnProcess;
  const icn = (args: readonly string[], input?: string | Uint8Array) =>
    runIcn([...args, '--data-dir', node.dataDir], input);

  beforeAll(async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'icn-test-'));
    node = await IcnProcess.start(dataDir, [...QUIET, '--topic', 'lobby', '--topic', 'news']);
  });

  afterAll(async () => {
    await node.end('SIGKILL');
    await rm(node.dataDir, { recursive: true });
  });

  it('publishes a text and prints what is durable', async () => {
    const { exitCode, stdout } = await icn(['publish', 'lobby', 'hello', '--json']);
    expect(exitCode).toBe(0);
    expect(parse(stdout)).toEqual([
      { id: expect.stringMatching(/^[0-9a-f]{64}$/), topic: 'lobby', seq: 1, durable: true },
    ]);
    expect((await icn(['publish', 'lobby', 'again'])).stdout).toMatch(
      /^published to lobby as number 2: [0-9a-f]{64}\n$/,
    );
  });

  it('takes the payload from standard input, bytes unchanged, and each line that is not empty on its own with --lines', async () => {
    const bytes = Buffer.from([0, 10, 255, 10]);
    expect((await icn(['publish', 'news', '-'], bytes)).exitCode).toBe(0);
    const { stdout } = await icn(['publish', 'news', '--lines', '--json'], 'one\r\ntwo\n\n\r\nfour');
    expect(parse(stdout).map((line) => (line as { seq: number }).seq)).toEqual([2, 3, 4]);
    const entries = parse((await icn(['entries', 'news', '--json'])).stdout) as {
      payload: string;
      payloadBase64?: string;
    }[];
    expect(entries[0]).toMatchObject({
      type: 'entry',
      payload: null,
      payloadBase64: bytes.toString('base64'),
    });
    expect(entries.slice(1).map(({ payload }) => payload)).toEqual(['one', 'two', 'four']);
  });

  it('acknowledges a line as soon as it is durable, while its input is still open', async () => {
    const lines = new PassThrough();
    const answers = new ControlClient(node.dataDir).publishLines('typed', lines);
    for (const seq of [1, 2]) {
      lines.write('line\n');
      expect((await answers.next()).value).toMatchObject({ seq, durable: true });
    }
    lines.end();
    expect((await answers.next()).done).toBe(true);
  });

  it('prints entries in order from a position on, for people too, without what would steer their terminal', async () => {
    await icn(['publish', 'poems', '-'], 'red \u001b[31m alert');
    const { stdout } = await icn(['entries', 'poems', '--from', '1']);
    expect(stdout).toMatch(/^ {5}1 {2}did:icn:z\w{6}…\w{4} {2}red �\[31m alert\n$/);
    expect((await icn(['entries', 'poems', '--from', '2'])).stdout).toBe('');
  });

  it('goes on after what a consumer was printed, also after kill -9', async () => {
    const own = await startNode(await temporaryFolder(), ...QUIET);
    const run = async (...args: readonly string[]) => {
      const { stdout } = await runIcn([...args, '--json', '--data-dir', own.dataDir]);
      return parse(stdout) as { payload: string; consumers?: object }[];
    };
    await own.publishLines('lobby', ['a', 'b']);
    const consumed = await run('entries', 'lobby', '--consumer', 'mailer');
    expect(consumed.map(({ payload }) => payload)).toEqual(['a', 'b']);
    await own.end('SIGKILL');
    const again = await startNode(own.dataDir, ...QUIET);
    await again.publish('lobby', 'c');
    const rest = await run('entries', 'lobby', '--consumer', 'mailer');
    expect(rest.map(({ payload }) => payload)).toEqual(['c']);
    expect(await run('consumers', 'lobby')).toEqual([{ topic: 'lobby', consumers: { mailer: 3 } }]);
    await run('consumers', 'lobby', '--forget', 'mailer');
    expect(await run('entries', 'lobby', '--last', '2')).toMatchObject([{ payload: 'b' }, { payload: 'c' }]);
    expect(await run('sync', 'lobby', '--explain')).toEqual([{ topic: 'lobby', sessions: [] }]);
    expect(await run('leave', 'lobby')).toEqual([{ topic: 'lobby', left: true }]);
    expect((await again.status()).topics).toEqual([]);
  });

  it('says that it does not follow a topic, rather than that it is empty', async () => {
    const { exitCode, stderr } = await icn(['entries', 'misspelt']);
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringMatching(/^icn: this node does not follow misspelt: /),
    ]);
  });

  it('joins a topic by publishing to it, and shows it in the status', async () => {
    await icn(['publish', 'fresh', 'x']);
    const status = parse((await icn(['status', '--json'])).stdout)[0];
    expect(status).toMatchObject({ did: node.did, addresses: [node.address], peers: [] });
    const topics = (status as { topics: { topic: string }[] }).topics;
    expect(topics.find(({ topic }) => topic === 'fresh')).toMatchObject({
      entries: 1,
      authors: 1,
      root: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(status).toMatchObject({ reconcile: 'auto', traffic: { framesSent: 0, bytesReceived: 0 } });
    expect((await icn(['status'])).stdout).toContain('topic    fresh  1 entry by 1 author');
  });

  it('tells who it is, running or not', async () => {
    expect(parse((await icn(['identity', '--json'])).stdout)[0]).toMatchObject({ did: node.did });
    expect((await icn(['identity'])).stdout).toBe(`${node.did}\n`);
  });

  it('blocks and unblocks by DID, and says so', async () => {
    const stranger = 'did:icn:zDvj1iUFTe7PraSX8vLgv9s3ECTZ6ZhQXWgxvhZ89CejK';
    expect((await icn(['block', stranger])).exitCode).toBe(0);
    expect((await icn(['peers'])).stdout).toBe(`${stranger}  blocked\n`);
    expect(parse((await icn(['unblock', stranger, '--json'])).stdout)).toEqual([
      { did: stranger, blocked: false },
    ]);
    expect((await icn(['peers'])).stdout).toBe('no peers yet\n');
  });

  it('refuses an entry above the limit with its size and the limit, and takes one at the limit', async () => {
    const tooLarge = await icn(['publish', 'large', '-'], Buffer.alloc(PROTOCOL.payloadBytesMax + 1, 'x'));
    expect(tooLarge.exitCode).toBe(1);
    expect(tooLarge.stderr).toBe(`icn: the input has more than 65536 bytes, which is what an entry takes\n`);
    expect((await icn(['publish', 'large', '-'], Buffer.alloc(PROTOCOL.payloadBytesMax, 'x'))).exitCode).toBe(
      0,
    );
  });

  it('goes on with the other lines when one is too long, and ends with 1', async () => {
    const lines = `short\n${'x'.repeat(PROTOCOL.payloadBytesMax + 1)}\nlast\n`;
    const { exitCode, stdout, stderr } = await icn(['publish', 'mixed', '-', '--lines', '--json'], lines);
    expect(exitCode).toBe(1);
    expect(parse(stdout)).toHaveLength(2);
    const message = 'line 2 has more than 65536 bytes, which is what an entry takes';
    expect(parse(stderr)).toEqual([{ error: { code: 'payload-too-large', message } }]);
  });

  it('does not start a second node on the same data directory; the first goes on', async () => {
    const second = await icn(['up', ...QUIET]);
    expect(second.exitCode).toBe(1);
    expect(second.stderr).toMatch(
      /^icn: another node is running on .*; stop it, or choose another --data-dir\n$/,
    );
    expect((await node.status()).did).toBe(node.did);
  });

  it('does not listen on a port that is taken, and says which', async () => {
    const taken = createSocket('udp4');
    await new Promise<void>((resolve) => taken.bind(0, '127.0.0.1', resolve));
    afterTest(async () => taken.close());
    const { port } = taken.address();
    const args = [
      'up',
      '--no-mdns',
      '--listen',
      `quic://127.0.0.1:${port}`,
      '--data-dir',
      await temporaryFolder(),
    ];
    const { exitCode, stderr } = await runIcn(args);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(String(port))]);
  });
});

describe('icn without a node', () => {
  it('says how to start one, with exit code 3', async () => {
    const dataDir = await temporaryFolder();
    for (const args of [
      ['status'],
      ['publish', 'lobby', 'x'],
      ['entries', 'lobby'],
      ['tail', 'lobby'],
      ['peers'],
    ]) {
      const { exitCode, stderr } = await runIcn([...args, '--data-dir', dataDir]);
      expect([exitCode, stderr]).toEqual([
        3,
        `icn: no node is running on ${dataDir}; start one with: icn up --data-dir ${dataDir}\n`,
      ]);
    }
    const { stderr } = await runIcn(['status', '--json', '--data-dir', dataDir]);
    expect(parse(stderr)).toEqual([{ error: { code: 'node-unreachable', message: expect.any(String) } }]);
  });

  it.each([
    [['no-such-command'], /unknown command/],
    [['up', '--no-such-option'], /unknown option/],
    [['publish'], /missing required argument 'topic'/],
    [['publish', 'lobby', 'text', '--lines'], /leave the text out/],
    [['publish', 'Not A Topic', 'x'], /not a topic: "Not A Topic"; use 1 to 64 of/],
    [['block', 'did:icn:nobody'], /'did:icn:nobody' is invalid/],
    [['entries', 'lobby', '--from', '0'], /A position is a whole number from 1/],
    [['entries', 'lobby', '--from', 'end'], /A position is a whole number from 1/],
    [['up', '--listen', 'quic://127.0.0.1'], /'--listen <address>'.*is not an address/],
    [['up', '--peer', 'quic://127.0.0.1:1?did=did:icn:zzz'], /'--peer <address>'/],
    [['up', '--data-dir', ''], /It names no folder/],
    [['up', '--reconcile', 'guess'], /Allowed choices are auto, clock, bloom, sketch/],
    [['tail', 'lobby', '--consumer', '..'], /not a name of a consumer/],
    [['tail', 'lobby', '--consumer', 'mailer', '--from', '3'], /cannot be used with/],
    [['sync', 'lobby'], /required option '--explain'/],
  ])('answers wrong usage %j with exit code 2 and says what is wrong', async (args, message) => {
    const { exitCode, stderr } = await runIcn(args);
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  it('answers wrong usage as JSON where JSON is asked for', async () => {
    const { exitCode, stdout, stderr } = await runIcn(['entries', 'lobby', '--from', '0', '--json']);
    expect([exitCode, stdout]).toEqual([2, '']);
    const message = expect.stringContaining('A position is a whole number from 1');
    expect(parse(stderr)).toEqual([{ error: { code: 'usage', message } }]);
  });

  it('answers --help and --version with exit code 0', async () => {
    expect((await runIcn(['--help'])).exitCode).toBe(0);
    expect((await runIcn(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('refuses to listen on a transport that it does not have', async () => {
    const args = [
      'up',
      '--no-mdns',
      '--listen',
      'carrier-pigeon://127.0.0.1:1',
      '--data-dir',
      await temporaryFolder(),
    ];
    const { exitCode, stderr } = await runIcn(args);
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/cannot listen on carrier-pigeon/)]);
  });

  it('names a data directory that cannot be used', async () => {
    const file = join(await temporaryFolder(), 'file');
    await writeFile(file, '');
    const { exitCode, stderr } = await runIcn(['up', ...QUIET, '--data-dir', join(file, 'below')]);
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringMatching(/^icn: cannot use .*below as data directory: /),
    ]);
  });

  it('refuses a corrupt identity file and leaves it untouched', async () => {
    const dataDir = await temporaryFolder();
    const path = join(dataDir, 'identity.json');
    await writeFile(path, '{"version":1,"did":"did:icn:z', { mode: 0o600 });
    const { exitCode, stderr } = await runIcn(['up', ...QUIET, '--data-dir', dataDir]);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(path)]);
    expect(await readFile(path, 'utf8')).toBe('{"version":1,"did":"did:icn:z');
  });

  it('does not take a store whose CURRENT is gone for a new one, and removes nothing', async () => {
    const dataDir = await temporaryFolder();
    const store = join(dataDir, 'store');
    await mkdir(store);
    await writeFile(join(store, '000005.ldb'), 'entries');
    const { exitCode, stderr } = await runIcn(['up', ...QUIET, '--data-dir', dataDir]);
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/CURRENT is missing/)]);
    expect(await readFile(join(store, '000005.ldb'), 'utf8')).toBe('entries');
  });

  it('refuses a damaged store with advice', async () => {
    const dataDir = await temporaryFolder();
    await mkdir(join(dataDir, 'store'));
    await writeFile(join(dataDir, 'store', 'CURRENT'), 'garbage\n');
    const { exitCode, stderr } = await runIcn(['up', ...QUIET, '--data-dir', dataDir]);
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringMatching(/^icn: the store in .* is damaged .*; restore it from a backup/),
    ]);
  });
});

describe('icn up', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'ends in order on %s with exit code 0, and its socket is gone',
    async (signal) => {
      const node = await startNode(await temporaryFolder(), ...QUIET);
      await stat(join(node.dataDir, 'control.sock'));
      expect(await node.end(signal)).toBe(0);
      await expect(stat(join(node.dataDir, 'control.sock'))).rejects.toMatchObject({ code: 'ENOENT' });
    },
  );

  it('keeps its identity for its user alone, and has it again at the next start', async () => {
    const dataDir = await temporaryFolder();
    const first = await startNode(dataDir, ...QUIET);
    expect((await stat(join(dataDir, 'identity.json'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(dataDir, 'control.sock'))).mode & 0o777).toBe(0o600);
    await first.end();
    expect((await startNode(dataDir, ...QUIET)).did).toBe(first.did);
  });

  it('works where the path of the data directory is too long for a socket', async () => {
    const dataDir = join(await temporaryFolder(), 'a'.repeat(60), 'b'.repeat(60));
    const node = await startNode(dataDir, ...QUIET);
    expect((await node.publish('lobby', 'x')).seq).toBe(1);
  });

  it('lives on after its socket was left over by a crash', async () => {
    const dataDir = await temporaryFolder();
    await (await startNode(dataDir, ...QUIET)).end('SIGKILL');
    await stat(join(dataDir, 'control.sock'));
    expect((await (await startNode(dataDir, ...QUIET)).publish('lobby', 'x')).durable).toBe(true);
  });

  it('ends in order while it is publishing as fast as it can', async () => {
    const node = await startNode(await temporaryFolder(), ...QUIET);
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}`).join('\n');
    const publishing = runIcn(['publish', 'lobby', '--lines', '--data-dir', node.dataDir], lines);
    await node.line(({ seq }) => typeof seq === 'number' && seq > 1_000);
    expect(await node.end('SIGTERM')).toBe(0);
    expect((await publishing).exitCode).not.toBe(0);
  });
});
