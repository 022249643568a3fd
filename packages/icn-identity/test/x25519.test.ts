import { createPrivateKey, createPublicKey } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';
import nacl from 'tweetnacl';

import { IdentityError, keyPairFromSeed, toHex, x25519PublicKey } from '../src/index.js';
import { encodeY, fieldPrime, littleEndian, pointWithY, secretScalar } from './curve.js';

const seeds = Array.from({ length: 64 }, (_, index) => new Uint8Array(32).fill(index));

describe('x25519PublicKey', () => {
  it.each([
    ['tweetnacl', (secret: Uint8Array) => nacl.scalarMult.base(secret)],
    ['node:crypto', publicKeyByNode],
  ])('is the public key of the secret that the seed makes, by %s', (_, publicKeyOf) => {
    for (const seed of seeds) {
      const { publicKey } = keyPairFromSeed(seed);
      expect(toHex(x25519PublicKey(publicKey))).toBe(toHex(publicKeyOf(x25519SecretOf(seed))));
    }
  });

  it('agrees on a secret that both sides compute', () => {
    const [alice, bob] = [seeds[1]!, seeds[2]!];
    const [ofAlice, ofBob] = [alice, bob].map((seed) => x25519PublicKey(keyPairFromSeed(seed).publicKey));
    const shared = nacl.scalarMult(x25519SecretOf(alice), ofBob!);
    expect(toHex(shared)).toBe(toHex(nacl.scalarMult(x25519SecretOf(bob), ofAlice!)));
  });

  it.each([
    ['of small order', [1]],
    ['of small order, with y = 0', [0]],
    ['off the curve', [2]],
    ['not canonical', Array.from({ length: 32 }, (_, i) => (i === 31 ? 0x7f : 0xff))],
  ])('refuses a key %s', (_, bytes) => {
    const key = new Uint8Array(32);
    key.set(bytes);
    expect(() => x25519PublicKey(key)).toThrow(IdentityError);
  });

  it('takes what is on the curve, and refuses what is not', () => {
    for (let y = 2n; y < 200n; y += 1n) {
      for (const encoded of [encodeY(y, false), encodeY(fieldPrime - y, true)]) {
        if (pointWithY(y) === undefined) expect(() => x25519PublicKey(encoded)).toThrow(IdentityError);
        else expect(x25519PublicKey(encoded)).toHaveLength(32);
      }
    }
  });

  it('refuses other lengths', () => {
    for (const length of [0, 31, 33])
      expect(() => x25519PublicKey(new Uint8Array(length).fill(9))).toThrow(IdentityError);
  });
});

/** The secret of RFC 8032 §5.1.5. */
const x25519SecretOf = (seed: Uint8Array) => littleEndian(secretScalar(seed));

/** RFC 8410 §7, with the identifier of X25519. */
function publicKeyByNode(secret: Uint8Array): Uint8Array {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), secret]);
  const key = createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }));
  return Uint8Array.from(key.export({ format: 'der', type: 'spki' }).subarray(-32));
}
