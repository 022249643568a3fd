import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readLines } from '../src/control/read-input.js';

async function linesOf(chunks: readonly Uint8Array[], lineBytesMax = 1_000): Promise<string[]> {
  async function* source() {
    yield* chunks;
  }
  const lines: string[] = [];
  for await (const line of readLines(source(), lineBytesMax))
    lines.push(Buffer.from(line).toString('latin1'));
  return lines;
}

describe('readLines', () => {
  it('gives the same lines however the bytes are cut into chunks', async () => {
    const cuts = fc.array(fc.nat(60), { maxLength: 6 });
    const text = fc.array(fc.constantFrom('a', 'b', '\n'), { maxLength: 60 }).map((chars) => chars.join(''));
    await fc.assert(
      fc.asyncProperty(text, cuts, async (whole, positions) => {
        const bytes = Buffer.from(whole);
        const bounds = [
          0,
          ...positions.filter((cut) => cut < bytes.length).sort((a, b) => a - b),
          bytes.length,
        ];
        const chunks = bounds.slice(1).map((end, index) => bytes.subarray(bounds[index], end));
        const expected = whole.split('\n');
        if (expected.at(-1) === '') expected.pop();
        expect(await linesOf(chunks)).toEqual(expected);
      }),
    );
  });

  it('cuts a line at its bound and goes on with the next', async () => {
    expect(await linesOf([Buffer.from('123456789\nabc\n')], 4)).toEqual(['1234', 'abc']);
    expect(await linesOf([Buffer.from('1234'), Buffer.from('56789\nabc')], 4)).toEqual(['1234', 'abc']);
  });
});
