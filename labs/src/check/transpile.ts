import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { transform } from '@swc/core';

/** Something wrong with a learner's file before it runs. */
export interface Diagnostic {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

const ANSI = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

/** More than any lab has, or a folder that is not a lab's. */
const FILES_MAX = 50;

/**
 * Writes the TypeScript of `folders` into `out` as JavaScript with source maps; a file of a later folder replaces one
 * of the same name. Types are not checked. Returns what is no TypeScript; then nothing of it can run.
 */
export async function transpile(folders: readonly string[], out: string): Promise<readonly Diagnostic[]> {
  const sources = new Map<string, string>();
  for (const folder of folders)
    for (const name of (await readdir(folder))
      .filter((file) => /^[\w-]+\.ts$/.test(file))
      .slice(0, FILES_MAX))
      sources.set(name, join(folder, name));
  await mkdir(out, { recursive: true });
  const faults = await Promise.all([...sources].map(([name, path]) => transpileFile(name, path, out)));
  return faults.flatMap((fault) => fault ?? []);
}

async function transpileFile(name: string, path: string, out: string): Promise<Diagnostic | undefined> {
  const source = await readFile(path, 'utf8');
  try {
    const { code } = await transform(source, {
      filename: name,
      sourceFileName: path,
      sourceMaps: 'inline',
      swcrc: false,
      configFile: false,
      jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
      module: { type: 'es6' },
    });
    await writeFile(join(out, name.replace(/\.ts$/, '.js')), code);
    return undefined;
  } catch (error) {
    return syntaxError(name, error);
  }
}

/** swc tells where in the text of its error: `╭─[machine.ts:3:1]`, under `x Expected …`. */
function syntaxError(file: string, error: unknown): Diagnostic {
  const text = (error instanceof Error ? error.message : String(error)).replaceAll(ANSI, '');
  const [, line = '1', column = '1'] = /\[[^\]\n]*?:(\d+):(\d+)\]/.exec(text) ?? [];
  const message = /^\s*(?:x|×)\s+(.*)$/m.exec(text)?.[1] ?? text.trim().split('\n')[0] ?? 'not TypeScript';
  return { file, line: Number(line), column: Number(column), message };
}
