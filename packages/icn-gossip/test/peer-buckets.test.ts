import { describe, expect, it } from '@jest/globals';
import { PeerBuckets } from '../src/bounds/peer-buckets.js';
import { did } from './fixtures.js';

describe('buckets of peers', () => {
  it('are one for each, also while it is away', () => {
    const buckets = new PeerBuckets(1, 1);
    expect(buckets.of(did(1), 0).take(1, 0)).toBe(true);
    expect(buckets.of(did(1), 0).take(1, 0)).toBe(false);
    expect(buckets.of(did(2), 0).take(1, 0)).toBe(true);
    expect(buckets.of(did(1), 1_000).take(1, 1_000)).toBe(true);
  });

  it('are kept of 1,024 peers: that of who was away longest makes room', () => {
    const buckets = new PeerBuckets(1, 1);
    for (let index = 0; index < 1_024; index++) buckets.of(did(index), 0).take(1, 0);
    buckets.of(did(0), 0);
    buckets.of(did(5_000), 0);
    const isEmpty = (index: number) => !buckets.of(did(index), 0).take(1, 0);
    expect([0, 5, 1].map(isEmpty)).toEqual([true, true, false]);
  });
});
