// The runner as a learner meets it: what it says, what it keeps, and that no file of a learner's can hang or break it.

import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Terminal } from '../src/show/terminal.js';
import { labs, labsFolder, newWorkFolder, type Ended } from './labs-process.js';

let work: string;

beforeEach(async () => {
  work = await newWorkFolder();
});

afterEach(() => rm(work, { recursive: true, force: true }));

const lab06 = 'lab-06-signed-envelope';
const run = (...args: readonly string[]): Promise<Ended> => labs(work, args);
const write = (file: string, source: string) => writeFile(join(work, lab06, file), source);
const takeSolution = (file: string) => cp(join(labsFolder, lab06, 'solution', file), join(work, lab06, file));

describe('labs', () => {
  it('says where to begin, then where one is, and what next', async () => {
    expect(await run()).toMatchObject({ code: 0, output: expect.stringContaining('labs start 06') });
    await run('start', '06');
    const { output } = await run();
    expect(output).toContain('→ 1 One spelling of a DID');
    expect(output).toContain('did.ts');
    expect(output).not.toContain('✓');
  });

  it('takes a lab by number or name', async () => {
    for (const name of ['06', '6', lab06]) expect((await run('start', name)).code).toBe(0);
    expect((await run('start', '07')).output).toContain('lab 07: Gossip sync');
  });

  it.each([
    ['9', 'there are 06 (Signed envelope), 07 (Gossip sync)'],
    ['08', '08 is a course, and its lab is 07'],
    ['../x', 'no lab "../x"'],
  ])('refuses %s, and makes nothing', async (name, words) => {
    expect(await run('start', name)).toMatchObject({ code: 2, output: expect.stringContaining(words) });
    expect(await readdir(work)).toEqual([]);
  });

  it('says that a lab is to be started first', async () => {
    expect(await run('check')).toMatchObject({ code: 1, output: expect.stringContaining('labs start 06') });
    expect(await run('check', '07')).toMatchObject({
      code: 1,
      output: expect.stringContaining('labs start 07'),
    });
  });

  it('prints no colours where nobody watches, and asks nothing', async () => {
    await run('start', '06');
    for (const { output } of [await run(), await run('check'), await run('list')])
      expect(output).not.toContain(String.fromCharCode(27));
  });

  it('starts again without touching what was written', async () => {
    await run('start', '06');
    await write('did.ts', '// mine\n');
    expect((await run('start', '06')).output).toContain('nothing of it was changed');
    expect(await readFile(join(work, lab06, 'did.ts'), 'utf8')).toBe('// mine\n');
  });

  it('puts the old copy aside on reset', async () => {
    await run('start', '06');
    await write('did.ts', '// mine\n');
    expect((await run('reset')).code).toBe(0);
    expect(await readFile(join(work, 'old', `${lab06}-1`, 'did.ts'), 'utf8')).toBe('// mine\n');
    expect(await readFile(join(work, lab06, 'did.ts'), 'utf8')).toContain('TODO');
  });

  it('needs no network', async () => {
    const block =
      "import net from 'node:net'; net.Socket.prototype.connect = () => { throw new Error('offline'); };";
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(block)}` };
    await run('start', '06');
    await takeSolution('did.ts');
    expect(await labs(work, ['check'], env)).toMatchObject({
      code: 0,
      output: expect.stringContaining('✓ 1'),
    });
    expect(
      (await labs(work, ['check'], { NODE_OPTIONS: '--import=data:text/javascript,throw%201' })).code,
    ).not.toBe(0);
  });
});

describe('labs check', () => {
  beforeEach(() => cp(join(labsFolder, lab06, 'starter'), join(work, lab06), { recursive: true }));
  const check = () => run('check', '06');

  it('goes a part at a time, keeps what passed, and opens the solution of that alone', async () => {
    expect((await run('solution', '06')).output).toContain('did.ts opens when part 1');
    await takeSolution('did.ts');
    const first = await check();
    expect(first).toMatchObject({ code: 0, output: expect.stringContaining('✓ 1 One spelling of a DID') });
    expect(first.output).toContain('Part 2: Sign and verify');
    const second = await check();
    expect(second.code).toBe(1);
    expect(second.output).toContain('✗ 2 Sign and verify, step "seal"');
    const solution = await run('solution', '06');
    expect(solution.output).toContain('base58.encode(publicKey)');
    expect(solution.output).toContain('envelope.ts opens when part 4');
  });

  it('says so when a part that had passed fails again', async () => {
    await takeSolution('did.ts');
    await check();
    await write('did.ts', 'export function didOf() { return "did:icn:z"; }\n');
    expect(await check()).toMatchObject({
      code: 1,
      output: expect.stringContaining('✗ 1 One spelling'),
    });
  });

  it('shows where a file is no TypeScript, and runs nothing', async () => {
    await write('did.ts', 'export const a = 1;\nexport function didOf( { console.log("ran");\n');
    const { code, output } = await check();
    expect(code).toBe(1);
    expect(output).toMatch(/did\.ts:\d+:\d+ {2}\S/);
    expect(output).toContain('nothing was run');
    expect(output).not.toContain('✗');
  });

  it('remarks on types, which fails nothing', async () => {
    const source = await readFile(join(labsFolder, lab06, 'solution', 'did.ts'), 'utf8');
    await write('did.ts', `${source}\nexport const wrong: number = 'text';\n`);
    const { code, output } = await check();
    expect(output).toMatch(/did\.ts:\d+:14 {2}TS2322/);
    expect(code).toBe(0);
    await takeSolution('did.ts');
    expect((await check()).output).not.toContain('compiler remarks');
  });

  it('ends an endless loop, and says in which step', async () => {
    await write('did.ts', "console.log('hello');\nexport function didOf() { for (;;); }\n");
    const { code, output } = await run('check', '06', '--seconds', '2');
    expect(code).toBe(1);
    expect(output).toContain('✗ 1 One spelling of a DID, step "name"');
    expect(output).toContain('did not finish within 2 s');
    expect(output).toMatch(/Your code printed:\n {2}hello\n/);
  });

  it('gives three hints of the failing step: the first with the failure, then one more each time', async () => {
    await check();
    const counts: number[] = [];
    for (let time = 0; time < 4; time++)
      counts.push(
        (await run('hint', '06')).output.split('\n').filter((line) => /^ {2}\d\. /.test(line)).length,
      );
    expect(counts).toEqual([2, 3, 3, 3]);
  });
});

describe('the record of progress', () => {
  it('is put aside where it is damaged, and the work stays', async () => {
    await run('start', '06');
    await write('did.ts', '// mine\n');
    for (const damage of ['{"version":1,"lab', '{"version":2}', '']) {
      await writeFile(join(work, 'progress.json'), damage);
      const { code, output } = await run('list');
      expect(code).toBe(0);
      expect(output).toContain('was damaged');
    }
    expect((await readdir(work)).filter((name) => name.includes('damaged')).length).toBeGreaterThan(0);
    expect(await readFile(join(work, lab06, 'did.ts'), 'utf8')).toBe('// mine\n');
    expect((await run('start', '06')).output).not.toContain('was damaged');
    expect((await run('list')).output).not.toContain('was damaged');
  });

  it('leaves no half-written file', async () => {
    await run('start', '06');
    await Promise.all([run('hint'), run('hint'), run('hint')]);
    expect(JSON.parse(await readFile(join(work, 'progress.json'), 'utf8'))).toMatchObject({ version: 1 });
    expect((await readdir(work)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('labs demo', () => {
  it('draws how the clock of the original lesson loses an entry, in the part about it', async () => {
    await run('start', '07');
    expect(await run('demo')).toMatchObject({ code: 1, output: expect.stringContaining('part 4') });
    const passed = Object.fromEntries(
      ['clock', 'pull', 'heal'].map((part) => [part, new Date().toISOString()]),
    );
    const progress = { version: 1, current: '07', labs: { '07': { passed, hints: {} } }, checkpoints: {} };
    await writeFile(join(work, 'progress.json'), JSON.stringify(progress));
    const { code, output } = await run('demo');
    expect(code).toBe(0);
    expect(output).toMatch(/✕─+ PullResponse A\/2|PullResponse A\/2 ─+✕/);
    expect(output).toContain('AntiEntropy clock {A: 3}');
    expect(output).toContain('an entry never arrived (liveness): B lacks 2 of lobby: A/2');
  });
});

describe('a terminal', () => {
  const stdinIsTTY = process.stdin.isTTY;
  beforeAll(() => {
    process.stdin.isTTY = true;
  });
  afterAll(() => {
    process.stdin.isTTY = stdinIsTTY;
  });

  it.each([
    ['in colours', { isTTY: true }, {}, [true, true]],
    ['plain with NO_COLOR', { isTTY: true }, { NO_COLOR: '1' }, [false, true]],
    ['without questions in CI', { isTTY: true }, { CI: 'true' }, [true, false]],
    ['plain in a pipe', { isTTY: false }, {}, [false, false]],
  ])('%s', (_, stream, env, expected) => {
    const terminal = new Terminal({ write: () => true, ...stream } as unknown as NodeJS.WriteStream, env);
    expect([terminal.good('x') !== 'x', terminal.isInteractive]).toEqual(expected);
  });
});
