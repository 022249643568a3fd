import { shared } from './jest.config.js';

// `pnpm portable`: the tests of @icn/identity once more, as a browser gets it: without the condition `node`, so with the
// portable backend alone, which is a hundred times slower. What names both backends by itself, or the file system, is
// left out: it would only be run twice.

export default {
  ...shared,
  displayName: 'identity-portable',
  rootDir: 'packages/icn-identity',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/test/(backends|hostile-signatures|identity-file|recent-cache)\\.test\\.ts$'],
  testEnvironmentOptions: { customExportConditions: ['@icn/source', 'browser'] },
  testTimeout: 300_000,
};
