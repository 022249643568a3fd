// From the key that signs to the key that agrees on secrets: the birational map of RFC 7748 §4.1 from edwards25519,
// on which Ed25519 keys are points (x, y), to curve25519, on which X25519 keys are u-coordinates: u = (1 + y) / (1 − y).

import { IdentityError } from './identity-error.js';
import { isPublicKey } from './validity.js';

const fieldPrime = 2n ** 255n - 19n;

/** d of edwards25519: −x² + y² = 1 + d·x²·y² (RFC 8032 §5.1). */
const curveD = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

/**
 * The X25519 public key of who holds an Ed25519 public key: 32 new bytes. Its secret key is the clamped first half of
 * the SHA-512 of the seed (RFC 8032 §5.1.5, steps 1 and 2). Both signs of x have the same.
 *
 * @throws IdentityError `key-invalid` where {@link isPublicKey} refuses the bytes, and for a point off the curve, which
 *   nobody holds.
 */
export function x25519PublicKey(publicKey: Uint8Array): Uint8Array {
  const y = isPublicKey(publicKey) ? yOf(publicKey) : undefined;
  if (y === undefined || !isOnCurve(y))
    throw new IdentityError('key-invalid', 'no point of edwards25519: nobody holds such a key');
  // y = 1 is of small order, so there is an inverse.
  const u = ((1n + y) * power(1n - y + fieldPrime, fieldPrime - 2n)) % fieldPrime;
  return Uint8Array.from({ length: 32 }, (_, i) => Number((u >> BigInt(8 * i)) & 0xffn));
}

/** Whether x² = (y² − 1) / (d·y² + 1) has a root, by Euler's criterion; the product has one where the quotient has. */
function isOnCurve(y: bigint): boolean {
  const square = (y * y) % fieldPrime;
  return power((square - 1n) * (curveD * square + 1n), (fieldPrime - 1n) / 2n) === 1n;
}

/** Little-endian, without the sign of x in the top bit. */
function yOf(publicKey: Uint8Array): bigint {
  let y = 0n;
  for (const [i, byte] of publicKey.entries()) y |= BigInt(i === 31 ? byte & 0x7f : byte) << BigInt(8 * i);
  return y;
}

/** base^exponent modulo the prime. Not in constant time: for public values only. */
function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base % fieldPrime;
  for (let bits = exponent; bits > 0n; bits >>= 1n) {
    if ((bits & 1n) === 1n) result = (result * square) % fieldPrime;
    square = (square * square) % fieldPrime;
  }
  return result;
}
