// The arrows between the packages, and what may be named inside each. Invariant I1: gossip and net never
// import each other.

import { isBuiltin } from 'node:module';
import { dirname, join, normalize } from 'node:path/posix';

import { describe, expect, it } from '@jest/globals';

import { computedSpecifier, importsOf } from './imports-of.js';
import { packageFolders, readRepositoryFile, repositoryFiles, type PackageFolder } from './repository.js';

const arrows: Readonly<Record<PackageFolder, readonly string[]>> = {
  'icn-identity': [],
  'icn-gossip': ['@icn/identity'],
  'icn-net': ['@icn/identity'],
  'icn-node': ['@icn/gossip', '@icn/identity', '@icn/net'],
};

/**
 * The sources that run in a browser as well: there the compiler is given no ambient types, and no `node:`
 * module is named.
 */
const portableSources = /^packages\/(?:icn-gossip\/src|icn-identity\/src\/(?!node\/))/;

const sources = repositoryFiles().filter((path) => /^packages\/[^/]+\/(?:src|test)\/.*\.ts$/.test(path));

/** What a source imports and may not, in words. */
function violations(path: string, text: string): string[] {
  const [, folder = '', part] = path.split('/');
  const home = `packages/${folder}/${part === 'src' ? 'src/' : ''}`;
  return importsOf(text).flatMap((specifier) => {
    if (specifier === computedSpecifier) return ['import of a computed module'];
    if (specifier.startsWith('///')) return [`reference to ${specifier.slice(3)}`];
    if (specifier.startsWith('.')) {
      return normalize(join(dirname(path), specifier)).startsWith(home)
        ? []
        : [`${specifier} leaves ${home}`];
    }
    if (isBuiltin(specifier)) {
      return portableSources.test(path) ? [`${specifier} in a portable source`] : [];
    }
    return mayImport(folder, part, specifier) ? [] : [`${specifier} is not a dependency`];
  });
}

function mayImport(folder: string, part: string | undefined, specifier: string): boolean {
  if (specifier.startsWith('#')) return true;
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  const manifests = [`packages/${folder}/package.json`, ...(part === 'test' ? ['package.json'] : [])];
  return manifests.some((path) => dependenciesOf(path).includes(name));
}

function dependenciesOf(path: string): string[] {
  const manifest = JSON.parse(readRepositoryFile(path)) as Record<string, Record<string, string> | undefined>;
  return ['dependencies', 'peerDependencies', 'optionalDependencies', 'devDependencies'].flatMap((field) =>
    Object.keys(manifest[field] ?? {}),
  );
}

describe('the packages', () => {
  it.each(packageFolders)('%s declares the arrows it may, and no other', (folder) => {
    const declared = dependenciesOf(`packages/${folder}/package.json`).filter((name) =>
      name.startsWith('@icn/'),
    );
    expect(declared.filter((name) => !arrows[folder].includes(name))).toEqual([]);
  });

  it.each(packageFolders)('%s has sources that import nothing else', (folder) => {
    const own = sources.filter((path) => path.startsWith(`packages/${folder}/`));
    expect(own).not.toEqual([]);
    const found = own.flatMap((path) =>
      violations(path, readRepositoryFile(path)).map((what) => `${path}: ${what}`),
    );
    expect(found).toEqual([]);
  });

  it.each(['icn-identity', 'icn-gossip'])('%s is compiled without ambient types', (folder) => {
    const { compilerOptions } = JSON.parse(readRepositoryFile(`packages/${folder}/tsconfig.json`)) as {
      compilerOptions: Record<string, unknown>;
    };
    expect(compilerOptions).toMatchObject({ lib: ['ES2023'], types: [] });
  });
});

