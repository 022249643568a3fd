// That the lint rules are in force, the type-aware ones too: a planted violation of each is found. Otherwise
// a linter that quietly checks nothing would pass every change.

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { root } from './repository.js';

const planted: Readonly<Record<string, string>> = {
  'typescript/no-floating-promises': 'export function f(): void { Promise.reject(new Error()); }',
  'typescript/no-misused-promises': 'export const f = (p: Promise<boolean>) => { if (p) f(p); };',
  'typescript/switch-exhaustiveness-check':
    "export const f = (x: 'a' | 'b') => { switch (x) { case 'a': return 1; } return 2; };",
  'typescript/no-unsafe-member-access': "export const f = () => JSON.parse('{}').x as unknown;",
  'typescript/no-explicit-any': 'export const f = (x: any) => String(x);',
  'typescript/consistent-type-imports': "import { Agent } from 'node:http'; export type A = Agent;",
  'import/no-default-export': 'export default 1;',
  'eslint/no-console': "console.log('x');",
  'eslint/eqeqeq': 'export const f = (a: number) => a == 1;',
  'eslint/max-lines': 'export {};\n'.repeat(401),
  'eslint/max-lines-per-function': `export function f(x: number): number {\n${'  x += 1;\n'.repeat(61)}  return x;\n}`,
};

const clean = "export const f = async (): Promise<string> => await Promise.resolve('x');\n";

let folder: string;
let findings: ReadonlyMap<string, readonly string[]>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icn-lint-'));
  const compilerOptions = {
    strict: true,
    lib: ['ES2023'],
    types: [],
    module: 'nodenext',
    skipLibCheck: true,
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  await writeFile(join(folder, 'clean.ts'), clean);
  for (const [rule, source] of Object.entries(planted)) {
    await writeFile(join(folder, fileOf(rule)), `${source}\n`);
  }
  findings = await lint(folder);
});

afterAll(() => rm(folder, { recursive: true }));

describe('oxlint', () => {
  it.each(Object.keys(planted))('enforces %s', (rule) => {
    expect(findings.get(fileOf(rule))).toContain(rule);
  });

  it('finds nothing in a clean source', () => {
    expect(findings.get('clean.ts')).toBeUndefined();
  });
});

function fileOf(rule: string): string {
  return `${rule.slice(rule.indexOf('/') + 1)}.ts`;
}

/** The rules that each file breaks, as `plugin/rule`. */
async function lint(directory: string): Promise<Map<string, string[]>> {
  const oxlint = join(root, 'node_modules', '.bin', 'oxlint');
  const args = ['--config', join(root, '.oxlintrc.json'), '--format', 'json', directory];
  const { stdout } = await promisify(execFile)(oxlint, args, { cwd: root }).catch(
    (error: { stdout: string }) => error,
  );
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { filename: string; code: string }[] };
  const byFile = new Map<string, string[]>();
  for (const { filename, code } of diagnostics) {
    const name = filename.slice(filename.lastIndexOf('/') + 1);
    byFile.set(name, [...(byFile.get(name) ?? []), code.replace(/^(.*)\((.*)\)$/, '$1/$2')]);
  }
  return byFile;
}
