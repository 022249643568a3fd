// That both backends say of every signature what this project's one rule says.

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { backend as portable } from '../src/crypto/portable.js';
import { backend as node } from '../src/node/crypto.js';
import { isPublicKey, isValidSignature } from '../src/validity.js';
import { encodeY, fieldPrime, smallOrderPoints } from './curve.js';
import { mutated } from './mutations.js';
import { accepted, malleated, refused, smallOrder, smallOrderKeys } from './signature-cases.js';

/** Each of the thirteen kinds eight times; tweetnacl is slow, so `pnpm verdicts` judges 10,000. */
const mutationCount = 104;

describe.each([
  ['node:crypto', node],
  ['portable', portable],
] as const)('%s', (_, backend) => {
  it.each(accepted)('accepts $name', (one) => {
    expect(isValidSignature(backend, one.publicKey, one.message, one.signature)).toBe(true);
  });

  it.each(refused)('refuses $name', (one) => {
    expect(isValidSignature(backend, one.publicKey, one.message, one.signature)).toBe(false);
  });
});

describe('the rule is needed', () => {
  it('because tweetnacl alone accepts S + L and node:crypto does not', () => {
    const { publicKey, message, signature } = malleated;
    expect(portable.verify(publicKey, message, signature)).toBe(true);
    expect(node.verify(publicKey, message, signature)).toBe(false);
  });

  it.each(smallOrderKeys.map((key, i) => smallOrder(`small-order key ${i}`, key)))(
    'because both alone accept $name',
    (one) => {
      expect(portable.verify(one.publicKey, one.message, one.signature)).toBe(true);
      expect(node.verify(one.publicKey, one.message, one.signature)).toBe(true);
    },
  );
});

describe('isPublicKey', () => {
  it('finds all eight points of small order', () => {
    expect(new Set(smallOrderPoints.map(({ x, y }) => `${x},${y}`)).size).toBe(8);
  });

  it('accepts the largest y of full order and refuses the first that is not reduced', () => {
    expect(isPublicKey(encodeY(fieldPrime - 2n, false))).toBe(true);
    expect(isPublicKey(encodeY(fieldPrime, false))).toBe(false);
    expect(isPublicKey(encodeY(2n ** 255n - 1n, false))).toBe(false);
  });

  it('accepts the neighbours of every y of small order', () => {
    for (const { y } of smallOrderPoints) {
      for (const neighbour of [y + 2n, y + 256n]) {
        if (neighbour < fieldPrime) expect(isPublicKey(encodeY(neighbour, false))).toBe(true);
      }
    }
  });
});

describe('both backends agree', () => {
  it('on mutated signatures', () => {
    const verdicts = [...mutated(node, 8032, mutationCount)].map(({ publicKey, message, signature }) =>
      judgeBoth(publicKey, message, signature),
    );
    expect(verdicts.filter(([first, second]) => first !== second)).toEqual([]);
    // Every 13th is as it was signed; of the others hardly one is valid by chance: a byte drawn as it was.
    const acceptedCount = verdicts.filter(([isValid]) => isValid).length;
    expect(acceptedCount).toBeGreaterThanOrEqual(Math.floor(mutationCount / 13));
    expect(acceptedCount).toBeLessThan(mutationCount / 10);
  });

  it('on what they made themselves', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array(), (signerSeed, text) => {
        const signature = node.signer(signerSeed)(text);
        expect(portable.signer(signerSeed)(text)).toEqual(signature);
        expect(judgeBoth(portable.publicKeyFromSeed(signerSeed), text, signature)).toEqual([true, true]);
      }),
      { numRuns: 10, seed: 8032 },
    );
  });

  it('on bytes of any length, without throwing', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.uint8Array(),
        fc.uint8Array({ maxLength: 80 }),
        (...bytes) => {
          expect(judgeBoth(...bytes)).toEqual([false, false]);
        },
      ),
      { seed: 8032 },
    );
  });
});

function judgeBoth(key: Uint8Array, text: Uint8Array, signature: Uint8Array): boolean[] {
  return [node, portable].map((backend) => isValidSignature(backend, key, text, signature));
}
