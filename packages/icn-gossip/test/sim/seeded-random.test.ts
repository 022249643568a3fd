import { describe, expect, it } from '@jest/globals';
import { drawMs, SeededRandom } from '../../src/sim/index.js';

describe('SeededRandom', () => {
  const numbers = (random: SeededRandom) => Array.from({ length: 20 }, () => random.uint32());

  it('gives equal numbers for equal seeds, and others for others', () => {
    expect(numbers(new SeededRandom(7))).toEqual(numbers(new SeededRandom(7)));
    expect(numbers(new SeededRandom(7))).not.toEqual(numbers(new SeededRandom(8)));
    expect(new Set(Array.from({ length: 2_000 }, (_, seed) => new SeededRandom(seed).uint32())).size).toBe(
      2_000,
    );
  });

  it('keeps its numbers for ever: seeds of old failures must stay good', () => {
    expect(numbers(new SeededRandom(1)).slice(0, 3)).toEqual([1_937_138_607, 786_784_001, 801_535_147]);
  });

  it('forks what no draw elsewhere shifts', () => {
    const [calm, busy] = [new SeededRandom(1), new SeededRandom(1)];
    numbers(busy);
    numbers(busy.fork('other'));
    expect(numbers(busy.fork('wire'))).toEqual(numbers(calm.fork('wire')));
    expect(numbers(calm.fork('wire'))).not.toEqual(numbers(calm.fork('disk')));
    expect(numbers(calm.fork('a').fork('b'))).not.toEqual(numbers(calm.fork('b').fork('a')));
  });

  it('draws evenly, within its bounds', () => {
    const random = new SeededRandom(3);
    const counts = [0, 0, 0, 0];
    for (let draw = 0; draw < 40_000; draw++) counts[random.below(4)]!++;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400);
    const shares = Array.from({ length: 10_000 }, () => random.chance(0.3)).filter(Boolean).length;
    expect(Math.abs(shares - 3_000)).toBeLessThan(200);
    expect([random.chance(0), random.chance(1)]).toEqual([false, true]);
    expect(new Set(random.shuffled([1, 2, 3, 4, 5])).size).toBe(5);
    expect(new Set(random.sample([1, 2, 3, 4, 5], 3)).size).toBe(3);
    expect(random.bytes(7)).toHaveLength(7);
    expect(() => random.pick([])).toThrow(RangeError);
  });

  it('draws times of a distribution', () => {
    const random = new SeededRandom(4);
    expect(drawMs({ type: 'fixed', ms: 5 }, random)).toBe(5);
    const uniform = Array.from({ length: 1_000 }, () =>
      drawMs({ type: 'uniform', minMs: 10, maxMs: 20 }, random),
    );
    expect(Math.min(...uniform)).toBeGreaterThanOrEqual(10);
    expect(Math.max(...uniform)).toBeLessThan(20);
    const lognormal = Array.from({ length: 9_999 }, () =>
      drawMs({ type: 'lognormal', medianMs: 30, sigma: 0.6 }, random),
    ).toSorted((a, b) => a - b);
    expect(Math.abs(lognormal[5_000]! - 30)).toBeLessThan(1);
    expect(lognormal[0]).toBeGreaterThan(0);
  });
});
