// Every example of the course is compiled, strictly, and run, as a program of its own that has the packages as they were
// built. A block that says `quote=` is code of the repository (course.test.ts) and is not run.

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { blocks, type Block } from './markdown.js';
import { packageFolders, root } from './repository.js';

const exec = promisify(execFile);
const exampleTimeoutMs = 60_000;

const examples = blocks.filter(({ language, info }) => isCode(language) && !info.startsWith('quote='));
/** Blocks that the check must find at fault. */
const broken: readonly Block[] = [
  'const size: number = "large";\n',
  "throw new Error('on purpose');\n",
  "import '@icn/nowhere';\n",
].map((text, index) => ({ page: 'broken.md', line: index + 1, language: 'ts', info: '', text }));

let folder: string;
let complaints: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icn-course-'));
  await mkdir(join(folder, 'node_modules', '@icn'), { recursive: true });
  for (const name of packageFolders) {
    const target = join(root, 'packages', name);
    await symlink(target, join(folder, 'node_modules', '@icn', name.slice('icn-'.length)), 'junction');
  }
  await symlink(join(root, 'node_modules', '@types'), join(folder, 'node_modules', '@types'), 'junction');
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const compilerOptions = {
    ...{ strict: true, noUncheckedIndexedAccess: true, skipLibCheck: true, noEmitOnError: false },
    ...{ target: 'es2023', lib: ['ES2023'], types: ['node'], module: 'nodenext', moduleDetection: 'force' },
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  for (const block of [...examples, ...broken])
    await writeFile(join(folder, `${nameOf(block)}.ts`), block.text);
  complaints = await exec(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], {
    cwd: folder,
  }).then(
    () => '',
    ({ stdout, message }: { stdout: string; message: string }) => stdout || message,
  );
}, exampleTimeoutMs);

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the examples of the course', () => {
  it('are there', () => {
    expect(examples.length).toBeGreaterThan(5);
  });

  it.each(examples)(
    'compile and run: $page:$line',
    async (block) => {
      expect(complaintsAbout(block)).toEqual([]);
      await expect(outcomeOf(block)).resolves.toBe('');
    },
    exampleTimeoutMs,
  );
});

describe('the check', () => {
  it('finds an example that does not compile, and one that fails', async () => {
    const [crooked, failing, missing] = broken as [Block, Block, Block];
    expect(complaintsAbout(crooked)).toHaveLength(1);
    expect(complaintsAbout(failing)).toEqual([]);
    expect(complaintsAbout(missing)).toHaveLength(1);
    await expect(outcomeOf(failing)).resolves.toMatch('on purpose');
  });
});

function isCode(language: string): boolean {
  return ['js', 'ts', 'javascript', 'typescript'].includes(language);
}

function nameOf({ page, line }: Block): string {
  return `${page.replaceAll(/[^a-z0-9]+/g, '-')}-${line}`;
}

function complaintsAbout(block: Block): string[] {
  return complaints.split('\n').filter((line) => line.startsWith(`${nameOf(block)}.ts(`));
}

/** What went wrong, or nothing. */
function outcomeOf(block: Block): Promise<string> {
  return exec(process.execPath, [`${nameOf(block)}.js`], { cwd: folder, timeout: exampleTimeoutMs }).then(
    () => '',
    (error: { stderr: string; message: string }) => error.stderr || error.message,
  );
}
