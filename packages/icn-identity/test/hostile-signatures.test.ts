// Keys and signatures that somebody made to be accepted by some nodes and refused by others. Each case says
// what this project's one rule says (`validity.ts`), and both backends must say it.

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { concatBytes, fromHex } from '../src/bytes.js';
import { backend as portable } from '../src/crypto/portable.js';
import { backend as node } from '../src/node/crypto.js';
import { isPublicKey, isValidSignature } from '../src/validity.js';
import {
  add,
  basePoint,
  challenge,
  encode,
  encodeY,
  fieldPrime,
  forge,
  groupOrder,
  identity,
  integerOf,
  littleEndian,
  multiply,
  pointWithY,
  secretScalar,
  smallOrderPoints,
} from './curve.js';

/** tweetnacl verifies 90–175 signatures a second; the long sweep raises this. */
const mutationCount = Number(process.env['ICN_MUTATIONS'] ?? 250);

interface Case {
  readonly name: string;
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

const seed = fromHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60');
const message = fromHex('af82');

const secret = secretScalar(seed);
const publicPoint = multiply(secret, basePoint);
const publicKey = encode(publicPoint);

const nonce = 0x1c4n;
const noncePoint = multiply(nonce, basePoint);
const honest = forge(nonce, encode(noncePoint), secret, publicKey, message);
const [honestR, honestS] = [honest.subarray(0, 32), honest.subarray(32)];

const pointOfOrder8 = smallOrderPoints[1]!;
const zeroMinus = encodeY(1n, true);
const identityUnreduced = encodeY(fieldPrime + 1n, false);

/** The keys that are points of order 1, 2, 4 and 8 in every spelling that a lax decoder reads as one. */
const smallOrderKeys = [
  ...smallOrderPoints.map(encode),
  zeroMinus,
  encodeY(fieldPrime - 1n, true),
  encodeY(fieldPrime, false),
  encodeY(fieldPrime, true),
  identityUnreduced,
  encodeY(fieldPrime + 1n, true),
];

/** Keys of full order whose y is written as y + p, which fits 255 bits only for y < 19. */
const unreducedKeys = Array.from({ length: 17 }, (_, i) => BigInt(i + 2))
  .filter((y) => pointWithY(y) !== undefined)
  .flatMap((y) => [encodeY(fieldPrime + y, false), encodeY(fieldPrime + y, true)]);

const offCurveKey = encodeY(
  [2n, 3n, 4n, 5n, 6n, 7n, 8n].find((y) => pointWithY(y) === undefined)!,
  false,
);
const mixedOrderKey = encode(add(publicPoint, pointOfOrder8));

const accepted: readonly Case[] = [
  { name: 'an honest signature', publicKey, message, signature: honest },
  {
    name: 'R of small order: the signer chose the nonce 0',
    publicKey,
    message,
    signature: forge(0n, encode(identity), secret, publicKey, message),
  },
  mixedOrder('a key with a component of small order, where k is a multiple of 8', (k) => k % 8n === 0n),
];

const refused: readonly Case[] = [
  { name: 'another message', publicKey, message: fromHex('af83'), signature: honest },
  { name: 'another key', publicKey: encode(noncePoint), message, signature: honest },
  withS('S + L, which is the same number modulo L', integerOf(honestS) + groupOrder),
  withS('S + 2L', integerOf(honestS) + 2n * groupOrder),
  withS('S = L', groupOrder),
  withS('S = 2^256 − 1', 2n ** 256n - 1n),
  withS('S = L − 1, in range but wrong', groupOrder - 1n),
  ...smallOrderKeys.map((key, i) => smallOrder(`small-order key ${i}`, key)),
  ...unreducedKeys.map((key, i) => ({
    name: `non-canonical key ${i}`,
    publicKey: key,
    message,
    signature: honest,
  })),
  ...[zeroMinus, identityUnreduced, encodeY(fieldPrime + 1n, true)].map((r, i) => ({
    name: `non-canonical R ${i}, where the equation holds between points`,
    publicKey,
    message,
    signature: forge(0n, r, secret, publicKey, message),
  })),
  {
    name: 'R with a component of small order, which the equation with cofactor would accept',
    publicKey,
    message,
    signature: forge(nonce, encode(add(noncePoint, pointOfOrder8)), secret, publicKey, message),
  },
  mixedOrder('a key with a component of small order, where k is no multiple of 8', (k) => k % 8n !== 0n),
  { name: 'a key off the curve', publicKey: offCurveKey, message, signature: honest },
  {
    name: 'R off the curve',
    publicKey,
    message,
    signature: forge(nonce, offCurveKey, secret, publicKey, message),
  },
  ...[0, 1, 31, 32, 63, 65, 128].map((length) => ({
    name: `a signature of ${length} bytes`,
    publicKey,
    message,
    signature: resize(honest, length),
  })),
  ...[0, 1, 31, 33, 64].map((length) => ({
    name: `a key of ${length} bytes`,
    publicKey: resize(publicKey, length),
    message,
    signature: honest,
  })),
];

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
    const { signature } = withS('', integerOf(honestS) + groupOrder);
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
    const part = fc.constantFrom('key', 'message', 'r', 's');
    const mutation = fc.tuple(part, fc.nat(31), fc.integer({ min: 1, max: 255 }));
    let refusedCount = 0;
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        mutation,
        (signerSeed, [where, at, mask]) => {
          const text = Uint8Array.from(signerSeed);
          const key = node.publicKeyFromSeed(signerSeed);
          const signature = node.signer(signerSeed)(text);
          const target = { key, message: text, r: signature.subarray(0, 32), s: signature.subarray(32) }[
            where
          ];
          target[at]! ^= mask;
          const [first, second] = judgeBoth(key, text, signature);
          expect(first).toBe(second);
          if (first === false) refusedCount += 1;
        },
      ),
      { numRuns: mutationCount, seed: 8032 },
    );
    expect(refusedCount).toBe(mutationCount);
  });

  it('on what they made themselves', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array(), (signerSeed, text) => {
        const signature = node.signer(signerSeed)(text);
        expect(portable.signer(signerSeed)(text)).toEqual(signature);
        expect(judgeBoth(portable.publicKeyFromSeed(signerSeed), text, signature)).toEqual([true, true]);
      }),
      { numRuns: 30, seed: 8032 },
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

