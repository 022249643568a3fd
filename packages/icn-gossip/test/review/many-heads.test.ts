// A log with very many heads: what one small request can make a node do.

import { describe, expect, it } from '@jest/globals';
import { headHash } from '../../src/repair/head-hash.js';
import { entriesOfAskedHeads } from '../../src/pull/asked-heads.js';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import { TopicState } from '../../src/topic/topic-state.js';
import { did, NETWORK, TOPIC } from '../fixtures.js';
import type { EntryId } from '../../src/entry/entry-name.js';

const HEADS = 2_000;
const idOf = (number: number) => number.toString(16).padStart(64, '0') as EntryId;

/** One log of the second lane, which nothing closes: a root and so many children of it. */
function forkedState(): TopicState {
  const state = new TopicState(TOPIC, NETWORK, DEFAULT_LIMITS);
  const accept = (seq: number, id: EntryId, prev: EntryId | null) =>
    state.accept({ name: { author: did(9), lane: 1, seq, id }, prev, deps: [] }, 0);
  accept(1, idOf(1), null);
  for (let number = 2; number < 2 + HEADS; number++) accept(2, idOf(number), idOf(1));
  return state;
}

describe('a request for all heads but one of a log that has thousands', () => {
  it('hashes each id once, whatever it names besides', () => {
    const state = forkedState();
    const hash = headHash(7n, 7);
    const wants = Array.from({ length: HEADS - 1 }, (_, index) => hash(idOf(index + 2)));
    let hashedCount = 0;
    const counted = (id: EntryId) => {
      hashedCount++;
      return hash(id);
    };
    const answer = [...entriesOfAskedHeads(state, { roundId: 7, wants, haves: [1n] }, counted)];
    expect(answer.length).toBe(HEADS - 1);
    expect(hashedCount).toBeLessThanOrEqual(HEADS + 1);
  });
});
