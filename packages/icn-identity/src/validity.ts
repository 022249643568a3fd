// Which keys and signatures are valid, beyond the equation that every Ed25519 library checks.
//
// RFC 8032 §5.1.7 leaves room, and libraries use it differently: some accept S + L for S, public keys of
// small order, or two encodings of one point. Nodes that disagree on one signature hold different sets for
// ever and can be split apart at will, so the rule is ours, stands here once, and is applied before any
// backend is asked (invariant I4):
//
//   A (the public key) is a canonical encoding and not of small order;
//   R (the first half of the signature) is a canonical encoding;
//   S (the second half, a little-endian integer) is below L, the order of the base point.
//
// What is left to a backend is the equation without cofactor, [S]B = R + [k]A, by comparing encoded bytes; a
// point off the curve fails it. The cases are those of Chalkias, Garillot and Nikolaenko, "Taming the many
// EdDSAs" (2020).

import type { CryptoBackend } from './crypto/crypto-backend.js';

export const publicKeyBytes = 32;
export const seedBytes = 32;
export const signatureBytes = 64;

/** L, the order of the base point, as little-endian bytes (RFC 8032 §5.1). */
const groupOrder = littleEndian(2n ** 252n + 27742317777372353535851937790883648493n);

const fieldPrime = 2n ** 255n - 19n;

/** The y of the two points whose x is zero, of orders 1 and 2; with the sign bit set they have a second spelling. */
const ySignless: readonly Uint8Array[] = [littleEndian(1n), littleEndian(fieldPrime - 1n)];

/** A y of order 8: x² = −y² there, so doubling leads to y = 0, which has order 4. The other one is its negative. */
const yOfOrder8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022n;

/** The y of all eight points whose order divides the cofactor 8. */
const ySmallOrder: readonly Uint8Array[] = [
  ...ySignless,
  littleEndian(0n),
  littleEndian(yOfOrder8),
  littleEndian(fieldPrime - yOfOrder8),
];

/**
 * Says whether bytes are a public key that this project accepts: 32 bytes, canonical, not of small order. A key
 * off the curve is not told apart, as that costs a square root; no signature is valid for it.
 */
export function isPublicKey(bytes: Uint8Array): boolean {
  return bytes.length === publicKeyBytes && isBelowPrime(bytes) && !ySmallOrder.some((y) => hasY(bytes, y));
}

/** The whole rule, for bytes of any length: what may be asked, and then the equation. */
export function isValidSignature(
  backend: CryptoBackend,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  return (
    isPublicKey(publicKey) &&
    signature.length === signatureBytes &&
    isCanonicalPoint(signature) &&
    isScalarReduced(signature) &&
    backend.verify(publicKey, message, signature)
  );
}

/** R may be of small order (then it is simply a poor choice of the signer), but has one spelling. */
function isCanonicalPoint(bytes: Uint8Array): boolean {
  const isNegative = byteAt(bytes, 31) >= 0x80;
  return isBelowPrime(bytes) && !(isNegative && ySignless.some((y) => hasY(bytes, y)));
}

/** y < 2^255 − 19, where the 32 bytes are y little-endian with the sign of x in the top bit. */
function isBelowPrime(bytes: Uint8Array): boolean {
  if ((byteAt(bytes, 31) & 0x7f) !== 0x7f) return true;
  for (let i = 30; i > 0; i -= 1) if (byteAt(bytes, i) !== 0xff) return true;
  return byteAt(bytes, 0) < 0xed;
}

/** S < L, where S is the second half of a signature. */
function isScalarReduced(signature: Uint8Array): boolean {
  for (let i = 31; i >= 0; i -= 1) {
    const difference = byteAt(signature, 32 + i) - byteAt(groupOrder, i);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function hasY(bytes: Uint8Array, y: Uint8Array): boolean {
  for (let i = 0; i < 31; i += 1) if (byteAt(bytes, i) !== byteAt(y, i)) return false;
  return (byteAt(bytes, 31) & 0x7f) === byteAt(y, 31);
}

/** The byte at an index that the caller knows to be inside. */
function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] as number;
}

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}
