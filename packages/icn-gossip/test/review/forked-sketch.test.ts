// A branch of a log of which the learner holds a head that the teller has too.

import { describe, expect, it } from '@jest/globals';
import { keyPair, logOf } from '../fixtures.js';
import { costOf, exchange, round, Side } from '../side.js';

const others = Array.from({ length: 60 }, (_, index) => logOf(keyPair(1_000 + index), 1)).flat();
const author = keyPair(900);

describe('a branch that a sketch showed', () => {
  it.each([
    [19, 2],
    [2, 20],
    [29, 5],
  ])('is found beside a trunk that no one answer holds: after entry %d, of %d entries', (at, length) => {
    const trunk = logOf(author, 30);
    const branch = logOf(author, length, trunk[at]!.name, 'branch');
    const limits = { responseEntriesMax: 10 };
    const a = new Side({ index: 1, entries: [...others, ...trunk], limits });
    const b = new Side({ index: 2, entries: [...others, ...trunk, ...branch], limits });
    exchange(a, b);
    for (let turn = 0; turn < 3 && a.root() !== b.root(); turn++) round(a, b);
    expect(a.root()).toBe(b.root());
  });

  it('is not sought from the beginning of its log', () => {
    const trunk = logOf(author, 30);
    const branch = logOf(author, 2, trunk[19]!.name, 'branch');
    const a = new Side({ index: 1, entries: [...others, ...trunk] });
    const b = new Side({ index: 2, entries: [...others, ...trunk, ...branch] });
    const said = exchange(a, b);
    expect(a.root()).toBe(b.root());
    expect(costOf(said).moved.length).toBeLessThan(20);
  });

  it('comes with its log where nothing of that is held', () => {
    const trunk = logOf(author, 30);
    const branch = logOf(author, 2, trunk[19]!.name, 'branch');
    const a = new Side({ index: 1, entries: others });
    const b = new Side({ index: 2, entries: [...others, ...trunk, ...branch] });
    expect(costOf(exchange(a, b)).moved.length).toBe(32);
    expect(a.root()).toBe(b.root());
  });

  // Found by a world of 1,000 nodes (seed 10): the other branch ended at the very seq of the head that was lacking.
  it('is found above what is held of it, however long the other branch is', () => {
    const trunk = logOf(author, 3);
    for (let otherLength = 1; otherLength <= 4; otherLength++) {
      const other = logOf(author, otherLength, trunk.at(-1)!.name, 'other');
      for (let length = 1; length <= 4; length++) {
        const branch = logOf(author, length, trunk.at(-1)!.name, 'branch');
        for (let held = 0; held < length; held++) {
          const both = [...others, ...trunk, ...other];
          const a = new Side({ index: 1, entries: [...both, ...branch.slice(0, held)] });
          const b = new Side({ index: 2, entries: [...both, ...branch] });
          exchange(a, b);
          for (let turn = 0; turn < 3 && a.root() !== b.root(); turn++) round(a, b);
          expect([otherLength, length, held, a.root()]).toEqual([otherLength, length, held, b.root()]);
        }
      }
    }
  });
});
