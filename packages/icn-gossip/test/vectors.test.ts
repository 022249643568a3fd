import { readFileSync, writeFileSync } from 'node:fs';
import { fromHex, toHex } from '@icn/identity';
import { describe, expect, it } from '@jest/globals';
import { decodeEntry, verifyEntry } from '../src/entry/entry.js';
import { decodeMessage, encodeMessage } from '../src/wire/message-codec.js';
import { buildVectors } from './vectors.js';

// With UPDATE_VECTORS set the files are written anew; their diff is a change of the protocol.
const FOLDER = new URL('../vectors/', import.meta.url);

function stored(file: string): unknown {
  return JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'));
}

describe('vectors', () => {
  it.each(Object.entries(buildVectors()))('%s says what the code does', (file, vectors) => {
    if (process.env['UPDATE_VECTORS'] !== undefined)
      writeFileSync(new URL(file, FOLDER), `${JSON.stringify(vectors, null, 2)}\n`);
    expect(stored(file)).toEqual(JSON.parse(JSON.stringify(vectors)));
  });

  it('entries.json holds entries that are taken', () => {
    for (const { header, payload, signature, id } of stored('entries.json') as Record<string, string>[]) {
      const proof = { type: 'signature' as const, signature: fromHex(signature!) };
      const entry = decodeEntry({ header: fromHex(header!), payload: fromHex(payload!), proof });
      expect(typeof entry === 'string' ? entry : verifyEntry(entry)).toMatchObject({ name: { id } });
    }
  });

  it('messages.json holds frames that are read and written alike', () => {
    for (const { frame } of stored('messages.json') as Record<string, string>[]) {
      const message = decodeMessage(fromHex(frame!));
      expect(typeof message === 'string' ? message : toHex(encodeMessage(message))).toBe(frame);
    }
  });
});
