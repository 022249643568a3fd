// Whatever a learner's file does, the process that judges it is the only one to suffer, and it is told what happened.

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PartReport } from '../src/check/report.js';
import { transpile } from '../src/check/transpile.js';
import { BOUNDS, judge, type Bounds } from '../dist/check/sandbox.js';
import { newWorkFolder } from './labs-process.js';

let work: string;
let count = 0;

beforeAll(async () => {
  work = await newWorkFolder();
});

afterAll(() => rm(work, { recursive: true, force: true }));

/** Judges the first part of lab 06 with this `did.ts`. */
async function judged(source: string, bounds: Partial<Bounds> = {}) {
  const folder = join(work, String(++count));
  await mkdir(folder);
  await writeFile(join(folder, 'did.ts'), source);
  expect(await transpile([folder], join(folder, 'out'))).toEqual([]);
  const task = { lab: '06', folder: join(folder, 'out'), parts: ['did'], seeds: [1], goesOn: false };
  const { parts, printed } = await judge(task, { ...BOUNDS, ...bounds });
  const [part] = parts as readonly (PartReport | undefined)[];
  return {
    step: part?.failedStep,
    message: part?.failure?.message,
    evidence: part?.failure?.evidence ?? [],
    printed,
  };
}

describe('a file that', () => {
  it('loops is stopped, and one that only takes its time is not', async () => {
    const looping = await judged('export function didOf() { for (;;); }', { stepMs: 1_500 });
    expect(looping).toMatchObject({
      step: 'name',
      message: expect.stringContaining('did not finish within 1.5 s'),
    });
    const slow =
      "const endMs = Date.now() + 300; while (Date.now() < endMs); export function didOf() { return 'x'; }";
    expect((await judged(slow)).message).toContain('the DID of the key');
  });

  it('waits for ever is stopped', async () => {
    const { message } = await judged('await new Promise(() => setInterval(() => {}, 1_000));', {
      stepMs: 1_500,
    });
    expect(message).toContain('did not finish');
  });

  it('throws is shown with the place, when it is loaded and when it runs', async () => {
    const running = await judged("\nexport function didOf() { throw new TypeError('oh no'); }");
    expect(running.message).toBe('your code threw: TypeError: oh no');
    expect(running.evidence[0]).toMatch(/did\.ts:2:\d+/);
    const loading = await judged("throw new TypeError('at once');");
    expect(loading.message).toBe('did.ts could not be loaded: TypeError: at once');
    expect((await judged("import './nowhere.js';")).message).toContain('did.ts could not be loaded');
    expect((await judged('export const a = 1;')).message).toBe('did.ts exports no function or class didOf');
  });

  it('is stopped before its first step fails the first part', async () => {
    const { message } = await judged('export const a = 1;', { startMs: 1 });
    expect(message).toContain('did not finish within 0.001 s');
  });

  it('ends the process is told so', async () => {
    expect((await judged('export function didOf() { process.exit(0); }')).message).toBe(
      'it ended the process (exit code 0)',
    );
  });

  it('prints without end is cut, and a word of it is kept whole', async () => {
    const flood = await judged(
      "export function didOf() { for (let i = 0; i < 1e5; i++) console.log('x'.repeat(50)); }",
    );
    expect(flood.printed).toContain('more was printed, and is left out');
    expect(flood.printed.length).toBeLessThan(BOUNDS.printedMax + 100);
    expect((await judged("console.log('one word'); export const a = 1;")).printed).toBe('one word\n');
  });

  it('eats memory is stopped at its bound', async () => {
    const eater =
      'const all = []; export function didOf() { for (;;) all.push(new Array(1e5).fill(all.length + 0.5)); }';
    const { message, printed } = await judged(eater, { memoryMb: 64 });
    expect(message).toBe('it took more than 64 MB of memory, and was stopped');
    expect(printed).toBe('');
  });
});

describe('a file that is no TypeScript', () => {
  it.each([
    ['a brace that is never closed', 'export function f() {\n', 1],
    ['a word too many', 'const a = 1;\nconst const b = 2;\n', 2],
    ['a text without end', "const a = 'x;\n", 1],
  ])('%s is told with its line', async (_, source, line) => {
    const folder = join(work, String(++count));
    await mkdir(folder);
    await writeFile(join(folder, 'did.ts'), source);
    const [fault] = await transpile([folder], join(folder, 'out'));
    expect(fault).toMatchObject({ file: 'did.ts', line });
    expect(fault?.message).toMatch(/^\w/);
  });
});
