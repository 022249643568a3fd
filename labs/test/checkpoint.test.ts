// The checkpoint of course 08, without a terminal: each item can be met, and is not met by a wrong answer.

import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { clockQuestion } from '../src/checkpoint/clock-question.js';
import { wrongAnswers } from '../src/checkpoint/item.js';
import { differences, seedIn, type TracedRun } from '../src/checkpoint/trace-item.js';
import { fromBuilt, labs, labsFolder, newWorkFolder } from './labs-process.js';

let work: string;

beforeAll(async () => {
  work = await newWorkFolder();
});

afterAll(() => rm(work, { recursive: true, force: true }));

const checkpoint = (...args: readonly string[]) => labs(work, ['checkpoint', ...args]);
const drawing = ({ seed, arrows }: TracedRun) =>
  [
    'sequenceDiagram',
    `%% seed ${seed}`,
    ...arrows.map(({ from, to, message, isLost }) => `${from}${isLost ? '-x' : '->>'}${to}: ${message} A/1`),
  ].join('\n');

describe('labs checkpoint', () => {
  it('names the course by its number, and refuses what is none', async () => {
    expect(await checkpoint('08')).toMatchObject({
      code: 1,
      output: expect.stringContaining('Next: npx -y pnpm@12 labs checkpoint 08 trace'),
    });
    expect(await checkpoint('07')).toMatchObject({
      code: 2,
      output: expect.stringContaining('course 07 has no checkpoint yet'),
    });
    expect(await checkpoint('12')).toMatchObject({
      code: 2,
      output: expect.stringContaining('no course "12"'),
    });
    expect((await checkpoint('08', 'nothing')).code).toBe(2);
  });

  it('trace: begins a drawing, and takes the one of the recorded run alone', async () => {
    expect(await checkpoint('08', 'trace')).toMatchObject({
      code: 1,
      output: expect.stringContaining('trace.mmd'),
    });
    const file = join(work, 'checkpoint-08', 'trace.mmd');
    const template = await readFile(file, 'utf8');
    expect(await checkpoint('08', 'trace')).toMatchObject({
      code: 1,
      output: expect.stringContaining('no arrow in it yet'),
    });
    const code = `import { traceRun } from './dist/checkpoint/trace-item.js'; console.log(JSON.stringify(await traceRun(${seedIn(template)})));`;
    const recorded = (await fromBuilt(code)) as TracedRun;
    await writeFile(file, drawing({ ...recorded, arrows: recorded.arrows.slice(0, -1) }));
    expect(await checkpoint('08', 'trace')).toMatchObject({
      code: 1,
      output: expect.stringContaining('you drew nothing'),
    });
    await writeFile(file, drawing(recorded));
    expect(await checkpoint('08', 'trace')).toMatchObject({
      code: 0,
      output: expect.stringContaining('✓ trace'),
    });
  });

  it('clocks: shows the questions of a seed, and takes the right answers alone', async () => {
    const shown = await checkpoint('08', 'clocks', '--seed', '5');
    expect(shown).toMatchObject({ code: 1, output: expect.stringContaining('--seed 5 --answers') });
    const answers = clockQuestion(5).asks.map(({ answer }) => answer);
    const wrong = ['equal', ...answers.slice(1)].map((answer, index) =>
      index === 0 && answer === answers[0] ? 'before' : answer,
    );
    expect(await checkpoint('08', 'clocks', '--seed', '5', '--answers', wrong.join())).toMatchObject({
      code: 1,
      output: expect.stringContaining('\n1: not '),
    });
    expect(await checkpoint('08', 'clocks', '--answers', answers.join())).toMatchObject({
      code: 2,
      output: expect.stringContaining('--seed'),
    });
    expect(await checkpoint('08', 'clocks', '--seed', '5', '--answers', answers.join())).toMatchObject({
      code: 0,
      output: expect.stringContaining('✓ clocks'),
    });
  });

  it('diagnose: three networks with causes of their own, of which every one must be found', async () => {
    const code = `
      import { diagnosisQuestion } from './dist/checkpoint/broken-network.js';
      const questions = [];
      for (const seed of [1, 4, 6]) questions.push(await diagnosisQuestion(seed));
      console.log(JSON.stringify(questions.map(({ asks }) => asks.map(({ answer }) => answer))));
    `;
    const answers = (await fromBuilt(code)) as string[][];
    expect(new Set(answers.flat()).size).toBe(6);
    for (const three of answers) expect(new Set(three).size).toBe(3);
    const [right = []] = answers;
    const wrong = [right[1], right[0], right[2]].join();
    expect(await checkpoint('08', 'diagnose', '--seed', '1', '--answers', wrong)).toMatchObject({
      code: 1,
      output: expect.stringContaining('\n1: not '),
    });
    expect(await checkpoint('08', 'diagnose', '--seed', '1', '--answers', right.join())).toMatchObject({
      code: 0,
      output: expect.stringContaining('✓ diagnose'),
    });
  });

  it('bloom: the learner’s own filter, by the checks of lab 07', async () => {
    expect(await checkpoint('08', 'bloom')).toMatchObject({
      code: 1,
      output: expect.stringContaining('labs start 07'),
    });
    await labs(work, ['start', '07']);
    expect(await checkpoint('08', 'bloom')).toMatchObject({
      code: 1,
      output: expect.stringContaining('TODO filter'),
    });
    await cp(join(labsFolder, 'lab-07-gossip-sync', 'solution'), join(work, 'lab-07-gossip-sync'), {
      recursive: true,
    });
    const { code, output } = await checkpoint('08', 'bloom');
    expect(output).toMatch(/false positives: [1-9]\d* /);
    expect(code).toBe(0);
    expect(await checkpoint('08')).toMatchObject({
      code: 0,
      output: expect.stringContaining('you have completed this layer'),
    });
  });
});

