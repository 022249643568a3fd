// Every command that the README of the labs names is understood, in the order in which it stands there.

import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { labs, labsFolder, newWorkFolder } from './labs-process.js';

/** These run until they are stopped, or long, and have tests of their own. */
const elsewhere = /^(?:watch|verify)\b/;

function commandsIn(markdown: string): string[] {
  const found = markdown.matchAll(/^(?:\| `)?npx -y pnpm@12 labs ?([^`\n|]*?)(?:`|$)/gm);
  return Array.from(found, ([, words = '']) => words.trim());
}

it('finds commands in blocks and tables, and nothing else', () => {
  const markdown =
    '```sh\nnpx -y pnpm@12 labs\nnpx -y pnpm@12 labs check 07\n```\n| `npx -y pnpm@12 labs list`  | x |\nnpx -y pnpm@12 test\n';
  expect(commandsIn(markdown)).toEqual(['', 'check 07', 'list']);
});

it('each command of the README is understood', async () => {
  const commands = commandsIn(readFileSync(join(labsFolder, 'README.md'), 'utf8'));
  expect(commands.length).toBeGreaterThan(15);
  const work = await newWorkFolder();
  for (const command of commands.filter((words) => !elsewhere.test(words))) {
    const { code, output } = await labs(work, command.split(' ').filter(Boolean));
    expect({ command, output, isUnderstood: code === 0 || code === 1 }).toMatchObject({ isUnderstood: true });
    expect(output).not.toMatch(/\n {4}at /);
  }
  await rm(work, { recursive: true });
  // A process for each of some twenty commands, of which the checks run simulations.
}, 120_000);
