// The house rules that are about files rather than code.

import { describe, expect, it } from '@jest/globals';

import { readRepositoryFile, repositoryFiles } from './repository.js';

const lineCountMax = 400;

const files = repositoryFiles();
const sources = files.filter((path) => /\.(?:[cm]?[jt]sx?|sh)$/.test(path));

/**
 * What is true on one machine only: the folders of somebody's account, and where packages were downloaded
 * from.
 */
const machineTraces: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  {
    what: 'a path of one machine',
    pattern: /(?<![\w./~-])(?:file:\/\/)?\/(?:home|root|Users|work|mnt|srv)\/\w/,
  },
  { what: 'a path of one machine', pattern: /\b[A-Z]:\\{1,2}Users\\/ },
  {
    what: 'a package registry',
    pattern: /\/\/[\w.-]*(?:registry|verdaccio|artifactory|nexus)[\w.-]*(?::\d+)?\//,
  },
  { what: 'a tarball by its address', pattern: /\btarball: https?:/ },
  { what: 'a credential', pattern: /_auth[T]oken|_passwor[d]\s*=/ },
];

function tracesIn(text: string): string[] {
  return machineTraces.filter(({ pattern }) => pattern.test(text)).map(({ what }) => what);
}

function lineCount(text: string): number {
  return text.trimEnd().split('\n').length;
}

describe('the repository', () => {
  it(`has no source of more than ${lineCountMax} lines`, () => {
    expect(sources).not.toEqual([]);
    expect(sources.filter((path) => lineCount(readRepositoryFile(path)) > lineCountMax)).toEqual([]);
  });

  it('names no machine and no registry', () => {
    const found = files.flatMap((path) =>
      tracesIn(readRepositoryFile(path)).map((what) => `${path}: ${what}`),
    );
    expect(found).toEqual([]);
  });

  it('names its files in kebab-case', () => {
    const names = sources.map((path) => path.slice(path.lastIndexOf('/') + 1));
    expect(names.filter((name) => !/^[a-z0-9-]+(?:\.[a-z]+)*$/.test(name))).toEqual([]);
  });
});

describe('the check', () => {
  it.each([
    ['a home', `cd ${pathOf('home', 'somebody', 'icn')}`],
    ['a quoted path', JSON.stringify(pathOf('Users', 'somebody'))],
    ['a file URL', `file://${pathOf('root', 'icn')}`],
    ['a path as an option', `--data-dir=${pathOf('work', 'icn')}`],
    ['a Windows path', ['C:', 'Users', 'somebody'].join('\\')],
    ['a registry', `https:/${pathOf('registry.example.org', '@icn')}`],
    ['a registry on a port', `http:/${pathOf('my-registry:4873', 'x')}`],
    ['a pinned tarball', ['tarball:', 'https:/', 'example.org', 'a.tgz'].join(' ')],
    ['a credential', `//example.org/:${['_auth', 'Token'].join('')}=x`],
  ])('finds %s', (_, text) => {
    expect(tracesIn(text)).toHaveLength(1);
  });

  it.each([
    ['a path below another', `docs${pathOf('work', 'x')}`],
    ['a system path', pathOf('usr', 'bin', 'env')],
    ['a web page', 'https://nodejs.org/api/crypto.html'],
    ['a page about a package', 'https://www.npmjs.com/package/tweetnacl'],
  ])('finds nothing in %s', (_, text) => {
    expect(tracesIn(text)).toEqual([]);
  });

  it('counts lines', () => {
    expect(lineCount('a\nb\n')).toBe(2);
    expect(lineCount('a\n'.repeat(lineCountMax + 1))).toBe(lineCountMax + 1);
  });
});

/** A path that this file does not contain itself. */
function pathOf(...parts: string[]): string {
  return ['', ...parts].join('/');
}