function withS(name: string, s: bigint): Case {
  return { name, publicKey, message, signature: concatBytes(honestR, littleEndian(s)) };
}

/**
 * With a key of small order [k]A vanishes for one message in eight or more; then R = [S]B signs it with no
 * secret.
 */
function smallOrder(name: string, key: Uint8Array): Case {
  const text = messageWith(encode(noncePoint), key, (k) => k % 8n === 0n);
  return {
    name,
    publicKey: key,
    message: text,
    signature: concatBytes(encode(noncePoint), littleEndian(nonce)),
  };
}

function mixedOrder(name: string, accepts: (k: bigint) => boolean): Case {
  const text = messageWith(encode(noncePoint), mixedOrderKey, accepts);
  return {
    name,
    publicKey: mixedOrderKey,
    message: text,
    signature: forge(nonce, encode(noncePoint), secret, mixedOrderKey, text),
  };
}

function messageWith(r: Uint8Array, key: Uint8Array, accepts: (k: bigint) => boolean): Uint8Array {
  for (let counter = 0n; ; counter += 1n) {
    const text = littleEndian(counter);
    if (accepts(challenge(r, key, text))) return text;
  }
}

function judgeBoth(key: Uint8Array, text: Uint8Array, signature: Uint8Array): boolean[] {
  return [node, portable].map((backend) => isValidSignature(backend, key, text, signature));
}

function resize(bytes: Uint8Array, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => bytes[i] ?? 0);
}
