// The arithmetic of edwards25519 (RFC 8032 §5.1) on integers: slow, plain, and independent of both backends.
// The tests use it to make keys and signatures that no library makes.

import { sha512 } from '@noble/hashes/sha2.js';

import { concatBytes } from '../src/bytes.js';

export interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

export const fieldPrime = 2n ** 255n - 19n;
export const groupOrder = 2n ** 252n + 27742317777372353535851937790883648493n;

const d = modulo(-121665n * inverse(121666n));
const squareRootOfMinusOne = power(2n, (fieldPrime - 1n) / 4n);

export const identity: Point = { x: 0n, y: 1n };
export const basePoint: Point = pointWithY(4n * inverse(5n)) as Point;

/** The eight points whose order divides 8: the multiples of one of order 8. */
export const smallOrderPoints: readonly Point[] = multiplesOf(pointOfOrder8());

export function add(a: Point, b: Point): Point {
  const product = modulo(d * a.x * b.x * a.y * b.y);
  const both = inverse(1n - product * product);
  return {
    x: modulo((a.x * b.y + b.x * a.y) * both * (1n - product)),
    y: modulo((a.y * b.y + a.x * b.x) * both * (1n + product)),
  };
}

export function multiply(scalar: bigint, point: Point): Point {
  let result = identity;
  let addend = point;
  for (let rest = scalar; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = add(result, addend);
    addend = add(addend, addend);
  }
  return result;
}

/** The point with this y and an even x, or undefined where the curve has none. */
export function pointWithY(y: bigint): Point | undefined {
  const xSquared = modulo((y * y - 1n) * inverse(d * y * y + 1n));
  const root = power(xSquared, (fieldPrime + 3n) / 8n);
  for (const x of [root, modulo(root * squareRootOfMinusOne)]) {
    if (modulo(x * x) === xSquared) return { x: x & 1n ? fieldPrime - x : x, y: modulo(y) };
  }
  return undefined;
}

export function encode({ x, y }: Point): Uint8Array {
  return encodeY(y, (x & 1n) === 1n);
}

/** Any 255-bit number as y, also one that is not reduced, with the sign bit as given. */
export function encodeY(y: bigint, isNegative: boolean): Uint8Array {
  return littleEndian(isNegative ? y | (1n << 255n) : y);
}

export function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

export function integerOf(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** The k of [S]B = R + [k]A. */
export function challenge(r: Uint8Array, publicKey: Uint8Array, message: Uint8Array): bigint {
  return integerOf(sha512(concatBytes(r, publicKey, message))) % groupOrder;
}

/** The secret scalar of a seed. */
export function secretScalar(seed: Uint8Array): bigint {
  const half = sha512(seed).subarray(0, 32);
  return (integerOf(half) & ((1n << 254n) - 8n)) | (1n << 254n);
}

/** A signature by arithmetic, for any encodings of R = [r]B (or off it) and A = [a]B (or off it). */
export function forge(
  r: bigint,
  rBytes: Uint8Array,
  a: bigint,
  aBytes: Uint8Array,
  message: Uint8Array,
): Uint8Array {
  const s = (r + challenge(rBytes, aBytes, message) * a) % groupOrder;
  return concatBytes(rBytes, littleEndian(s));
}

function pointOfOrder8(): Point {
  for (let y = 2n; ; y += 1n) {
    const point = pointWithY(y);
    const candidate = point && multiply(groupOrder, point);
    if (candidate && !isIdentity(multiply(4n, candidate))) return candidate;
  }
}

function multiplesOf(generator: Point): Point[] {
  return Array.from({ length: 8 }, (_, i) => multiply(BigInt(i), generator));
}

function isIdentity(point: Point): boolean {
  return point.x === 0n && point.y === 1n;
}

function inverse(value: bigint): bigint {
  return power(modulo(value), fieldPrime - 2n);
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = modulo(base);
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % fieldPrime;
    square = (square * square) % fieldPrime;
  }
  return result;
}

function modulo(value: bigint): bigint {
  const rest = value % fieldPrime;
  return rest < 0n ? rest + fieldPrime : rest;
}
