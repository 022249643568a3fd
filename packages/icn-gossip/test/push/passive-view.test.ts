import { describe, expect, it } from '@jest/globals';
import { limitsWith } from '../../src/limits.js';
import { PassiveView } from '../../src/push/passive-view.js';
import { did, seededBytes } from '../fixtures.js';

const limits = limitsWith({ passiveViewMax: 3, neighborRetryMs: 1_000 });

function viewOf(proven: readonly number[], hearsay: readonly number[] = []): PassiveView {
  const view = new PassiveView(limits, seededBytes(1));
  for (const peer of proven) view.add(did(peer), true);
  for (const peer of hearsay) view.add(did(peer), false);
  return view;
}

describe('PassiveView', () => {
  it('holds at most passiveViewMax, and says what is news', () => {
    const view = viewOf([], [1, 2, 3]);
    expect(view.add(did(3), false)).toBe(false);
    expect(view.add(did(4), false)).toBe(true);
    expect([view.size, view.has(did(4))]).toEqual([3, true]);
  });

  it('lets no hearsay drive out a peer that was met', () => {
    const view = viewOf([1, 2], [3]);
    view.add(did(4), false);
    expect([1, 2, 3, 4].map((peer) => view.has(did(peer)))).toEqual([true, true, false, true]);
    view.add(did(5), true);
    expect(view.add(did(6), false)).toBe(false);
    expect(view.has(did(6))).toBe(false);
  });

  it('forgets hearsay out of reach; a peer that was met is tried ever more rarely', () => {
    const view = viewOf([1], [2]);
    for (let failure = 0; failure < 3; failure++) {
      view.failed(did(1), 0);
      view.failed(did(2), 0);
    }
    expect([view.has(did(1)), view.has(did(2)), view.dueAtMs]).toEqual([true, false, 4_000]);
    expect([view.drawDue(3_999), view.drawDue(4_000)]).toEqual([undefined, did(1)]);
    for (let failure = 0; failure < 20; failure++) view.failed(did(1), 0);
    expect(view.dueAtMs).toBe(32_000);
  });

  it('counts a peer that failed often no more than hearsay', () => {
    const view = viewOf([1, 2, 3]);
    for (let failure = 0; failure < 3; failure++) view.failed(did(2), 0);
    expect(view.add(did(4), false)).toBe(true);
    expect([1, 2, 3].map((peer) => view.has(did(peer)))).toEqual([true, false, true]);
  });
});