describe('questions', () => {
  it('are the same for one seed, and others for another', () => {
    expect(clockQuestion(7)).toEqual(clockQuestion(7));
    expect(clockQuestion(7)).not.toEqual(clockQuestion(8));
  });

  it('ask for every order, for what is new and for what is held', () => {
    for (let seed = 1; seed <= 20; seed++)
      expect(new Set(clockQuestion(seed).asks.map(({ answer }) => answer))).toEqual(
        new Set(['before', 'after', 'equal', 'concurrent', 'new', 'held']),
      );
  });

  it('take no answer for a wrong one, and no other word', () => {
    const question = clockQuestion(3);
    expect(wrongAnswers(question, [])).toHaveLength(question.asks.length);
    expect(wrongAnswers(question, ['maybe'])[0]).toContain('is none of');
    expect(
      wrongAnswers(
        question,
        question.asks.map(({ answer }) => ` ${answer.toUpperCase()} `),
      ),
    ).toEqual([]);
  });
});

describe('a drawing', () => {
  const arrows = [
    { from: 'A', to: 'B', message: 'Announcement', isLost: true },
    { from: 'B', to: 'A', message: 'AntiEntropy', isLost: false },
  ];
  const recorded: TracedRun = { seed: 1, story: [], arrows, drawn: [] };

  it.each([
    [
      'with notes and spaces',
      'sequenceDiagram\n participant A\n A -x B : Announcement A/1\n Note over A: hm\n B->>A: AntiEntropy',
    ],
    ['with dashed arrows', 'A--xB: Announcement\nB-->>A: AntiEntropy'],
  ])('%s is the run', (_, text) => {
    expect(differences(text, recorded)).toEqual([]);
  });

  it.each([
    ['one arrow short', 'A-xB: Announcement', 'arrow 2'],
    ['one too many', 'A-xB: Announcement\nB->>A: AntiEntropy\nA->>B: PullResponse', 'arrow 3'],
    ['not lost', 'A->>B: Announcement\nB->>A: AntiEntropy', 'arrow 1'],
    ['the wrong way', 'B-xA: Announcement\nB->>A: AntiEntropy', 'arrow 1'],
    ['no arrow', 'A talks to B', 'line 1 is no arrow'],
  ])('%s is not', (_, text, fault) => {
    expect(differences(text, recorded).join()).toContain(fault);
  });
});
