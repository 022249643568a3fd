import { IdentityError } from './identity-error.js';

const hexOfByte: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
);

/** Writes bytes as lower-case hexadecimal, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += hexOfByte[byte];
  return text;
}

/**
 * Reads what {@link toHex} writes, and nothing else: one text for one array of bytes.
 *
 * @throws IdentityError `hex-invalid` on an odd length, an upper-case digit or anything that is no digit.
 */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) {
    throw new IdentityError('hex-invalid', 'expected lower-case hexadecimal digits, two a byte');
  }
  return Uint8Array.from({ length: text.length / 2 }, (_, i) =>
    Number.parseInt(text.slice(2 * i, 2 * i + 2), 16),
  );
}

/** Joins parts into one new array. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/**
 * Orders arrays as words in a dictionary: by the first byte that differs, else the shorter first. Negative,
 * zero or positive, as `Array.prototype.sort` wants it.
 */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const sharedLength = Math.min(a.length, b.length);
  for (let i = 0; i < sharedLength; i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Says whether two arrays hold the same bytes. Not in constant time: for public values only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0;
}
