// The code of packages/icn-identity/test/browser-verdicts.ts in one file, bundled as an application would bundle the
// package: for Node, or for browsers, where the bundler takes the portable backend by itself.

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import vm from 'node:vm';

import { build } from 'esbuild';

import { root } from './run.mjs';

/** @typedef {typeof import('../packages/icn-identity/test/browser-verdicts.ts').verdicts} Judge */

const packageFolder = join(root, 'packages/icn-identity');

/** The seed of the changed signatures: all who judge are asked about the same ones. */
export const mutationSeed = 8032;

/** A script that sets the global `icn` to what the file exports. */
export async function browserBundle() {
  return bundle({ platform: 'browser', format: 'iife', globalName: 'icn', target: 'es2023' });
}

/** What judges with node:crypto. */
export async function nodeJudge() {
  const folder = await mkdtemp(join(tmpdir(), 'icn-verdicts-'));
  try {
    const file = join(folder, 'verdicts.cjs');
    await writeFile(file, await bundle({ platform: 'node', format: 'cjs', target: 'node20' }));
    const module = /** @type {{ verdicts: Judge }} */ (await import(pathToFileURL(file).href));
    return module.verdicts;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What judges with the portable backend, in this process: in a context of its own looking up globals is slow, and tweetnacl does much of it. */
export async function portableJudge() {
  /** @type {unknown} */
  const judge = vm.runInThisContext(`(() => { ${await browserBundle()}; return icn.verdicts; })()`);
  return /** @type {Judge} */ (judge);
}

/** Keystores are files of Node: no other platform makes them. */
const ofNode = 'keystore.json';

/** The files of vectors that every backend makes, by name. */
export async function storedVectors() {
  const folder = join(packageFolder, 'vectors');
  const names = (await readdir(folder)).filter((name) => name !== ofNode).toSorted();
  const files = names.map(async (name) => {
    /** @type {unknown} */
    const value = JSON.parse(await readFile(join(folder, name), 'utf8'));
    return /** @type {const} */ ([name, value]);
  });
  return /** @type {Record<string, unknown>} */ (Object.fromEntries(await Promise.all(files)));
}

/** @param {import('esbuild').BuildOptions} options */
async function bundle(options) {
  const { outputFiles } = await build({
    ...options,
    entryPoints: [join(packageFolder, 'test/browser-verdicts.ts')],
    conditions: ['@icn/source'],
    bundle: true,
    write: false,
    logLevel: 'error',
  });
  const [file] = outputFiles ?? [];
  if (file === undefined) throw new Error('esbuild wrote nothing');
  return file.text;
}
