import { spawn } from 'node:child_process';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder `labs`, as it was built. */
export const labsFolder = fileURLToPath(new URL('../', import.meta.url));

export interface Ended {
  readonly code: number | null;
  /** Both outputs together. */
  readonly output: string;
}

/** A folder for a learner's copies: below the labs, because learners' files import their packages. */
export async function newWorkFolder(): Promise<string> {
  const parent = join(labsFolder, '.run');
  await mkdir(parent, { recursive: true });
  return mkdtemp(join(parent, 'test-'));
}

/** Runs one command of `labs`, without input or terminal. */
export function labs(work: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return node([join(labsFolder, 'dist', 'bin.js'), '--work', work, ...args], env);
}

/** Runs a few lines of JavaScript that print JSON, on what was built. */
export async function fromBuilt(code: string): Promise<unknown> {
  const { output } = await node(['--input-type=module', '--eval', code], {});
  return JSON.parse(output);
}

function node(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  const child = spawn(process.execPath, args, {
    cwd: labsFolder,
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
}
