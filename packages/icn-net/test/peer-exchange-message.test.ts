import { describe, expect, it } from '@jest/globals';
import { generateKeyPair } from '@icn/identity';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { exchangeBytesMax, type PeerAddress } from '../src/index.js';
import { decodeExchange, encodeAnswer, encodeRequest } from '../src/discovery/peer-exchange-message.js';

const dids = Array.from({ length: 8 }, () => generateKeyPair().did);

function at(host: string): PeerAddress {
  return { scheme: 'quic', host, port: 4321, did: dids[0]! };
}

describe('a message', () => {
  const address = fc.record({
    scheme: fc.constantFrom('quic', 'tls'),
    host: fc.oneof(fc.ipV4(), fc.constantFrom('::1', '2606:4700::1111', 'fd00::1', '::', '1:2:3:4:5:6:7:8')),
    port: fc.integer({ min: 1, max: 65_535 }),
    did: fc.constantFrom(...dids),
  });
  const place = fc.record({
    scheme: fc.constantFrom('quic', 'tls'),
    port: fc.integer({ min: 1, max: 65_535 }),
  });

  it('is read as it was written, within its bound, and no part or surplus of it is', () => {
    fc.assert(
      fc.property(
        fc.array(address, { maxLength: 32 }),
        fc.array(place, { maxLength: 4 }),
        fc.nat(32),
        (addresses, listening, wanted) => {
          const messages = [
            [encodeAnswer(addresses), { type: 'answer', addresses, skippedCount: 0 }],
            [encodeRequest(wanted, listening), { type: 'request', wanted, listening }],
          ] as const;
          for (const [bytes, message] of messages) {
            expect(bytes.length).toBeLessThanOrEqual(exchangeBytesMax);
            expect(decodeExchange(bytes)).toEqual(message);
            expect(decodeExchange(bytes.subarray(0, -1))).toBeUndefined();
            expect(decodeExchange(Uint8Array.of(...bytes, 0))).toBeUndefined();
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it.each([
    ['nothing', []],
    ['a request for too many', [1, 33, 0]],
    ['a request with more', [1, 1, 0, 1]],
    ['too many places', [1, 1, 5, ...new Uint8Array(15).fill(1)]],
    ['a place with port 0', [1, 1, 1, 1, 0, 0]],
    ['a count of too many', [2, 33]],
    ['a family that is none', [2, 1, 1, 5, ...new Uint8Array(50).fill(1)]],
    ['port 0', [2, 1, 1, 4, 1, 1, 1, 1, 0, 0, ...new Uint8Array(32).fill(1)]],
  ])('is malformed with %s', (_, bytes) => {
    expect(decodeExchange(Uint8Array.from(bytes))).toBeUndefined();
  });

  it('of later versions, and by transports and of keys of later versions, is passed over', () => {
    expect(decodeExchange(Uint8Array.of(3, 9))).toEqual({ type: 'unknown' });
    expect(decodeExchange(Uint8Array.of(1, 0, 1, 9, 0, 1))).toEqual({
      type: 'request',
      wanted: 0,
      listening: [],
    });
    const bytes = encodeAnswer([at('1.1.1.1'), at('1.1.1.2'), at('1.1.1.3')]);
    bytes[2] = 9;
    bytes.fill(0, -32);
    expect(decodeExchange(bytes)).toEqual({ type: 'answer', addresses: [at('1.1.1.2')], skippedCount: 2 });
  });
});

interface Vector {
  readonly name: string;
  readonly hex: string;
  readonly message: object | null;
}

describe('the vectors', () => {
  const path = new URL('../vectors/peer-exchange.json', import.meta.url);
  const vectors = JSON.parse(readFileSync(path, 'utf8')) as Vector[];

  it('are in the document too', () => {
    const page = new URL('../../../docs/protocol/peer-exchange.md', import.meta.url);
    const shown = vectors.find(({ name }) => name === 'an answer with one peer')!;
    expect(readFileSync(page, 'utf8').replaceAll(/\s/g, '')).toContain(shown.hex);
  });

  it.each(vectors)('say what $name means', ({ hex, message }) => {
    const read = decodeExchange(Uint8Array.from(Buffer.from(hex, 'hex')));
    expect(read ?? null).toEqual(message);
    if (read?.type === 'request' && read.listening.length === Number.parseInt(hex.slice(4, 6), 16))
      expect(Buffer.from(encodeRequest(read.wanted, read.listening)).toString('hex')).toBe(hex);
    if (read?.type === 'answer' && read.skippedCount === 0)
      expect(Buffer.from(encodeAnswer(read.addresses)).toString('hex')).toBe(hex);
  });
});
