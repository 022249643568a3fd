import { describe, expect, it } from '@jest/globals';

import { ReceiveWindow } from '../src/mux/receive-window.js';

const bytes = 1000;

function windowOf(roundTripMs: number | undefined): ReceiveWindow {
  return new ReceiveWindow({ bytes, bytesMax: 3500, roundTripMs: () => roundTripMs }, 0);
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
