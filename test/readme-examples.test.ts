// What a stranger does first: install the packages, copy the examples of a README into an empty folder, run them.
// Examples are the blocks marked `js`; what is marked `ts` is for reading.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { packageFolders, readRepositoryFile, root } from './repository.js';

const installTimeoutMs = 120_000;
const exampleTimeoutMs = 60_000;

const exec = promisify(execFile);

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icn-examples-'));
  const tarballs = await Promise.all(packageFolders.map(pack));
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  // Every package brings its binaries; a script would only fetch or compile what is not needed.
  const flags = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'];
  await exec('npm', ['install', ...flags, ...tarballs], { cwd: folder, timeout: installTimeoutMs });
}, 2 * installTimeoutMs);

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the examples in', () => {
  it.each(['README.md', 'docs/simulation.md', ...packageFolders.map((name) => `packages/${name}/README.md`)])(
    '%s run where the packages were installed by npm',
    async (readme) => {
      const examples = examplesIn(readRepositoryFile(readme));
      expect(examples).not.toEqual([]);
      for (const example of examples)
        await expect(runExample(`${readme.replaceAll('/', '-')}.mjs`, example)).resolves.toBe('');
    },
    exampleTimeoutMs,
  );
});

describe('the check', () => {
  it('takes the blocks of JavaScript', () => {
    const markdown = '```sh\nno\n```\n\n```js\nyes();\n```\n\n```ts\nno\n```\n\n```js\nagain();\n```\n';
    expect(examplesIn(markdown)).toEqual(['yes();\n', 'again();\n']);
    expect(examplesIn('```sh\nno\n```\n')).toEqual([]);
  });

  it('reports an example that fails', async () => {
    await expect(runExample('broken.mjs', "throw new Error('on purpose');\n")).resolves.toMatch('on purpose');
    await expect(runExample('missing.mjs', "import '@icn/nowhere';\n")).resolves.toMatch('@icn/nowhere');
  });
});

function examplesIn(markdown: string): readonly string[] {
  return Array.from(markdown.matchAll(/^```js\n([\s\S]*?)^```$/gm), ([, example = '']) => example);
}

/** Packs what the last build made, as it would be published. */
async function pack(name: string): Promise<string> {
  const cwd = join(root, 'packages', name);
  if (!existsSync(join(cwd, 'dist', 'index.js')))
    throw new Error(`${name} is not built: run pnpm build first`);
  const tarball = join(folder, `${name}.tgz`);
  await exec('pnpm', ['pack', '--out', tarball], { cwd });
  return tarball;
}

/** What went wrong, or nothing. */
async function runExample(file: string, source: string): Promise<string> {
  await writeFile(join(folder, file), source);
  return exec(process.execPath, [file], { cwd: folder, timeout: exampleTimeoutMs }).then(
    () => '',
    (error: { stderr: string; message: string }) => error.stderr || error.message,
  );
}
