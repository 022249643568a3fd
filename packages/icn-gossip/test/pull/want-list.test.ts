import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { sha256, toHex, type Did } from '@icn/identity';
import { Counters } from '../../src/bounds/counters.js';
import { PeerQuota } from '../../src/bounds/peer-quota.js';
import type { DropName } from '../../src/drops.js';
import type { EntryLinks } from '../../src/entry/entry-header.js';
import type { EntryId } from '../../src/entry/entry-name.js';
import { DEFAULT_LIMITS, PROTOCOL } from '../../src/limits.js';
import { missingOf, type HeadRound, type Want } from '../../src/pull/want.js';
import { WantList, type Ask } from '../../src/pull/want-list.js';
import { headHash } from '../../src/repair/head-hash.js';
import { TopicState } from '../../src/topic/topic-state.js';
import { encodeMessage } from '../../src/wire/message-codec.js';
import type { LogRange } from '../../src/wire/messages.js';
import { did, NETWORK, seededNumbers, text, TOPIC } from '../fixtures.js';

const AUTHOR = did(1_000);
const LOG = linksOfLog(AUTHOR, 5_000);
const PEERS = [did(2), did(3), did(4)];
const range = (to: number): Want & { type: 'range' } => ({ type: 'range', author: AUTHOR, lane: 0, to });

/** Of a log all that linking needs: nothing here looks at signatures. */
function linksOfLog(author: Did, count: number, label = ''): EntryLinks[] {
  const idOf = (seq: number) => toHex(sha256(text(`${author}/${seq <= 1 ? '' : label}/${seq}`))) as EntryId;
  return Array.from({ length: count }, (_, index) => ({
    name: { author, lane: 0, seq: index + 1, id: idOf(index + 1) },
    prev: index === 0 ? null : idOf(index),
    deps: [],
  }));
}

function stateOf(entries: Iterable<EntryLinks> = []): TopicState {
  const state = new TopicState(TOPIC, NETWORK, DEFAULT_LIMITS);
  for (const entry of entries) state.accept(entry, 0);
  return state;
}

function listOf(state: TopicState, wantsPerPeerMax = 100): WantList {
  return new WantList(state, {
    limits: DEFAULT_LIMITS,
    wantQuota: new PeerQuota(wantsPerPeerMax),
    counters: new Counters<DropName>(),
  });
}

const seqsOf = (ranges: readonly LogRange[]) =>
  ranges.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index));

