import { concatBytes } from './bytes.js';
import { Decoder, Encoder } from 'cbor-x';

/**
 * The one CBOR of the protocol: RFC 8949 §4.2.1 deterministic encoding, narrowed to unsigned integers up to
 * 2^53 − 1, byte strings, UTF-8 text, arrays, true, false and null. A value has exactly one encoding, so bytes
 * that are signed by one node are never "the same but different" for another. Text does not begin with a byte
 * order mark (RFC 3629 §6), because many decoders, that of cbor-x among them, swallow it.
 */
export type Cbor = number | boolean | null | string | Uint8Array | readonly Cbor[];

/** Arrays within arrays; the deepest shape of the protocol (an entry's proof in a pull response) needs 6. */
const depthMax = 12;

const options = {
  useRecords: false,
  variableMapSize: true,
  tagUint8Array: false,
  copyBuffers: true,
  int64AsNumber: true,
} as const;
const encoder = new Encoder(options);
const decoder = new Decoder(options);

/** The deterministic encoding of `value`; the bytes are the caller's. Throws `RangeError` on what the subset does not have. */
export function encodeCbor(value: Cbor): Uint8Array {
  return new Uint8Array(encoder.encode(encodable(value)) as Uint8Array);
}

/** The encoding of an array whose items are encoded already. */
export function encodeArray(items: readonly Uint8Array[]): Uint8Array {
  const head = encodeCbor(items.length);
  head[0] = (head[0] ?? 0) | 0x80; // the head of a number and that of an array differ in the major type alone
  return concatBytes(head, ...items);
}

/** The value of `bytes`, or undefined where they are not exactly one value in deterministic encoding. Never throws. */
export function decodeCbor(bytes: Uint8Array): Cbor | undefined {
  if (!isDeterministicCbor(bytes)) return undefined;
  try {
    return decoder.decode(bytes.subarray()) as Cbor; // a view, because cbor-x hangs a property on what it reads
  } catch {
    return undefined;
  }
}

/** A byte order mark in front, or half of a surrogate pair. */
const notText = /^\ufeff|\p{Surrogate}/u;

/** cbor-x writes integers above 2^32 − 1 as floats, unless they come as BigInt. */
function encodable(value: Cbor): unknown {
  if (typeof value === 'string' && notText.test(value)) throw new RangeError('not text');
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not an unsigned integer: ${value}`);
    return value > 0xffff_ffff ? BigInt(value) : value;
  }
  return Array.isArray(value) ? value.map(encodable) : value;
}

/**
 * Whether `bytes` are one value of the subset in its only encoding. One pass, no allocation: a hostile frame
 * costs nothing before it is refused, and no exotic tag, map or shared reference ever reaches the decoder.
 */
export function isDeterministicCbor(bytes: Uint8Array): boolean {
  return skipItem(bytes, 0, 0) === bytes.length;
}

/** The offset behind the item at `start`, or −1 where it is malformed or outside the subset. */
function skipItem(bytes: Uint8Array, start: number, depth: number): number {
  const first = bytes[start];
  if (first === undefined || depth > depthMax) return -1;
  const major = first >> 5;
  if (major === 7) return first === 0xf4 || first === 0xf5 || first === 0xf6 ? start + 1 : -1;
  const argument = readArgument(bytes, start);
  if (argument === undefined) return -1;
  const { value, next } = argument;
  switch (major) {
    case 0:
      return next;
    case 2:
      return next + value <= bytes.length ? next + value : -1;
    case 3:
      return next + value <= bytes.length && isUtf8(bytes, next, next + value) ? next + value : -1;
    case 4: {
      let offset = next;
      for (let index = 0; index < value && offset >= 0; index++) offset = skipItem(bytes, offset, depth + 1);
      return offset;
    }
    default:
      return -1; // negative integers, maps, tags
  }
}

/** The length or number in an item's head, in its shortest form only. */
function readArgument(bytes: Uint8Array, start: number): { value: number; next: number } | undefined {
  const info = (bytes[start] ?? 0) & 0x1f;
  if (info < 24) return { value: info, next: start + 1 };
  if (info > 27) return undefined; // reserved, or indefinite length
  const width = 1 << (info - 24);
  const next = start + 1 + width;
  if (next > bytes.length) return undefined;
  let value = 0;
  for (let index = start + 1; index < next; index++) value = value * 256 + (bytes[index] ?? 0);
  const shortestFrom = [24, 0x100, 0x1_0000, 0x1_0000_0000][info - 24] ?? 0;
  return value >= shortestFrom && value <= Number.MAX_SAFE_INTEGER ? { value, next } : undefined;
}

/** RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF, no byte order mark in front. */
function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start >= 3 && bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf)
    return false;
  let offset = start;
  while (offset < end) {
    const lead = bytes[offset++] ?? 0;
    if (lead < 0x80) continue;
    const tailCount =
      lead >= 0xc2 && lead < 0xe0 ? 1 : lead >= 0xe0 && lead < 0xf0 ? 2 : lead >= 0xf0 && lead < 0xf5 ? 3 : 0;
    if (tailCount === 0 || offset + tailCount > end) return false;
    const second = bytes[offset] ?? 0;
    const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    if (second < lowest || second > highest) return false;
    for (let index = 1; index < tailCount; index++)
      if (((bytes[offset + index] ?? 0) & 0xc0) !== 0x80) return false;
    offset += tailCount;
  }
  return true;
}
