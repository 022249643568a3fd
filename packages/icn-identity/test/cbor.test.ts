import { describe, expect, it } from '@jest/globals';
import { Decoder, Encoder } from 'cbor-x';
import fc from 'fast-check';
import { decodeCbor, encodeCbor, isDeterministicCbor, type Cbor } from '../src/cbor.js';

const OPTIONS = {
  useRecords: false,
  variableMapSize: true,
  tagUint8Array: false,
  int64AsNumber: true,
} as const;
const encoder = new Encoder(OPTIONS);
const decoder = new Decoder(OPTIONS);

const uint = fc.oneof(
  fc.constantFrom(0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER),
  fc.maxSafeNat(),
);
const cbor: fc.Arbitrary<Cbor> = fc.letrec<{ value: Cbor }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    uint,
    fc.boolean(),
    fc.constant(null),
    fc.string({ unit: 'binary', maxLength: 300 }).filter((value) => !value.startsWith('\ufeff')),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 30, depthIdentifier: 'cbor' }),
  ),
})).value;

function isInSubset(value: unknown): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0);
  if (typeof value === 'string') return !value.startsWith('\ufeff');
  if (value === null || typeof value === 'boolean') return true;
  return value instanceof Uint8Array || (Array.isArray(value) && value.every(isInSubset));
}

/** What "checked by re-encoding" means, by a decoder that is lenient and knows nothing of ours. */
function isWhatReencodingGivesBack(bytes: Uint8Array): boolean {
  let value: unknown;
  try {
    value = decoder.decode(bytes);
  } catch {
    return false;
  }
  if (!isInSubset(value)) return false;
  const bigAsBigInt = (item: unknown): unknown => {
    if (typeof item === 'number' && item > 0xffff_ffff) return BigInt(item);
    return Array.isArray(item) ? item.map(bigAsBigInt) : item;
  };
  return Buffer.from(bytes).equals(encoder.encode(bigAsBigInt(value)));
}

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
}

