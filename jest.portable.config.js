import { shared } from './jest.config.js';

// `pnpm portable`: the tests of @icn/identity once more, as a browser gets it: without the condition `node`, so with the
// portable backend alone, which is a hundred times slower. What would only be run twice is left out, by name and reason.

const leftOut = {
  'keeps files, which no browser has': [
    'keystore',
    'keystore-crash',
    'keystore-file',
    'keystore-rotation',
    'replay-files',
  ],
  'names both backends by itself': ['backends', 'hostile-signatures'],
  'serves node:crypto alone': ['recent-cache'],
};

export default {
  ...shared,
  displayName: 'identity-portable',
  rootDir: 'packages/icn-identity',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: [`/test/(${Object.values(leftOut).flat().join('|')})\\.test\\.ts$`],
  testEnvironmentOptions: { customExportConditions: ['@icn/source', 'browser'] },
  testTimeout: 60_000,
};
