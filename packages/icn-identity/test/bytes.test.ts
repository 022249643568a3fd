import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { compareBytes, concatBytes, equalBytes, fromHex, toHex } from '../src/bytes.js';

const bytesOf = (...values: number[]) => Uint8Array.from(values);

describe('hexadecimal', () => {
  it('writes two lower-case digits a byte', () => {
    expect(toHex(bytesOf(0, 10, 255))).toBe('000aff');
    expect(toHex(bytesOf())).toBe('');
  });

  it('reads back what it wrote', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => expect(fromHex(toHex(bytes))).toEqual(bytes)));
  });

  it.each(['0', '0A', 'zz', ' 00', '00\n', '0x00', '0.', '-1', '٠٠'])('refuses %j', (text) => {
    expect(() => fromHex(text)).toThrow(expect.objectContaining({ code: 'hex-invalid' }));
  });
});

describe('concatBytes', () => {
  it('joins parts in order into an array of its own', () => {
    const part = bytesOf(1, 2);
    const whole = concatBytes(part, bytesOf(), bytesOf(3));
    part[0] = 9;
    expect(whole).toEqual(bytesOf(1, 2, 3));
    expect(concatBytes()).toEqual(bytesOf());
  });
});

describe('compareBytes', () => {
  it.each([
    [bytesOf(), bytesOf(0)],
    [bytesOf(1, 255), bytesOf(2)],
    [bytesOf(127), bytesOf(128)],
    [bytesOf(1, 2), bytesOf(1, 2, 0)],
  ])('puts %j before %j', (first, second) => {
    expect(compareBytes(first, second)).toBeLessThan(0);
    expect(compareBytes(second, first)).toBeGreaterThan(0);
  });

  it('orders as the hexadecimal texts are ordered, and agrees with equalBytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
        const texts = [toHex(a), toHex(b)] as const;
        expect(Math.sign(compareBytes(a, b))).toBe(Number(texts[0] > texts[1]) - Number(texts[0] < texts[1]));
        expect(equalBytes(a, b)).toBe(texts[0] === texts[1]);
        expect(equalBytes(a, a.slice())).toBe(true);
      }),
    );
  });
});
