import { describe, expect, it } from '@jest/globals';

import { concatBytes, equalBytes, fromHex, toHex } from '../src/bytes.js';
import type { CryptoBackend } from '../src/crypto/crypto-backend.js';
import { backend as portable } from '../src/crypto/portable.js';
import { backend as node, nodeBackend } from '../src/node/crypto.js';
import { isValidSignature } from '../src/validity.js';
import { rfc8032 } from './signature-cases.js';

const backends: readonly (readonly [string, CryptoBackend])[] = [
  ['node:crypto', node],
  ['portable', portable],
];

describe.each(backends)('%s', (_, backend) => {
  it.each(rfc8032)('agrees with RFC 8032 $name', ({ seed, publicKey, message, signature }) => {
    expect(toHex(backend.publicKeyFromSeed(fromHex(seed)))).toBe(publicKey);
    expect(toHex(backend.signer(fromHex(seed))(fromHex(message)))).toBe(signature);
    expect(isValidSignature(backend, fromHex(publicKey), fromHex(message), fromHex(signature))).toBe(true);
  });

  it('agrees with FIPS 180-4 on SHA-256', () => {
    expect(toHex(backend.sha256(new Uint8Array()))).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
    expect(toHex(backend.sha256(fromHex('616263')))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  it('returns plain arrays that share no memory with anything else', () => {
    const sign = backend.signer(fromHex(rfc8032[0]!.seed));
    for (const bytes of [backend.sha256(new Uint8Array()), sign(new Uint8Array()), backend.randomBytes(32)]) {
      expect(bytes.constructor).toBe(Uint8Array);
      expect(bytes.buffer.byteLength).toBe(bytes.length);
    }
  });

  it.each([0, 1, 32, 65_536, 200_000])('fills %i random bytes to the end, differently each time', (count) => {
    const [first, second] = [backend.randomBytes(count), backend.randomBytes(count)];
    expect(first).toHaveLength(count);
    if (count >= 32) {
      expect(first.subarray(-32)).not.toEqual(new Uint8Array(32));
      expect(equalBytes(first, second)).toBe(false);
    }
  });
});

describe('the keys that node:crypto keeps', () => {
  it('change no verdict, also when a key has left the cache and comes again', () => {
    const small = nodeBackend(4);
    const seed = new Uint8Array(32).fill(1);
    const publicKey = small.publicKeyFromSeed(seed);
    const message = Uint8Array.of(1, 2, 3);
    const signature = small.signer(seed)(message);
    const judged = (key: Uint8Array): boolean => isValidSignature(small, key, message, signature);
    for (let i = 0; i < 100; i += 1) {
      if (i % 20 === 0) expect(judged(publicKey)).toBe(true); // five generations later, and used twice in one
      if (i % 20 < 2) expect(judged(publicKey)).toBe(true);
      expect(judged(concatBytes(publicKey.subarray(0, 28), Uint8Array.of(i, 0, 0, 0)))).toBe(false);
    }
    expect(judged(publicKey)).toBe(true);
  });
});