describe('the labs', () => {
  const learners = repositoryFiles().filter((path) => /^labs\/lab-[^/]+\/.*\.ts$/.test(path));

  it('let learners write on primitives and the contract, not on what they are to write', () => {
    expect(learners).not.toEqual([]);
    const allowed = /^(?:\.\/[a-z-]+\.js|@icn\/labs\/lab-\d\d|@scure\/base|tweetnacl|node:crypto)$/;
    const found = learners.flatMap((path) =>
      importsOf(readRepositoryFile(path)).flatMap((name) => (allowed.test(name) ? [] : [`${path}: ${name}`])),
    );
    expect(found).toEqual([]);
  });

  it('are imported by nothing, and import nothing that they do not declare', () => {
    const declared = dependenciesOf('labs/package.json').filter((name) => name.startsWith('@icn/'));
    expect(declared.toSorted()).toEqual(['@icn/gossip', '@icn/identity']);
    expect(
      packageFolders.flatMap((folder) => dependenciesOf(`packages/${folder}/package.json`)),
    ).not.toContain('@icn/labs');
    const own = repositoryFiles().filter((path) => /^labs\/src\/.*\.ts$/.test(path));
    const found = own.flatMap((path) =>
      importsOf(readRepositoryFile(path)).flatMap((name) => {
        const isOurs = name.startsWith('@icn/') && !declared.includes(name.split('/', 2).join('/'));
        return isOurs || name.includes('packages/') ? [`${path}: ${name}`] : [];
      }),
    );
    expect(found).toEqual([]);
  });
});

describe('the check finds', () => {
  it.each([
    ['gossip importing net', 'packages/icn-gossip/src/x.ts', `import { dial } from '@icn/net';`],
    ['net importing gossip', 'packages/icn-net/src/x.ts', `export * from '@icn/gossip/sim';`],
    ['net importing a type of gossip', 'packages/icn-net/src/x.ts', `import type { A } from '@icn/gossip';`],
    ['net naming a type of gossip', 'packages/icn-net/src/x.ts', `let a: import('@icn/gossip').A;`],
    ['identity importing gossip', 'packages/icn-identity/src/x.ts', `await import('@icn/gossip');`],
    ['anything importing node', 'packages/icn-net/src/x.ts', `import '@icn/node';`],
    [
      'a test importing past the arrows',
      'packages/icn-gossip/test/x.test.ts',
      `import { dial } from '@icn/net';`,
    ],
    ['a way around by path', 'packages/icn-gossip/src/x.ts', `import '../../icn-net/src/index.js';`],
    ['src leaning on test', 'packages/icn-gossip/src/x.ts', `import '../test/x.js';`],
    ['node: in gossip', 'packages/icn-gossip/src/x.ts', `import 'node:fs';`],
    ['a bare builtin in gossip', 'packages/icn-gossip/src/x.ts', `import fs from 'fs';`],
    ['node: in the core of identity', 'packages/icn-identity/src/x.ts', `import 'node:crypto';`],
    [
      'ambient types by reference',
      'packages/icn-gossip/src/x.ts',
      `/// <reference types="node" />\nexport {};`,
    ],
    ['an undeclared package', 'packages/icn-gossip/src/x.ts', `import nacl from 'tweetnacl';`],
    ['a computed import', 'packages/icn-gossip/src/x.ts', 'await import(`@icn/${name}`);'],
  ])('%s', (_, path, text) => {
    expect(violations(path, text)).toHaveLength(1);
  });

  it.each([
    ['a declared arrow', 'packages/icn-gossip/src/x.ts', `import { sign } from '@icn/identity';`],
    ['a subpath of one', 'packages/icn-node/src/x.ts', `import { x } from '@icn/identity/keystore';`],
    ['a neighbour', 'packages/icn-gossip/src/a/x.ts', `export * from '../y.js';`],
    ['node: where a platform is allowed', 'packages/icn-identity/src/node/x.ts', `import 'node:crypto';`],
    ['node: in a test', 'packages/icn-gossip/test/x.test.ts', `import 'node:fs';`],
    [
      'a comment',
      'packages/icn-gossip/src/x.ts',
      `// import '@icn/net';\nexport const a = "import '@icn/net'";`,
    ],
  ])('nothing in %s', (_, path, text) => {
    expect(violations(path, text)).toEqual([]);
  });
});
