// `check:package` of every package: packs it as it would be published, and judges that.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { run } from './run.mjs';

const requiredFiles = ['LICENSE', 'README.md', 'package.json'];

const scratch = await mkdtemp(join(tmpdir(), 'icn-package-'));
const tarball = join(scratch, 'package.tgz');

const failure = await firstFailure();
await rm(scratch, { recursive: true });
if (failure !== undefined) {
  console.error(failure.trimEnd());
  process.exitCode = 1;
}

async function firstFailure() {
  const packed = await runHere('pnpm', 'pack', '--json', '--out', tarball);
  if (!packed.succeeded) return packed.output;
  const lacking = requiredFiles.filter((file) => !fileNames(packed.stdout).has(file));
  if (lacking.length > 0) return `the package lacks ${lacking.join(', ')}`;
  const linted = await runHere('publint', tarball, '--strict');
  if (!linted.succeeded) return linted.output;
  const typed = await runHere('attw', tarball, '--profile', 'esm-only');
  return typed.succeeded ? undefined : typed.output;
}

/** @param {readonly string[]} command */
function runHere(...command) {
  return run(command, { cwd: process.cwd() });
}

/** @param {string} packed what `pnpm pack --json` prints */
function fileNames(packed) {
  const { files } = /** @type {{ files: { path: string }[] }} */ (JSON.parse(packed));
  return new Set(files.map(({ path }) => path));
}
