// What an idle pair says where logs are closed; and closings too many for one message.

import { describe, expect, it } from '@jest/globals';
import { entryOf, keyPair } from '../fixtures.js';
import { exchange, round, Side } from '../side.js';

const siblings = Array.from({ length: 9 }, (_, index) =>
  entryOf({ author: keyPair(900), payload: `${index}` }),
);

describe('a closed log', () => {
  it('costs an idle pair nothing: equal roots say that both hold it closed', () => {
    const [a, b] = [new Side({ index: 1 }), new Side({ index: 2 })];
    for (const side of [a, b]) side.hold(...siblings);
    exchange(a, b);
    for (const [asker, other] of [
      [a, b],
      [b, a],
      [a, b],
    ] as const) {
      const said = round(asker, other);
      expect(said.map(({ message }) => message.type)).toEqual(['AntiEntropy', 'AntiEntropy']);
    }
  });

  it.each([1, 2])('is told of where only node %d holds it closed', (closer) => {
    const [a, b] = [new Side({ index: 1 }), new Side({ index: 2 })];
    (closer === 1 ? a : b).hold(...siblings);
    exchange(a, b);
    for (let turn = 0; turn < 2 && a.root() !== b.root(); turn++) round(a, b);
    expect(a.root()).toBe(b.root());
  });
});
