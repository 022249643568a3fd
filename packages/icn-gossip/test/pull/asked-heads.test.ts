import { describe, expect, it } from '@jest/globals';
import type { VerifiedEntry } from '../../src/entry/entry.js';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import { entriesOfAskedHeads } from '../../src/pull/asked-heads.js';
import { headHash } from '../../src/repair/head-hash.js';
import { SketchLearner } from '../../src/repair/sketch-learner.js';
import { codedSymbols } from '../../src/repair/sketch.js';
import { TopicState } from '../../src/topic/topic-state.js';
import { keyPair, linksOf, logOf, NETWORK, TOPIC } from '../fixtures.js';

const hash = headHash(42n, 6);
const one = logOf(keyPair(1_000), 10);
const two = logOf(keyPair(1_001), 10);
const branch = logOf(keyPair(1_000), 3, one[4]!.name, 'branch'); // leaves log one after its fifth entry

function stateOf(...entries: readonly VerifiedEntry[]): TopicState {
  const state = new TopicState(TOPIC, NETWORK, DEFAULT_LIMITS);
  for (const entry of entries) state.accept(linksOf(entry), 0);
  return state;
}

const idsOf = (entries: readonly VerifiedEntry[]) => entries.map(({ name }) => name.id);
const hashes = (...entries: readonly VerifiedEntry[]) => entries.map(({ name }) => hash(name.id));

describe('what leads to the heads that were asked for', () => {
  const answer = (state: TopicState, wants: readonly bigint[], haves: readonly bigint[]) => [
    ...entriesOfAskedHeads(state, { roundId: 6, wants, haves }, hash),
  ];

  it('is the whole log where nothing of it is held', () => {
    expect(answer(stateOf(...one, ...two), hashes(one[9]!), [])).toEqual(idsOf(one));
  });

  it('is all above what is held, for each log for itself', () => {
    const state = stateOf(...one, ...two);
    expect(answer(state, hashes(one[9]!, two[9]!), hashes(two[7]!, one[3]!))).toEqual([
      ...idsOf(one.slice(4)),
      ...idsOf(two.slice(8)),
    ]);
  });

  it('is the head alone while what is held lies nowhere: it may be a branch of that very log', () => {
    const state = stateOf(...one, ...two);
    expect(answer(state, hashes(one[9]!), [7n])).toEqual(idsOf(one.slice(9)));
    expect(answer(state, hashes(one[9]!, two[9]!), hashes(two[7]!).concat(7n))).toEqual([
      ...idsOf(one.slice(9)),
      ...idsOf(two.slice(8)),
    ]);
  });

  it('is the first entry of a log in any case: below it there is no branch', () => {
    expect(answer(stateOf(one[0]!), hashes(one[0]!), [7n])).toEqual(idsOf(one.slice(0, 1)));
  });

  it('is nothing for what is no head here, and for no wants', () => {
    const state = stateOf(...one);
    expect([
      answer(state, hashes(one[3]!), []),
      answer(state, [7n], []),
      answer(state, [], hashes(one[3]!)),
    ]).toEqual([[], [], []]);
  });

  it('has every branch at the seqs above what is held', () => {
    const ids = answer(stateOf(...one, ...branch), hashes(branch[2]!), hashes(one[5]!));
    expect(ids).toEqual([one[6]!, branch[1]!, one[7]!, branch[2]!].map(({ name }) => name.id));
  });
});

describe('what a sketch shows', () => {
  function learn(ours: TopicState, theirs: readonly bigint[]) {
    const learner = new SketchLearner(ours, hash, 6);
    return learner.take(codedSymbols(theirs, 0, 40));
  }

  it('is nothing for equal heads', () => {
    expect(learn(stateOf(...one, ...two), hashes(one[9]!, two[9]!))).toEqual({ wants: [], oursOnly: [] });
  });

  it('is a head to ask for by its hash, beside what is held of the log that differs', () => {
    const ours = stateOf(...one.slice(0, 6), ...two);
    const { wants, oursOnly } = learn(ours, hashes(one[9]!, two[9]!))!;
    expect(wants).toMatchObject([{ type: 'head', hash: hash(one[9]!.name.id), round: { roundId: 6 } }]);
    expect(oursOnly).toEqual([one[5]!.name]);
    const [want] = wants;
    expect(want?.type === 'head' && [...want.round.logs].map(({ topId }) => topId)).toEqual([
      one[5]!.name.id,
    ]);
  });

  it('is nothing to ask for where the head lies below our own', () => {
    const { wants, oursOnly } = learn(stateOf(...one, ...two), hashes(one[3]!, two[9]!))!;
    expect([wants, oursOnly]).toEqual([[], [one[9]!.name]]);
  });

  it('is the holes below, where the head is parked', () => {
    const ours = stateOf(...one.slice(0, 4), ...one.slice(6), ...two);
    const { wants } = learn(ours, hashes(one[9]!, two[9]!))!;
    expect(wants).toEqual([{ type: 'range', author: keyPair(1_000).did, lane: 0, to: 10 }]);
  });

  it('is the holes below, where all that is held of a log is parked', () => {
    const { wants } = learn(stateOf(...one.slice(6), ...two), hashes(one[9]!, two[9]!))!;
    expect(wants).toEqual([{ type: 'range', author: keyPair(1_000).did, lane: 0, to: 10 }]);
  });

  it('is not known from too few symbols, and then goes on', () => {
    const learner = new SketchLearner(stateOf(...one), hash, 6);
    expect(learner.take(codedSymbols(hashes(two[9]!), 0, 1))).toBeUndefined();
    expect(learner.symbolCount).toBe(1);
    expect(learner.take(codedSymbols(hashes(two[9]!), 1, 20))).toMatchObject({ oursOnly: [one[9]!.name] });
  });
});
