import { describe, expect, it } from '@jest/globals';
import { base58 } from '@scure/base';
import fc from 'fast-check';

import {
  didFromPublicKey,
  fromHex,
  isDid,
  keyPairFromSeed,
  parseDid,
  publicKeyFromDid,
} from '../src/index.js';

const publicKey = fromHex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
const did = 'did:icn:zFVen3X669xLzsi6N2V91DoiyzHzg1uAgqiT8jZ9nS96Z';
const encoded = did.slice('did:icn:z'.length);

const someKeyPair = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(keyPairFromSeed);

describe('a DID', () => {
  it('is did:icn:z and the base58btc of the raw key', () => {
    expect(didFromPublicKey(publicKey)).toBe(did);
    expect(publicKeyFromDid(parseDid(did))).toEqual(publicKey);
  });

  it('keeps the zero bytes at the front of a key', () => {
    const key = Uint8Array.from({ length: 32 }, (_, i) => (i < 30 ? 0 : 1));
    const spelling = didFromPublicKey(key);
    expect(spelling).toBe(`did:icn:z${'1'.repeat(30)}5S`);
    expect(publicKeyFromDid(parseDid(spelling))).toEqual(key);
  });

  it('names one key, and a key has one DID', () => {
    fc.assert(
      fc.property(someKeyPair, (pair) => {
        expect(parseDid(pair.did)).toBe(pair.did);
        expect(publicKeyFromDid(pair.did)).toEqual(pair.publicKey);
        expect(didFromPublicKey(pair.publicKey)).toBe(pair.did);
      }),
    );
  });

  it('gives out a key that the caller may change', () => {
    const first = publicKeyFromDid(parseDid(did));
    first.fill(0);
    expect(publicKeyFromDid(parseDid(did))).toEqual(publicKey);
  });
});

describe('parseDid', () => {
  it.each([
    ['nothing', ''],
    ['the prefix alone', 'did:icn:z'],
    ['another method', `did:key:z${encoded}`],
    ['another multibase', `did:icn:u${encoded}`],
    ['no multibase', `did:icn:${encoded}`],
    ['an upper-case scheme', `DID:icn:z${encoded}`],
    ['an upper-case method', `did:ICN:z${encoded}`],
    ['an upper-case multibase', `did:icn:Z${encoded}`],
    ['a key in lower case', did.toLowerCase()],
    ['a space before', ` ${did}`],
    ['a space after', `${did} `],
    ['a line end', `${did}\n`],
    ['a NUL', `${did}\0`],
    ['a fragment', `${did}#key-1`],
    ['a path', `${did}/lobby`],
    ['a query', `${did}?x`],
    ['a percent-escape', did.replace('z', '%7A')],
    ['a zero byte more at the front', `did:icn:z1${encoded}`],
    [
      'the multicodec prefix of did:key',
      `did:icn:z${base58.encode(Uint8Array.from([0xed, 0x01, ...publicKey]))}`,
    ],
    ['31 bytes', `did:icn:z${base58.encode(publicKey.subarray(1))}`],
    ['33 bytes', `did:icn:z${base58.encode(Uint8Array.from([...publicKey, 1]))}`],
    ['a letter that base58 lacks', did.replace('F', '0')],
    ['a letter outside ASCII', did.replace('F', 'Ｆ')],
    ['a key of small order', `did:icn:z${'1'.repeat(32)}`],
    ['a key that is not reduced', `did:icn:z${base58.encode(new Uint8Array(32).fill(0xff))}`],
    ['a megabyte', `did:icn:z${'1'.repeat(1_000_000)}`],
  ])('refuses %s', (_, text) => {
    expect(isDid(text)).toBe(false);
    expect(() => parseDid(text)).toThrow(
      expect.objectContaining({ name: 'IdentityError', code: 'did-invalid' }),
    );
  });

  it('never takes a changed DID for the same key', () => {
    fc.assert(
      fc.property(someKeyPair, fc.nat(60), fc.string({ maxLength: 2 }), (pair, at, replacement) => {
        const text = pair.did.slice(0, at) + replacement + pair.did.slice(at + 1);
        if (text !== pair.did && isDid(text)) expect(publicKeyFromDid(text)).not.toEqual(pair.publicKey);
      }),
      { numRuns: 1_000 },
    );
  });

  it('names what it refused, at a length fit for a message', () => {
    expect(() => parseDid('x'.repeat(1_000))).toThrow(/^.{40,160}$/);
  });
});

describe('didFromPublicKey', () => {
  it.each([
    ['31 bytes', publicKey.subarray(1)],
    ['33 bytes', Uint8Array.from([...publicKey, 0])],
    ['no bytes', new Uint8Array()],
    ['a key of small order', new Uint8Array(32)],
    ['a key that is not reduced', new Uint8Array(32).fill(0xff)],
  ])('refuses %s', (_, bytes) => {
    expect(() => didFromPublicKey(bytes)).toThrow(expect.objectContaining({ code: 'key-invalid' }));
  });
});
