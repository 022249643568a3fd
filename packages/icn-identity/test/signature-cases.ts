// Keys and signatures that somebody made to be accepted by some nodes and refused by others, and the verdict of this
// project's one rule (`validity.ts`) on each: the table of `vectors/signatures.json`. The cases are those of Chalkias,
// Garillot and Nikolaenko, "Taming the many EdDSAs" (2020), and what the rule adds.

import { concatBytes, fromHex } from '../src/bytes.js';
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

/** A signature, what it is said to be of, and whose. */
export interface Signed {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

export interface Case extends Signed {
  readonly name: string;
}

/** RFC 8032 §7.1. */
export const rfc8032: readonly {
  name: string;
  seed: string;
  publicKey: string;
  message: string;
  signature: string;
}[] = [
  {
    name: 'TEST 1',
    seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    name: 'TEST 2',
    seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    name: 'TEST 3',
    seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    publicKey: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: 'af82',
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
  {
    name: 'TEST SHA(abc)',
    seed: '833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42',
    publicKey: 'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
    message:
      'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    signature:
      'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
  },
];

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
export const smallOrderKeys = [
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

export const accepted: readonly Case[] = [
  { name: 'an honest signature', publicKey, message, signature: honest },
  {
    name: 'R of small order: the signer chose the nonce 0',
    publicKey,
    message,
    signature: forge(0n, encode(identity), secret, publicKey, message),
  },
  mixedOrder('a key with a component of small order, where k is a multiple of 8', (k) => k % 8n === 0n),
];

export const malleated = withS('S + L, which is the same number modulo L', integerOf(honestS) + groupOrder);

export const refused: readonly Case[] = [
  { name: 'another message', publicKey, message: fromHex('af83'), signature: honest },
  { name: 'another key', publicKey: encode(noncePoint), message, signature: honest },
  malleated,
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
  ...unreducedKeys.map((r, i) => ({
    name: `non-canonical R of full order ${i}`,
    publicKey,
    message,
    signature: concatBytes(r, honestS),
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

function withS(name: string, s: bigint): Case {
  return { name, publicKey, message, signature: concatBytes(honestR, littleEndian(s)) };
}

/**
 * With a key of small order [k]A vanishes for one message in eight or more; then R = [S]B signs it with no
 * secret.
 */
export function smallOrder(name: string, key: Uint8Array): Case {
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

function resize(bytes: Uint8Array, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => bytes[i] ?? 0);
}
