import { inspect } from 'node:util';

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import {
  concatBytes,
  fromHex,
  generateKeyPair,
  isPublicKey,
  keyPairFromSeed,
  randomBytes,
  sha256,
  sign,
  toHex,
  verify,
  type KeyPair,
} from '../src/index.js';
import { backend } from '../src/node/crypto.js';

const alice = keyPairFromSeed(new Uint8Array(32).fill(1));
const bob = keyPairFromSeed(new Uint8Array(32).fill(2));
const message = Uint8Array.from([1, 2, 3]);

describe('a key pair', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(keyPairFromSeed(new Uint8Array(32).fill(1)).did).toBe(alice.did);
    expect(bob.did).not.toBe(alice.did);
    expect(generateKeyPair().did).not.toBe(generateKeyPair().did);
    expect(isPublicKey(generateKeyPair().publicKey)).toBe(true);
  });

  it.each([0, 31, 33, 64])('is not made of %i bytes', (length) => {
    expect(() => keyPairFromSeed(new Uint8Array(length))).toThrow(
      expect.objectContaining({ code: 'key-invalid' }),
    );
  });

  it('keeps a seed of its own', () => {
    const seed = new Uint8Array(32).fill(3);
    const pair = keyPairFromSeed(seed);
    seed.fill(0);
    expect(pair.seed).toEqual(new Uint8Array(32).fill(3));
  });

  it('does not carry its seed into logs, JSON or copies', () => {
    const seed = toHex(alice.seed);
    expect(inspect(alice, { showHidden: false })).not.toContain('seed');
    expect(JSON.stringify(alice)).not.toContain('seed');
    expect(Object.keys({ ...alice })).toEqual(['did', 'publicKey']);
    expect(seed).toHaveLength(64);
  });
});

describe('a signature', () => {
  it('is valid for its key, purpose and message', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(verify(alice.publicKey, 'icn/entry', bytes, sign(alice, 'icn/entry', bytes))).toBe(true);
      }),
    );
  });

  it('is valid for no other key or message', () => {
    const signature = sign(alice, 'icn/entry', message);
    expect(verify(bob.publicKey, 'icn/entry', message, signature)).toBe(false);
    expect(verify(alice.publicKey, 'icn/entry', message.subarray(1), signature)).toBe(false);
    expect(verify(alice.publicKey, 'icn/entry', concatBytes(message, new Uint8Array(1)), signature)).toBe(
      false,
    );
  });

  it('covers exactly the purpose in ASCII, a zero byte and the message', () => {
    const signed = concatBytes(fromHex('69636e2f656e74727900'), message);
    const signature = sign(alice, 'icn/entry', message);
    expect(backend.verify(alice.publicKey, signed, signature)).toBe(true);
    expect(backend.verify(alice.publicKey, message, signature)).toBe(false);
  });

  it('is refused where it was made without a purpose', () => {
    const bare = backend.signer(alice.seed)(message);
    expect(verify(alice.publicKey, 'icn/entry', message, bare)).toBe(false);
  });

  it('is deterministic', () => {
    expect(sign(alice, 'icn/entry', message)).toEqual(sign(alice, 'icn/entry', message));
  });

  it('comes of the seed alone, so that a mismatched public key leaks nothing', () => {
    const mixed: KeyPair = { did: bob.did, publicKey: bob.publicKey, seed: alice.seed };
    expect(sign(mixed, 'icn/entry', message)).toEqual(sign(alice, 'icn/entry', message));
  });

  it('is refused, without an exception, for bytes of any length', () => {
    fc.assert(
      fc.property(
        fc.uint8Array(),
        fc.uint8Array(),
        fc.uint8Array({ maxLength: 80 }),
        (key, text, signature) => {
          expect(verify(key, 'icn/entry', text, signature)).toBe(false);
        },
      ),
    );
  });
});

describe('sha256', () => {
  it('hashes the parts as one', () => {
    const whole = sha256(fromHex('616263'));
    expect(toHex(whole)).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(sha256(fromHex('61'), new Uint8Array(), fromHex('6263'))).toEqual(whole);
    expect(sha256()).toEqual(sha256(new Uint8Array()));
    expect(sha256(fromHex('6162'))).not.toEqual(whole);
  });
});

describe('randomBytes', () => {
  it('gives as many as asked, never the same', () => {
    expect(randomBytes(0)).toEqual(new Uint8Array());
    expect(randomBytes(32)).not.toEqual(randomBytes(32));
  });
});
