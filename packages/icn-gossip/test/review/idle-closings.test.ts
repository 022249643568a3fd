// What an idle pair says where logs are closed; and closings too many for one message.

import { describe, expect, it } from '@jest/globals';
import { CLOSED_MAX } from '../../src/repair/teller.js';
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

it('of closed logs too many for one message others are told in later rounds', () => {
  const [a, b] = [1, 2].map((index) => new Side({ index, verifySignature: () => true })) as [Side, Side];
  const authors = Array.from({ length: CLOSED_MAX + 40 }, (_, index) => keyPair(20_000 + index));
  const entries = authors.map((author) =>
    Array.from({ length: 9 }, (_, index) => entryOf({ author, payload: `${index}` })),
  );
  for (const nine of entries) b.hold(...nine);
  for (const nine of entries.slice(0, CLOSED_MAX)) a.hold(...nine);
  exchange(a, b);
  for (let turn = 0; turn < 20 && a.root() !== b.root(); turn++) {
    round(a, b);
    round(b, a);
  }
  expect(a.root()).toBe(b.root());
});
