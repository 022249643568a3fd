// A sketch that goes on, in a topic so large that a look at all of it costs more than one message.

import { describe, expect, it } from '@jest/globals';
import { keyPair, logOf, TOPIC } from '../fixtures.js';
import { exchange, round, Side } from '../side.js';

const logs = Array.from({ length: 120 }, (_, index) => logOf(keyPair(2_000 + index), 3));
const without = (from: number, to: number) =>
  logs.flatMap((log, index) => (index >= from && index < to ? log.slice(0, 2) : log));

describe('two sides that hold as many entries, and others', () => {
  it('agree by sketches', () => {
    const limits = { idsPerFilterMax: 180 }; // 330 entries: as 120,000 are to the default
    const a = new Side({ index: 1, entries: without(0, 30), limits });
    const b = new Side({ index: 2, entries: without(30, 60), limits });
    exchange(a, b);
    for (let turn = 0; turn < 3 && a.root() !== b.root(); turn++) round(a, b);
    expect(a.root()).toBe(b.root());
    expect(a.gossip.sessions(TOPIC)[0]).toMatchObject({ strategy: 'sketch' });
  });
});
