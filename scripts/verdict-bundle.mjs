// The code of packages/icn-identity/test/browser-verdicts.ts in one file, bundled as an application would bundle the
// package: for Node, or for browsers, where the bundler takes the portable backend by itself.

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import vm from 'node:vm';

import { build } from 'esbuild';

import { root } from './run.mjs';

/** @import { Verdicts } from '../packages/icn-identity/test/browser-verdicts.ts' */

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
    const file = join(folder, 'verdicts.mjs');
    await writeFile(file, await bundle({ platform: 'node', format: 'esm', target: 'node20' }));
    const module = /** @type {{ verdicts: Judge }} */ (await import(pathToFileURL(file).href));
    return module.verdicts;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What judges with the portable backend, in this process. */
export async function portableJudge() {
  const context = vm.createContext({ TextEncoder, TextDecoder, Uint8Array, Float64Array, Math, crypto });
  vm.runInContext(`${await browserBundle()}\nglobalThis.icn = icn;`, context);
  return /** @type {{ icn: { verdicts: Judge } }} */ (/** @type {unknown} */ (context)).icn.verdicts;
}

/** The files of vectors, by name. */
export async function storedVectors() {
  const folder = join(packageFolder, 'vectors');
  const names = (await readdir(folder)).toSorted();
  const files = names.map(async (name) => [name, JSON.parse(await readFile(join(folder, name), 'utf8'))]);
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

/**
 * Where two judges differ, or what they make is not what is stored: one line for each, none where all is well.
 *
 * @param {Verdicts} ours
 * @param {Verdicts} theirs
 * @param {Readonly<Record<string, unknown>>} stored
 */
export function deviations(ours, theirs, stored) {
  const made = Object.entries(theirs.vectors)
    .filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(stored[name]))
    .map(([name]) => `${name} is made otherwise`);
  const unmade = Object.keys(stored).filter((name) => !(name in theirs.vectors));
  const expected = /** @type {readonly { isValid: boolean }[]} */ (stored['signatures.json']);
  const told = expected.map(({ isValid }) => Number(isValid)).join('');
  const judged = /** @type {const} */ (['signatures', 'batches', 'mutations', 'signed']).flatMap((kind) =>
    differing(kind, ours[kind], theirs[kind]),
  );
  return [
    ...made,
    ...unmade.map((name) => `${name} is not made`),
    ...differing('signatures.json', told, theirs.signatures),
    ...differing('RFC 8032', '1'.repeat(theirs.signed.length), theirs.signed),
    ...judged,
  ];
}

/**
 * @param {string} kind
 * @param {string} ours
 * @param {string} theirs
 */
function differing(kind, ours, theirs) {
  if (ours === theirs) return [];
  const at = [...ours].findIndex((digit, index) => digit !== theirs[index]);
  return [`${kind}: ${ours.length} against ${theirs.length} verdicts, number ${at} is another`];
}

/**
 * How many of each were judged.
 *
 * @param {Verdicts} verdicts
 */
export function countsOf({ vectors, signatures, batches, mutations, signed }) {
  return {
    vectorFiles: Object.keys(vectors).length,
    signatures: signatures.length,
    batchProofs: batches.length,
    mutations: mutations.length,
    validMutations: [...mutations].filter((digit) => digit === '1').length,
    signed: signed.length,
  };
}
