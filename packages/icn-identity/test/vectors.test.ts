import { readFileSync, writeFileSync } from 'node:fs';

import { describe, expect, it } from '@jest/globals';

import { buildVectors } from './vectors.js';

// With UPDATE_VECTORS set the files are written anew; their diff is a change of the protocol.
const built = await buildVectors();
const folder = new URL('../vectors/', import.meta.url);

function stored(file: string): unknown {
  return JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
}

describe('vectors', () => {
  it.each(Object.entries(built))('%s says what the code does', (file, vectors) => {
    if (process.env['UPDATE_VECTORS'] !== undefined)
      writeFileSync(new URL(file, folder), `${JSON.stringify(vectors, null, 2)}\n`);
    expect(stored(file)).toEqual(JSON.parse(JSON.stringify(vectors)));
  });
});
