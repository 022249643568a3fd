// Peers that hold on to what is given to each in turn: found by a hostile review, each with the events that showed it.

import { describe, expect, it } from '@jest/globals';
import { sha256, toHex } from '@icn/identity';
import { Counters } from '../../src/bounds/counters.js';
import { PeerQuota } from '../../src/bounds/peer-quota.js';
import type { DropName } from '../../src/drops.js';
import type { EntryLinks } from '../../src/entry/entry-header.js';
import type { EntryId } from '../../src/entry/entry-name.js';
import { DEFAULT_LIMITS, type GossipLimits } from '../../src/limits.js';
import type { HeadRound, Want } from '../../src/pull/want.js';
import { WantList } from '../../src/pull/want-list.js';
import { headHash } from '../../src/repair/head-hash.js';
import { wantOf } from '../../src/repair/summaries.js';
import { TopicState } from '../../src/topic/topic-state.js';
import { did, entryOf, keyPair, NETWORK, text, TOPIC } from '../fixtures.js';
import { eager, ME, Subject } from '../subject.js';

const LIAR = did(2);
const HONEST = did(3);
const AUTHOR = did(1_000);

function stateOf(limits: Partial<GossipLimits> = {}): TopicState {
  return new TopicState(TOPIC, NETWORK, { ...DEFAULT_LIMITS, ...limits });
}

function listOf(state: TopicState, counters = new Counters<DropName>()): WantList {
  return new WantList(state, { limits: DEFAULT_LIMITS, wantQuota: new PeerQuota(10_000), counters });
}

/** Of a log all that linking needs. */
function linksAt(seq: number): EntryLinks {
  const idOf = (at: number) => toHex(sha256(text(`${at}`))) as EntryId;
  return {
    name: { author: AUTHOR, lane: 0, seq, id: idOf(seq) },
    prev: seq === 1 ? null : idOf(seq - 1),
    deps: [],
  };
}

describe('the turn of a sketch', () => {
  const roundOf = (roundId: number): HeadRound => ({
    roundId,
    hash: headHash(BigInt(roundId), roundId),
    logs: new Set(),
  });
  const head = (round: HeadRound, hash: bigint): Want => ({ type: 'head', hash, round });

  it('keeps the heads of another waiting, which says so, and ends though its heads never come', () => {
    const counters = new Counters<DropName>();
    const list = listOf(stateOf(), counters);
    const [forged, honest] = [roundOf(1), roundOf(2)];
    expect(list.add(head(forged, 1n), LIAR)).toBe(true);
    for (let nowMs = 0; nowMs < DEFAULT_LIMITS.pullTimeoutMs; nowMs += 1_000) {
      const { requestId } = list.ask(LIAR, nowMs)!;
      expect(list.add(head(honest, 2n), HONEST)).toBe(false);
      list.settle(requestId, { more: true, hasNews: true, linkedUpTo: 0, names: [] });
    }
    expect(counters.snapshot()).toEqual({ 'heads-waiting': 5 });
    list.ask(LIAR, DEFAULT_LIMITS.pullTimeoutMs);
    expect(list.add(head(honest, 2n), HONEST)).toBe(true);
    expect(list.ask(HONEST, DEFAULT_LIMITS.pullTimeoutMs)?.heads?.wants).toEqual([2n]);
  });

  it('passes on at once where nothing of it is wanted any more', () => {
    const list = listOf(stateOf());
    const [first, second] = [roundOf(1), roundOf(2)];
    list.add(head(first, 1n), LIAR);
    list.dropPeer(LIAR);
    expect(list.add(head(second, 2n), HONEST)).toBe(true);
  });
});

describe('a peer that was silent', () => {
  const range: Want = { type: 'range', author: AUTHOR, lane: 0, to: 1_000_000 };

  it('is asked for a log that others hold, too, only once they are silent as well', () => {
    const list = listOf(stateOf());
    for (const peer of [LIAR, HONEST]) list.add(range, peer);
    expect(list.ask(LIAR, 0)?.ranges[0]).toMatchObject({ from: 1, to: 256 });
    list.expire(DEFAULT_LIMITS.pullTimeoutMs);
    list.add(range, LIAR);
    expect(list.ask(LIAR, 6_000)).toBeUndefined();
    // Who answers is not held back to what is shared with the silent one.
    expect(list.ask(HONEST, 6_000)?.ranges[0]).toMatchObject({ from: 1, to: 1_000_000 });
    list.expire(20_000);
    for (const peer of [LIAR, HONEST]) list.add(range, peer);
    expect(list.ask(LIAR, 20_000)).toBeDefined();
  });

  it('is asked like all others once it brought something', () => {
    const list = listOf(stateOf());
    for (const peer of [LIAR, HONEST]) list.add(range, peer);
    const { requestId } = list.ask(LIAR, 0)!;
    list.expire(DEFAULT_LIMITS.pullTimeoutMs);
    list.settle(requestId, { more: false, hasNews: true, linkedUpTo: 0, names: [] });
    list.add(range, LIAR);
    expect(list.ask(LIAR, 6_000)).toBeDefined();
  });
});

describe('what is parked', () => {
  it('is within its bound after a restart, too, though the disk has more of it', () => {
    const state = stateOf({ parkedPerLogMax: 10 });
    for (let seq = 100; seq > 1; seq--) state.restore(linksAt(seq), undefined);
    state.settle(0);
    expect(state.counts.parked).toBe(10);
    expect(state.takeNews().evictedCount).toBe(89);
    expect(state.has(linksAt(11).name)).toBe(true);
    expect(state.has(linksAt(12).name)).toBe(false);
  });

  it('that the disk has links, where what is missing comes later in the same restart', () => {
    const state = stateOf({ parkedPerLogMax: 10 });
    for (let seq = 100; seq >= 1; seq--) state.restore(linksAt(seq), undefined);
    expect(state.settle(0)).toHaveLength(100);
  });

  it('is asked for by the hole below it', () => {
    const state = stateOf();
    for (const seq of [1, 4, 5]) state.accept(linksAt(seq), 0);
    expect(wantOf(state, linksAt(5).name)).toEqual({ type: 'range', author: AUTHOR, lane: 0, to: 5 });
    expect(wantOf(state, linksAt(1).name)).toBeUndefined();
  });
});

describe('logs of strangers', () => {
  it('leave room for the own one, published or pulled', () => {
    const subject = new Subject({ limits: { logsPerTopicMax: 3 } });
    subject.join();
    subject.meet(2);
    for (const author of [10, 11, 12, 13]) subject.receive(2, eager(entryOf({ author: keyPair(author) })));
    expect(subject.gossip.counters).toEqual({ 'logs-full': 1 });
    subject.submit('own');
    expect(subject.persisted(4)).toContain('acknowledge 1: 1/1');

    const other = new Subject({ limits: { logsPerTopicMax: 1 } });
    other.join();
    other.meet(2);
    other.receive(2, eager(entryOf({ author: keyPair(10) })));
    other.receive(2, eager(entryOf({ author: keyPair(ME) })));
    expect(other.gossip.status()[0]!.entryCount).toBe(2);
  });
});
