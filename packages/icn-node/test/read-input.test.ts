import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readLines } from '../src/control/read-input.js';

async function groupsOf(
  chunks: readonly Uint8Array[],
  { lineBytesMax = 1_000, togetherMax = 1_000 } = {},
): Promise<string[][]> {
  async function* source() {
    yield* chunks;
  }
  const groups: string[][] = [];
  for await (const lines of readLines(source(), { lineBytesMax, togetherMax }))
    groups.push(lines.map((line) => Buffer.from(line).toString('latin1')));
  return groups;
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
        expect((await groupsOf(chunks)).flat()).toEqual(expected);
      }),
    );
  });

  it('cuts a line at its bound and goes on with the next', async () => {
    const cut = { lineBytesMax: 4 };
    expect(await groupsOf([Buffer.from('123456789\nabc\n')], cut)).toEqual([['1234', 'abc']]);
    expect(await groupsOf([Buffer.from('1234'), Buffer.from('56789\nabc')], cut)).toEqual([
      ['1234'],
      ['abc'],
    ]);
  });

  it('gives lines together that came together, and not too many at once', async () => {
    const chunks = ['a\nb\nc', 'd\n', 'e', 'f\n\ng'].map((text) => Buffer.from(text));
    expect(await groupsOf(chunks)).toEqual([['a', 'b'], ['cd'], ['ef', ''], ['g']]);
    expect(await groupsOf(chunks, { togetherMax: 1 })).toEqual([['a'], ['b'], ['cd'], ['ef'], [''], ['g']]);
  });
});
