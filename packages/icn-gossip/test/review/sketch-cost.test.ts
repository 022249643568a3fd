import { expect, it } from '@jest/globals';
import { codedSymbols, SketchDecoder } from '../../src/repair/sketch.js';
import { seededNumbers } from '../fixtures.js';

/** A set that counts how often somebody goes through all of it. */
class Watched extends Set<bigint> {
  passCount = 0;

  override [Symbol.iterator](): SetIterator<bigint> {
    this.passCount++;
    return super[Symbol.iterator]();
  }
}

it('200 items that were replaced by others are found by a few trials of all, not one for each', () => {
  const draw = seededNumbers(1);
  const word = () => BigInt(Math.floor(draw() * 2 ** 32));
  const drawItems = (count: number) => Array.from({ length: count }, () => (word() << 32n) | word());
  const own = new Watched();
  for (const item of drawItems(1_000)) own.add(item);
  const theirs = [...own].slice(200).concat(drawItems(200));
  const decoder = new SketchDecoder(own);
  own.passCount = 0;
  const difference = decoder.add(codedSymbols(theirs, 0, 480));
  expect([difference?.ours.length, difference?.theirs.length]).toEqual([200, 200]);
  expect(own.passCount).toBeLessThanOrEqual(10);
});