describe('deterministic CBOR', () => {
  it('gives back what it was given', () => {
    fc.assert(
      fc.property(cbor, (value) => expect(decodeCbor(encodeCbor(value))).toEqual(value)),
      { numRuns: 50 },
    );
  });

  it('accepts exactly what re-encoding gives back, among arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), (bytes) => {
        expect(decodeCbor(bytes) !== undefined).toBe(isWhatReencodingGivesBack(bytes));
      }),
      { numRuns: 3_000 },
    );
  });

  it('accepts exactly what re-encoding gives back, among mutated encodings', () => {
    const mutation = fc.tuple(
      fc.nat(),
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom('set', 'insert', 'remove'),
    );
    fc.assert(
      fc.property(cbor, fc.array(mutation, { minLength: 1, maxLength: 3 }), (value, mutations) => {
        const bytes = [...encodeCbor(value)];
        for (const [at, byte, kind] of mutations) {
          bytes.splice(
            at % (bytes.length + 1),
            kind === 'insert' ? 0 : 1,
            ...(kind === 'remove' ? [] : [byte]),
          );
        }
        const mutated = Uint8Array.from(bytes);
        expect(decodeCbor(mutated) !== undefined).toBe(isWhatReencodingGivesBack(mutated));
      }),
      { numRuns: 1_000 },
    );
  });

  it('has one encoding a value: accepted bytes encode to themselves', () => {
    fc.assert(
      fc.property(cbor, (value) => {
        const bytes = encodeCbor(value);
        expect(encodeCbor(decodeCbor(bytes)!)).toEqual(bytes);
      }),
    );
  });

  it('leaves the bytes that it reads as they are', () => {
    const frame = encodeCbor([1]);
    decodeCbor(frame);
    expect(Object.keys(frame)).toEqual(['0', '1']);
  });

  it.each([
    ['an array of indefinite length', '9f 01 ff'],
    ['bytes of indefinite length', '5f 41 00 ff'],
    ['text of indefinite length', '7f 61 61 ff'],
    ['a break alone', 'ff'],
    ['a number of 1 byte where none is needed', '18 17'],
    ['a number of 2 bytes where 1 is enough', '19 00ff'],
    ['a number of 4 bytes where 2 are enough', '1a 0000ffff'],
    ['a number of 8 bytes where 4 are enough', '1b 00000000ffffffff'],
    ['a length of 1 byte where none is needed', '58 01 00'],
    ['an array length of 1 byte where none is needed', '98 01 00'],
    ['2^53', '1b 0020000000000000'],
    ['2^64 − 1', '1b ffffffffffffffff'],
    ['a negative number', '20'],
    ['a half float', 'f9 3c00'],
    ['a float', 'fa 3f800000'],
    ['a double', 'fb 3ff0000000000000'],
    ['not a number', 'f9 7e00'],
    ['undefined', 'f7'],
    ['an unassigned simple value', 'f0'],
    ['false in two bytes', 'f8 14'],
    ['a map', 'a0'],
    ['a map with an entry', 'a1 01 02'],
    ['tag 0, a date', 'c0 60'],
    ['tag 2, a bignum', 'c2 41 01'],
    ['tag 28, a shared value', 'd8 1c 80'],
    ['tag 29, a reference to one', 'd8 1d 00'],
    ['a tag within an array', '81 d8 1c 80'],
    ['reserved additional information', '1c'],
    ['text with an overlong form', '62 c0af'],
    ['text with a surrogate', '63 eda080'],
    ['text above U+10FFFF', '64 f4908080'],
    ['text cut within a character', '61 c3'],
    ['text with a stray continuation', '61 80'],
    ['text that begins with a byte order mark', '63 efbbbf'],
    ['long text that begins with a byte order mark', `78 50 efbbbf ${'78'.repeat(77)}`],
    ['bytes cut short', '43 0102'],
    ['an array cut short', '82 01'],
    ['a head cut short', '19 01'],
    ['nothing', ''],
    ['two values', '01 02'],
    ['bytes of 4 GiB that are not there', '5a ffffffff'],
    ['an array of 2^53 − 1 that are not there', '9b 001fffffffffffff'],
    ['13 arrays in each other', `${'81'.repeat(13)} 00`],
    ['100,000 arrays in each other', '81'.repeat(100_000)],
  ])('refuses %s', (_, bytes) => {
    expect(isDeterministicCbor(hex(bytes))).toBe(false);
    expect(decodeCbor(hex(bytes))).toBeUndefined();
  });

  it.each([
    ['2^53 − 1', '1b 001fffffffffffff', Number.MAX_SAFE_INTEGER],
    ['2^32', '1b 0000000100000000', 2 ** 32],
    ['24', '18 18', 24],
    ['true', 'f5', true],
    ['false', 'f4', false],
    ['null', 'f6', null],
    ['an empty array', '80', []],
    ['text of 4-byte characters', '64 f09f9982', '🙂'],
    ['a byte order mark within text', '64 61efbbbf', 'a\ufeff'],
    ['text of the longest 3-byte characters', '66 ed9fbfefbfbf', '\ud7ff\uffff'],
    ['12 arrays in each other', `${'81'.repeat(11)} 80`, [[[[[[[[[[[[]]]]]]]]]]]]],
  ])('accepts %s', (_, bytes, value) => {
    expect(decodeCbor(hex(bytes))).toEqual(value);
    expect(encodeCbor(value)).toEqual(hex(bytes));
  });

  it.each([-1, 1.5, Number.NaN, Infinity, 2 ** 53, -(2 ** 31), '\ud800', 'a\udc00', '\ufeffa'])(
    'does not encode %j',
    (value) => {
      expect(() => encodeCbor([value])).toThrow(RangeError);
    },
  );

  it('hands out bytes that share nothing with the input', () => {
    const frame = encodeCbor([Uint8Array.of(1, 2, 3)]);
    const [bytes] = decodeCbor(frame) as [Uint8Array];
    frame.fill(0);
    expect(bytes).toEqual(Uint8Array.of(1, 2, 3));
    expect(bytes.buffer.byteLength).toBe(3);
  });
});
