import { describe, expect, it } from '@jest/globals';

import { RecentCache } from '../src/recent-cache.js';

const fill = (cache: RecentCache<number>, from: number, to: number) => {
  for (let i = from; i < to; i += 1) cache.set(String(i), i);
};

describe('RecentCache', () => {
  it('holds at most two generations, however many values come', () => {
    const cache = new RecentCache<number>(10);
    fill(cache, 0, 1_000);
    expect(cache.size).toBeLessThanOrEqual(20);
    expect(cache.get('999')).toBe(999);
    expect(cache.get('0')).toBeUndefined();
  });

  it('keeps a value through a whole generation of newer ones', () => {
    const cache = new RecentCache<number>(10);
    cache.set('kept', -1);
    fill(cache, 0, 10);
    expect(cache.get('kept')).toBe(-1);
  });

  it('keeps what is used while it drops what is not', () => {
    const cache = new RecentCache<number>(10);
    cache.set('used', -1);
    cache.set('unused', -2);
    for (let i = 0; i < 1_000; i += 1) {
      cache.set(String(i), i);
      expect(cache.get('used')).toBe(-1);
    }
    expect(cache.get('unused')).toBeUndefined();
  });

  it('counts a value once, in whichever generation it is', () => {
    const cache = new RecentCache<number>(2);
    cache.set('a', 1);
    cache.set('b', 2);
    cache.get('a');
    expect(cache.size).toBe(2);
  });
});
