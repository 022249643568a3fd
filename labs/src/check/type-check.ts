import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { labsFolder } from '../workplace.js';
import type { Diagnostic } from './transpile.js';

const manifest = createRequire(import.meta.url).resolve('typescript/package.json');
const compiler = join(dirname(manifest), 'bin', 'tsc');
const timeoutMs = 60_000;

/** What the TypeScript compiler has to say of files, by the rules for learners; `configFolder` gets its project file. */
export async function typeCheck(
  files: readonly string[],
  configFolder: string,
): Promise<readonly Diagnostic[]> {
  const project = join(configFolder, 'tsconfig.types.json');
  const config = { extends: join(labsFolder, 'tsconfig.learner.json'), files };
  await writeFile(project, JSON.stringify(config));
  const options = ['--project', project, '--pretty', 'false'];
  const output = await promisify(execFile)(process.execPath, [compiler, ...options], {
    cwd: configFolder,
    timeout: timeoutMs,
    maxBuffer: 4_194_304,
  }).then(
    () => '',
    (error: { stdout?: string }) => error.stdout ?? '',
  );
  return output.split('\n').flatMap((text) => diagnosticIn(text, configFolder) ?? []);
}

/** `machine.ts(3,7): error TS2322: Type …` */
function diagnosticIn(text: string, folder: string): Diagnostic | undefined {
  const found = /^(.+?)\((\d+),(\d+)\): error (TS\d+: .*)$/.exec(text);
  if (found === null) return undefined;
  const [, path = '', line, column, message = ''] = found;
  return { file: relative(folder, join(folder, path)), line: Number(line), column: Number(column), message };
}