describe('missingOf', () => {
  const held = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 40 });
  const spans = fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.nat(10)), { maxLength: 4 });

  it('names seqs that are neither held nor under way, ascending, and as many as it may', () => {
    fc.assert(
      fc.property(
        held,
        spans,
        fc.integer({ min: 1, max: 70 }),
        fc.integer({ min: 1, max: 80 }),
        (seqs, asked, to, countMax) => {
          const state = stateOf(seqs.map((seq) => LOG[seq - 1]!));
          const linkedSeqMax = state.log(AUTHOR, 0)?.linkedSeqMax ?? 0;
          const underWay = asked.map(([from, length]) => ({
            author: AUTHOR,
            lane: 0 as const,
            from,
            to: from + length,
          }));
          const busy = new Set(seqsOf(underWay));
          const expected = Array.from({ length: to }, (_, index) => index + 1).filter(
            (seq) => seq > linkedSeqMax && !seqs.includes(seq),
          );
          if (to <= linkedSeqMax || expected.length === 0) return; // met, or a fork: below
          const missing = seqsOf(missingOf(range(to), state, underWay, countMax, 1_000));
          expect(missing).toEqual(expected.filter((seq) => !busy.has(seq)).slice(0, countMax));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('goes no further above what is linked than the window', () => {
    expect(missingOf(range(5_000), stateOf(LOG.slice(0, 10)), [], 5_000, 100)).toMatchObject([
      { from: 11, to: 110 },
    ]);
  });

  it('of a log of which something is held everywhere, and does not link, is all of it: the author forked', () => {
    const other = linksOfLog(AUTHOR, 5, 'other');
    const state = stateOf([...LOG.slice(0, 1), ...other.slice(2)]);
    expect(missingOf(range(4), state, [], 100, 100)).toMatchObject([{ from: 2, to: 2 }]);
    state.accept(LOG[1]!, 0);
    expect(missingOf(range(4), state, [], 100, 100)).toMatchObject([{ from: 3, to: 4 }]);
  });

  it('ends where a seq is still exact', () => {
    expect(
      missingOf(
        range(Number.MAX_SAFE_INTEGER),
        stateOf(),
        [],
        Number.MAX_SAFE_INTEGER,
        Number.MAX_SAFE_INTEGER,
      ),
    ).toMatchObject([{ from: 1, to: Number.MAX_SAFE_INTEGER - 1 }]);
  });
});

describe('a range that several peers hold', () => {
  /** Peers answer in turns as `draw` says; each answer has at most 200 entries. */
  function pull(sources: readonly Did[], draw: () => number) {
    const state = stateOf();
    const wants = listOf(state);
    for (const peer of sources) wants.add(range(5_000), peer);
    const asked: number[] = [];
    const servedBy = new Map<Did, number>();
    const underWay: { peer: Did; ask: Ask }[] = [];
    let busiest = 0;
    for (let turn = 0; turn < 500 && wants.size > 0; turn++) {
      for (const peer of wants.sources()) {
        for (let ask = wants.ask(peer, turn); ask !== undefined; ask = wants.ask(peer, turn)) {
          asked.push(...seqsOf(ask.ranges));
          underWay.push({ peer, ask });
        }
      }
      busiest = Math.max(busiest, new Set(underWay.map(({ peer }) => peer)).size);
      const [answered] = underWay.splice(Math.floor(draw() * underWay.length), 1);
      const { peer, ask } = answered!;
      const seqs = seqsOf(ask.ranges);
      const entries = seqs.slice(0, 300).map((seq) => LOG[seq - 1]!);
      servedBy.set(peer, (servedBy.get(peer) ?? 0) + entries.length);
      for (const entry of entries) state.accept(entry, 0);
      const last = entries.at(-1)!.name;
      wants.settle(ask.requestId, {
        more: seqs.length > entries.length,
        hasNews: true,
        linkedUpTo: state.isLinked(last) ? last.seq : 0,
        names: entries.map(({ name }) => name),
      });
    }
    return { state, asked, servedBy, busiest };
  }

  it('is asked of all of them at once, no seq twice, and comes whole', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const { state, asked, servedBy, busiest } = pull(PEERS, seededNumbers(seed));
      expect(state.entryCount).toBe(5_000);
      expect(asked.length).toBe(5_000);
      expect(new Set(asked).size).toBe(5_000);
      expect(busiest).toBe(3);
      for (const peer of PEERS) expect(servedBy.get(peer)).toBeGreaterThan(500);
    }
  });

  it('is asked of the one that holds it as a whole, where there is but one', () => {
    const { state, servedBy } = pull(PEERS.slice(0, 1), seededNumbers(1));
    expect([state.entryCount, [...servedBy]]).toEqual([5_000, [[PEERS[0], 5_000]]]);
    const wants = listOf(stateOf());
    wants.add(range(5_000), PEERS[0]!);
    expect(wants.ask(PEERS[0]!, 0)!.ranges).toMatchObject([{ from: 1, to: 5_000 }]);
    expect(wants.ask(PEERS[0]!, 0)).toBeUndefined();
  });

  it('is asked of others where one stays silent, or is gone', () => {
    const wants = listOf(stateOf());
    for (const peer of PEERS) wants.add(range(300), peer);
    const first = wants.ask(PEERS[0]!, 0)!;
    const second = wants.ask(PEERS[1]!, 0)!;
    expect([first, second].map(({ ranges }) => seqsOf(ranges)[0])).toEqual([1, 171]);
    expect(wants.ask(PEERS[2]!, 0)).toBeUndefined(); // all is under way
    expect(wants.expire(DEFAULT_LIMITS.pullTimeoutMs)).toBe(2);
    // The last one that holds it is asked for all of it.
    expect(wants.ask(PEERS[2]!, 6_000)!.ranges).toMatchObject([{ from: 1, to: 300 }]);
    expect(wants.sources()).toEqual([PEERS[2]]);
    wants.dropPeer(PEERS[2]!);
    expect([wants.size, wants.wakeAtMs]).toEqual([0, undefined]);
  });
});

describe('a request', () => {
  it('has two of its kind under way to a peer, and no third', () => {
    const wants = listOf(stateOf(), 10_000);
    for (let index = 0; index < 3 * DEFAULT_LIMITS.wantsPerRequestMax; index++)
      wants.add({ type: 'entry', name: { ...LOG[index]!.name } }, PEERS[0]!);
    const asks = [1, 2, 3].map(() => wants.ask(PEERS[0]!, 0));
    expect(asks.map((ask) => ask?.missing.length)).toEqual([512, 512, undefined]);
  });

  it('wants heads of one round at a time, for those of another may be the same; and says what is held of their logs', () => {
    const state = stateOf(LOG.slice(0, 3));
    const wants = listOf(state);
    const rounds = [4, 6].map((roundId) => ({
      roundId,
      hash: headHash(1n, roundId),
      logs: new Set([state.log(AUTHOR, 0)!]),
    }));
    for (const hash of [10n, 11n])
      for (const round of rounds) wants.add({ type: 'head', hash, round }, PEERS[0]!);
    const [first, second] = rounds as [HeadRound, HeadRound];
    const ask = wants.ask(PEERS[0]!, 0)!;
    const haves = [first.hash(LOG[2]!.name.id)];
    expect(ask.heads).toEqual({ roundId: first.roundId, wants: [10n, 11n], haves });
    expect(wants.ask(PEERS[0]!, 0)).toBeUndefined();
    wants.settle(ask.requestId, { more: false, hasNews: false, linkedUpTo: 0, names: [] });
    wants.add({ type: 'head', hash: 10n, round: second }, PEERS[0]!);
    expect(wants.ask(PEERS[0]!, 0)!.heads).toMatchObject({ roundId: second.roundId, wants: [10n] });
  });

  it('fits a frame, however many holes there are', () => {
    const logs = Array.from({ length: 64 }, (_, index) => linksOfLog(did(6_000 + index), 1_000));
    const state = stateOf(logs.flatMap((log) => log.filter(({ name }) => name.seq % 2 === 0)));
    const wants = listOf(state);
    for (const [{ name }] of logs as [EntryLinks][])
      wants.add({ ...range(1_000), author: name.author }, PEERS[0]!);
    const asked: number[] = [];
    for (let ask = wants.ask(PEERS[0]!, 0); ask !== undefined; ask = wants.ask(PEERS[0]!, 0)) {
      asked.push(ask.ranges.length);
      const frame = encodeMessage({ type: 'PullRequest', topic: TOPIC, ...ask, bytesMax: 1, evidence: [] });
      expect(frame.length).toBeLessThan(PROTOCOL.frameBytesMax);
    }
    expect(Math.max(...asked)).toBeLessThanOrEqual(16_384 + 4_096);
  });
});
