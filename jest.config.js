import { availableParallelism } from 'node:os';

// Tests run on the packages' sources (the export condition @icn/source), as native ES modules. The project
// `workspace` tests the repository itself.

const packages = ['identity', 'gossip', 'net', 'node'];

export const shared = {
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['@icn/source', 'node', 'node-addons'] },
  // Looking a global up in the sandbox is slow, and tweetnacl does it in its innermost loop: 170 s of tests
  // without, 9 with.
  sandboxInjectedGlobals: ['Math', 'Float64Array'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
};

export default {
  // End-to-end and conformance tests mostly wait: half as many workers again as cores keeps the cores busy
  // (2 cores: 52 s with two workers, 43 with three, 47 with four).
  maxWorkers: Math.ceil(1.5 * availableParallelism()),
  // Tests wait for what happens, not for time to pass; a loaded machine may take long over it.
  testTimeout: 30_000,
  projects: [
    ...packages.map((name) => ({
      ...shared,
      displayName: name,
      rootDir: `packages/icn-${name}`,
      testMatch: ['<rootDir>/test/**/*.test.ts'],
    })),
    { ...shared, displayName: 'labs', rootDir: 'labs', testMatch: ['<rootDir>/test/**/*.test.ts'] },
    {
      ...shared,
      displayName: 'workspace',
      roots: ['<rootDir>/test'],
      testMatch: ['<rootDir>/test/*.test.ts'],
    },
  ],
};
