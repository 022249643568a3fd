// Builds the packages. Of several processes that want to build at the same moment one does and the others
// wait, for the compiler writes its files in place and a command must not start on half of one.

import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

import { root, run } from './run.mjs';

const lockPath = join(root, '.turbo', 'build.lock');
const pollMs = 50;

/** @param {readonly string[]} turboArguments */
export async function build(...turboArguments) {
  await lock();
  try {
    return await run(['turbo', 'run', 'build', '--output-logs=errors-only', ...turboArguments]);
  } finally {
    await rm(lockPath, { force: true });
  }
}

async function lock() {
  await mkdir(dirname(lockPath), { recursive: true });
  while (!(await tryLock())) await sleep(pollMs);
}

/** The lock is a file that names its owner, and is linked into place whole: one that a crash left can be told. */
async function tryLock() {
  const mine = `${lockPath}.${process.pid}`;
  await writeFile(mine, String(process.pid));
  try {
    await link(mine, lockPath);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    const owner = Number(await readFile(lockPath, 'utf8').catch(() => process.pid));
    if (!isAlive(owner)) await rm(lockPath, { force: true });
    return false;
  } finally {
    await rm(mine, { force: true });
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { succeeded, output } = await build(...process.argv.slice(2));
  process.stdout.write(output);
  process.exitCode = succeeded ? 0 : 1;
}
