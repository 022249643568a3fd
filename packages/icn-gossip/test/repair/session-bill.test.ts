import { describe, expect, it } from '@jest/globals';
import { boundBytes, SessionBills } from '../../src/repair/session-bill.js';
import { did, TOPIC } from '../fixtures.js';

/** ⌈log2 C(n, k) / 8⌉, exactly. */
function exactBytes(n: number, k: number): number {
  let ways = 1n;
  for (let index = 1; index <= k; index++) ways = (ways * BigInt(n - k + index)) / BigInt(index);
  const bits = ways === 1n ? 0 : (ways - 1n).toString(2).length;
  return Math.ceil(bits / 8);
}

describe('boundBytes', () => {
  it('is the logarithm of the ways to choose the difference: to the byte for all small cases', () => {
    for (let n = 0; n <= 200; n++)
      for (let k = 0; k <= n; k++) expect([n, k, boundBytes(n, k)]).toEqual([n, k, exactBytes(n, k)]);
  });

  it.each([
    [1_000, 10],
    [10_000, 1],
    [10_000, 100],
    [10_000, 1_000],
    [100_000, 50],
  ])('for %d entries of which %d differ', (n, k) => {
    expect(Math.abs(boundBytes(n, k) - exactBytes(n, k))).toBeLessThanOrEqual(1);
  });

  it('is nothing where nothing differs, or all', () => {
    expect([boundBytes(0, 0), boundBytes(1_000, 0), boundBytes(9, 9), boundBytes(3, 9)]).toEqual([
      0, 0, 0, 0,
    ]);
  });
});

describe('the bills', () => {
  const bill = { peer: did(1), topic: TOPIC, role: 'asked', startedAtMs: 5, heldCount: 100 } as const;

  it('are the last 64, the oldest first', () => {
    const bills = new SessionBills();
    for (let startedAtMs = 0; startedAtMs < 100; startedAtMs++) bills.open({ ...bill, startedAtMs });
    expect(bills.list().map(({ startedAtMs }) => startedAtMs)).toEqual(
      Array.from({ length: 64 }, (_, index) => 36 + index),
    );
  });

  it('count as different what was received and what was sent', () => {
    const bills = new SessionBills();
    const open = bills.open(bill);
    open.entriesReceived = 3;
    open.entriesSent = 1;
    expect(bills.list()).toMatchObject([{ differenceCount: 4, boundBytes: boundBytes(100, 4) }]);
  });

  it('are copies: who reads them changes none', () => {
    const bills = new SessionBills();
    bills.open(bill);
    Object.assign(bills.list()[0]!, { outcome: 'equal' });
    expect(bills.list()).toMatchObject([{ outcome: 'under-way' }]);
  });
});
