import { describe, expect, it } from '@jest/globals';

import { ReceiveWindow } from '../src/mux/receive-window.js';

const bytes = 1000;

function windowOf(roundTripMs: number | undefined, budget = { leftBytes: 10_000 }): ReceiveWindow {
  return new ReceiveWindow({ bytes, bytesMax: 3500, budget, roundTripMs: () => roundTripMs }, 0);
}

/** What a peer may send after each half window that was used up in so many milliseconds. */
function roomAfter(window: ReceiveWindow, eachMs: number, times: number): number[] {
  const rooms: number[] = [];
  let room = bytes;
  for (let i = 1; i <= times; i += 1) {
    while (!window.isRoomDue) {
      expect(window.arrived(1)).toBe(true);
      window.consumed(1);
      room -= 1;
    }
    room += window.give(i * eachMs);
    rooms.push(room);
  }
  return rooms;
}

describe('a receive window', () => {
  it('doubles up to its bound while half of it is used up within two round trips', () => {
    expect(roomAfter(windowOf(50), 100, 4)).toEqual([2000, 3500, 3500, 3500]);
  });

  it.each([
    ['its reader takes longer', 50, 101],
    ['nobody knows the round trip yet', undefined, 1],
  ])('stays as it is where %s', (_why, roundTripMs, eachMs) => {
    expect(roomAfter(windowOf(roundTripMs), eachMs, 4)).toEqual([1000, 1000, 1000, 1000]);
  });

  it('stays as it is where a reader who seldom comes empties it piece by piece', () => {
    const window = windowOf(50);
    for (let nowMs = 10_000, room = bytes; nowMs < 100_000; nowMs += 10_000) {
      const unread = room;
      expect(window.arrived(unread)).toBe(true);
      room = 0;
      for (let read = 0; read < unread; read += 1) {
        window.consumed(1);
        if (window.isRoomDue) room += window.give(nowMs);
      }
      expect(room).toBeLessThanOrEqual(bytes);
    }
  });

  it('grows by no more than is left for all, and gives it back', () => {
    const budget = { leftBytes: 1500 };
    const [first, second] = [windowOf(50, budget), windowOf(50, budget)];
    expect(roomAfter(first, 1, 3)).toEqual([2000, 2500, 2500]);
    expect(roomAfter(second, 1, 2)).toEqual([1000, 1000]);
    first.release();
    first.release();
    expect(budget).toEqual({ leftBytes: 1500 });
    expect(roomAfter(second, 1, 2)).toEqual([2000, 2500]);
  });

  it('takes what it was opened for, and no byte more', () => {
    const window = windowOf(50);
    expect(window.arrived(bytes)).toBe(true);
    expect(window.arrived(1)).toBe(false);
    expect(window.isRoomDue).toBe(false);
    window.consumed(bytes);
    window.give(1);
    expect(window.arrived(2 * bytes)).toBe(true);
    expect(window.arrived(1)).toBe(false);
  });
});
