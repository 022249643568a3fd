// What the manual shows of the command line is what the command line says: two nodes are run, and each dialogue of the
// manual with them. Numbers, names and times are others each time, the shape is the same.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { eventually, IcnProcess, runIcn } from '../packages/icn-node/src/demo/icn-process.js';
import { blocks } from './markdown.js';

/** A command of a dialogue, and the lines that the manual shows as its answer. */
interface Exchange {
  readonly command: string;
  readonly answer: readonly string[];
}

const exchanges = blocks
  .filter(({ page, language }) => page === 'docs/manual.md' && language === 'console')
  .flatMap(({ text }) => exchangesIn(text));
const timeoutMs = 20_000;

let folder: string;
let nodes: IcnProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icn-manual-'));
  const ada = await start('ada');
  const [address = ''] = (await ada.status()).addresses;
  await start('bob', '--peer', address);
  await say('ada', ['publish', 'lobby', 'two sacks of flour']);
  await eventually(
    () => topicOf('bob'),
    ({ entries }) => entries === 1,
    timeoutMs,
  );
}, timeoutMs);

afterAll(async () => {
  await Promise.all(nodes.map((node) => node.end('SIGKILL')));
  await rm(folder, { recursive: true, force: true });
});

describe('the dialogues of the manual', () => {
  it('begin by publishing, and show every way to look at a node', () => {
    const names = exchanges.map(({ command }) => command.split(' ')[1]);
    expect(names).toEqual(['publish', 'status', 'peers', 'entries', 'sync', 'entries']);
  });

  it.each(exchanges)(
    'say what is said: $command',
    async ({ command, answer }) => {
      if (command === 'icn status')
        await eventually(
          () => topicOf('bob'),
          ({ inSync }) => inSync.length === 1,
          timeoutMs,
        );
      const { exitCode, stdout } = await say('bob', wordsOf(command).slice(1));
      expect(exitCode).toBe(0);
      const shapes = stdout.split('\n').map(shapeOf);
      expect(answer.length).toBeGreaterThan(0);
      expect(answer.filter((line) => !shapes.includes(shapeOf(line)))).toEqual([]);
    },
    2 * timeoutMs,
  );
});

describe('the check', () => {
  it('reads dialogues', () => {
    expect(exchangesIn('$ icn a\nx\ny\n$ icn b\n')).toEqual([
      { command: 'icn a', answer: ['x', 'y'] },
      { command: 'icn b', answer: [] },
    ]);
    expect(wordsOf('icn publish lobby "one of salt"')).toEqual(['icn', 'publish', 'lobby', 'one of salt']);
  });

  it('compares shapes', () => {
    expect(shapeOf('for 12 s  round trip 33.0 ms')).toBe(shapeOf('for 1 s  round trip 0.4 ms'));
    expect(shapeOf('root f30b07d63144f720')).toBe(shapeOf('root 0123456789abcdef'));
    expect(shapeOf('in sync with 1 of 1 peer')).not.toBe(shapeOf('converged with 1 of 1 peer'));
  });
});

/** Starts a node that others find by its address alone. */
async function start(name: string, ...args: readonly string[]): Promise<IcnProcess> {
  const quiet = ['--no-mdns', '--listen', 'quic://127.0.0.1:0'];
  const node = await IcnProcess.start(join(folder, name), [...quiet, '--topic', 'lobby', ...args]);
  nodes = [...nodes, node];
  return node;
}

function say(name: string, args: readonly string[]) {
  return runIcn([...args, '--data-dir', join(folder, name)]);
}

async function topicOf(name: string): Promise<{ entries: number; inSync: readonly string[] }> {
  const { stdout } = await say(name, ['status', '--json']);
  const { topics } = JSON.parse(stdout) as { topics: { entries: number; inSync: string[] }[] };
  return topics[0] ?? { entries: 0, inSync: [] };
}

function exchangesIn(text: string): Exchange[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command = '', ...answer] = part.split('\n').filter((line) => line !== '');
      return { command, answer };
    });
}

function wordsOf(line: string): string[] {
  return Array.from(line.matchAll(/"([^"]*)"|(\S+)/g), ([, quoted, bare]) => quoted ?? bare ?? '');
}

/** A line without what differs each time: who, when, how much, and how wide its columns are. */
function shapeOf(line: string): string {
  return line
    .replaceAll(/did:icn:z\w+…?\w*/g, 'DID')
    .replaceAll(/\b(?:[0-9a-f]{64}|[0-9a-f]{16})\b/g, 'HASH')
    .replaceAll(/\b(?:asked|answered)\b/g, 'ROLE')
    .replaceAll(/\d[\d.]*/g, '#')
    .replaceAll(/# packets?\b/g, '# packets')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
