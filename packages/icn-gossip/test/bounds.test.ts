import assert from 'node:assert/strict';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { Did } from '@icn/identity';
import type { EntryId } from '../src/entry/entry-name.js';
import { DEFAULT_LIMITS, PROTOCOL } from '../src/limits.js';
import { encodeMessage } from '../src/wire/message-codec.js';
import { WantList } from '../src/pull/want-list.js';
import { PeerQuota } from '../src/bounds/peer-quota.js';
import { Counters } from '../src/bounds/counters.js';
import type { DropName } from '../src/drops.js';
import { HaveSet } from '../src/topic/have-set.js';
import { TopicState } from '../src/topic/topic-state.js';
import type { ClockComponent, GossipMessage, LogRange } from '../src/wire/messages.js';
import { did, entryOf, keyPair, logOf, NETWORK, seededNumbers, TOPIC } from './fixtures.js';
import {
  antiEntropy,
  clockQuestion,
  eager,
  filterQuestion,
  headOf,
  joined,
  lazy,
  pullRequest,
  response,
  Subject,
} from './subject.js';

const HOSTILE = 50;
const HONEST = 51;
const FOREVER = Number.MAX_SAFE_INTEGER;

let subject = joined(HOSTILE, HONEST);

/** Whatever was done to it, the node takes an entry of an honest peer, publishes, and answers. */
afterEach(() => {
  const entry = entryOf({ author: keyPair(HONEST), topic: TOPIC });
  subject.nowMs += 60_000;
  subject.tell({ type: 'woke' });
  assert.match(subject.receive(HONEST, eager(entry)).join(), /entry 51\/1/);
  assert.match(subject.submit('alive').join(), /entry 1\//);
  assert.match(subject.persisted(FOREVER).join(), /acknowledge/);
  assert.equal(subject.receive(HONEST, antiEntropy({})).length, 1);
  subject = joined(HOSTILE, HONEST);
});

function unknownHead(index: number, seq = 1): ClockComponent {
  return {
    author: did(1_000 + (index % 200)),
    lane: 0,
    floor: 0,
    seq: seq + Math.floor(index / 200),
    id: idOf(index),
  };
}

function idOf(number: number): EntryId {
  return number.toString(16).padStart(64, '0') as EntryId;
}

/** Where the range begins that is asked for in one of the lines. */
function askIn(lines: readonly string[]): { from: number } | undefined {
  const match = /PullRequest #\d+ 3\/(\d+)-/.exec(lines.join());
  return match === null ? undefined : { from: Number(match[1]) };
}

function bytesSent(message: GossipMessage): number {
  const effects = subject.handle({ type: 'received', from: did(HOSTILE), frame: encodeMessage(message) });
  return effects.reduce((sum, effect) => sum + (effect.type === 'send' ? effect.frame.length : 0), 0);
}

describe('I13: a hostile peer is bounded', () => {
  it('that claims the last seq there is', () => {
    const head = { ...unknownHead(0), seq: FOREVER, floor: FOREVER - 1 };
    expect(bytesSent(clockQuestion([head]))).toBeLessThan(500);
    const last = entryOf({ author: keyPair(9), prev: { ...entryOf().name, seq: FOREVER - 1 } });
    expect(subject.receive(HOSTILE, eager(last))).toEqual([
      `send to ${HONEST}: Announcement eager 9/${FOREVER}`,
      `send to ${HOSTILE}: PullRequest #2 9/1-${FOREVER - 1}`,
      `persist #1: entry 9/${FOREVER}`,
    ]);
  });

  it('that asks for huge ranges, and very many of them', () => {
    subject.receive(HONEST, eager(entryOf({ author: keyPair(3) })));
    subject.persisted(FOREVER);
    const range: LogRange = { author: did(3), lane: 0, from: 1, to: FOREVER - 1 };
    const request = pullRequest({ ranges: [range], bytesMax: FOREVER });
    expect(subject.receive(HOSTILE, request)).toEqual(['load #1: 1 within 262144']);
    const ranges = Array.from({ length: 10_000 }, () => range);
    expect(subject.receive(HOSTILE, { ...request, ranges })).toEqual(['load #2: 1 within 262144']);
  });

  it('that asks for one long range over and over in one request', () => {
    const log = logOf(keyPair(3), 500);
    for (const entry of log) subject.receive(HONEST, eager(entry));
    subject.persisted(FOREVER);
    const range: LogRange = { author: did(3), lane: 0, from: 1, to: 500 };
    const at = jest.spyOn(HaveSet.prototype, 'at');
    try {
      subject.receive(HOSTILE, pullRequest({ ranges: Array.from({ length: 10_000 }, () => range) }));
      expect(at.mock.calls.length).toBeLessThan(5 * DEFAULT_LIMITS.responseEntriesMax);
    } finally {
      at.mockRestore();
    }
    expect(subject.receive(HONEST, pullRequest({ ranges: [range] }))).toEqual(['load #2: 500 within 262144']);
  });

  it('that asks thousands of times', () => {
    const entry = entryOf({ author: keyPair(3) });
    subject.receive(HONEST, eager(entry));
    subject.persisted(FOREVER);
    const ask = (requestId: number) => pullRequest({ requestId, missing: [entry.name], bytesMax: 1 });
    let loadCount = 0;
    for (let requestId = 0; requestId < 3_000; requestId++)
      loadCount += subject.receive(HOSTILE, ask(requestId)).length;
    expect(loadCount).toBe(DEFAULT_LIMITS.servesPerPeerMax);
    expect(subject.gossip.counters['pull-overload']).toBe(3_000 - loadCount);
    expect(subject.receive(HONEST, ask(1))).toHaveLength(1);
  });

  it('that answers without end that it has more', () => {
    const log = logOf(keyPair(3), 3);
    subject.receive(HOSTILE, clockQuestion([{ ...headOf(log[2]!), seq: FOREVER }]));
    let requestCount = 0;
    for (
      let requestId = 1;
      subject.receive(HOSTILE, response(requestId, log.slice(0, 2), true)).length > 0;
      requestId++
    )
      requestCount++;
    expect(requestCount).toBeLessThan(5);
  });

  it('that names a branch which never links', () => {
    const log = logOf(keyPair(3), 30);
    for (const entry of log) subject.receive(HONEST, eager(entry));
    const head = { ...headOf(log[19]!), id: idOf(1) };
    subject.receive(HOSTILE, clockQuestion([head]));
    let requestId = 0;
    while (
      subject
        .receive(HOSTILE, response(++requestId, log.slice(0, 20), true))
        .some((line) => line.includes('PullRequest'))
    );
    expect(requestId).toBeLessThan(20);
  });

  it('that repeats what is held, one entry after another, as if a branch came after it', () => {
    const log = logOf(keyPair(3), 300);
    for (const entry of log) subject.receive(HONEST, eager(entry));
    let lines = subject.receive(HOSTILE, clockQuestion([{ ...headOf(log[298]!), id: idOf(1) }]));
    let requestCount = 0;
    for (let ask = askIn(lines); ask !== undefined; ask = askIn(lines)) {
      requestCount++;
      lines = subject.receive(HOSTILE, response(requestCount, [log[ask.from]!], true));
    }
    expect(requestCount).toBeGreaterThan(60);
    expect(requestCount).toBeLessThan(70);
  });

  it('that names a clock of 10,000 unknown heads, and goes on: its share of the wants is its own', () => {
    subject = new Subject({ limits: { wantsPerPeerMax: 100 } });
    subject.join();
    subject.meet(HOSTILE, HONEST);
    const clock = Array.from({ length: 10_000 }, (_, index) => unknownHead(index));
    expect(bytesSent(clockQuestion(clock))).toBeLessThan(10_000);
    for (const name of clock.slice(0, 500))
      subject.receive(HOSTILE, { type: 'Announcement', topic: TOPIC, name, entry: undefined });
    expect(subject.gossip.counters['wants-full']).toBeGreaterThan(500);
    const mine = entryOf({ author: keyPair(4) });
    expect(subject.receive(HONEST, lazy(mine))).toEqual([`send to ${HONEST}: PullRequest #2 4/1`]);
    subject.tell({ type: 'peer-down', peer: did(HOSTILE) });
    subject.meet(HOSTILE);
    expect(subject.receive(HOSTILE, lazy(entryOf({ author: keyPair(5) })))).toEqual([
      `send to ${HOSTILE}: PullRequest #3 5/1`,
    ]);
  });

  it('that sends empty filters: announcements are bounded for each, and for all of them in a second', () => {
    subject = new Subject({ limits: { announcementsPerRoundMax: 10 } });
    subject.join();
    subject.meet(HOSTILE, HONEST);
    for (const entry of logOf(keyPair(3), 30)) subject.receive(HONEST, eager(entry));
    subject.persisted(FOREVER);
    const question = filterQuestion(0);
    const [names] = subject.receive(HOSTILE, question);
    expect(names!.match(/ lazy/g)).toHaveLength(10);
    let lineCount = 0;
    for (let count = 0; count < 1_000; count++) lineCount += subject.receive(HOSTILE, question).length;
    expect(lineCount).toBeLessThan(2 * DEFAULT_LIMITS.roundsBurstMax);
    expect(subject.gossip.counters['rounds-overload']).toBeGreaterThan(980);
    subject.nowMs += 1_000;
    expect(subject.receive(HOSTILE, question)).toHaveLength(2);
  });

  it('that asks and asks while the disk is slow', () => {
    subject = new Subject({ limits: { heldBytesMax: 1_000, roundsBurstMax: 1_000 } });
    subject.join();
    subject.meet(HOSTILE, HONEST);
    subject.submit('slow');
    for (let count = 0; count < 500; count++) subject.receive(HOSTILE, antiEntropy({ roundId: count }));
    expect(subject.gossip.counters['outbox-full']).toBeGreaterThan(490);
    const told = subject.persisted(1);
    expect(told).toContain('acknowledge 1: 1/1');
    expect(told.length).toBeLessThan(10);
  });

  it('that forks without end, or parks without end', () => {
    const first = entryOf({ author: keyPair(3) });
    subject.receive(HOSTILE, eager(first));
    for (let index = 0; index < 200; index++) {
      subject.receive(HOSTILE, eager(entryOf({ author: keyPair(3), prev: first.name, payload: `${index}` })));
      const nowhere = { ...first.name, seq: index + 5, id: idOf(index) };
      const effects = subject.receive(HOSTILE, eager(entryOf({ author: keyPair(3), prev: nowhere })));
      expect(effects.length).toBeLessThanOrEqual(3);
    }
    expect(subject.gossip.status()[0]).toMatchObject({ entryCount: 1 });
    expect(subject.gossip.counters['log-closed']).toBeGreaterThan(190);
  });
});

describe('WantList', () => {
  function wantList(wantsMax = 10) {
    const context = {
      limits: DEFAULT_LIMITS,
      wantQuota: new PeerQuota(wantsMax),
      counters: new Counters<DropName>(),
    };
    const state = new TopicState(TOPIC, NETWORK, DEFAULT_LIMITS);
    return { state, wants: new WantList(state, context), quota: context.wantQuota };
  }

  it('never fills a frame with ranges, however many holes peers make', () => {
    const { state, wants } = wantList(1_000);
    const strides = 2 ** 40;
    for (let author = 0; author < 110; author++)
      for (let index = 1; index <= DEFAULT_LIMITS.parkedPerLogMax; index++) {
        const name = {
          author: did(100 + author),
          lane: 0 as const,
          seq: index * strides,
          id: idOf(author * 2_000 + index),
        };
        state.accept({ name, prev: idOf(1_000_000 + name.seq), deps: [] }, 0);
      }
    for (let author = 0; author < 110; author++)
      wants.add({ type: 'range', author: did(100 + author), lane: 0, to: FOREVER - 1 }, did(2));
    const ask = wants.ask(did(2), 0);
    const frame = encodeMessage(pullRequest({ ...ask, ranges: ask?.ranges ?? [] }));
    expect(ask?.ranges.length).toBeGreaterThan(4_000);
    expect(frame.length).toBeLessThan(PROTOCOL.frameBytesMax / 4);
  });

  it('asks for everything that it holds until it is met or nobody has it, in any order of events', () => {
    for (let seed = 0; seed < 100; seed++) {
      const draw = seededNumbers(seed);
      const { wants, quota } = wantList();
      const peers = [did(2), did(3), did(4)];
      const asked: { peer: Did; requestId: number }[] = [];
      let nowMs = 0;
      for (let step = 0; step < 60; step++) {
        const peer = peers[Math.floor(draw() * 3)]!;
        const event = draw();
        nowMs += draw() * 1_000;
        if (event < 0.5)
          wants.add(
            { type: 'entry', name: { author: did(9), lane: 0, seq: 1, id: idOf(Math.floor(draw() * 20)) } },
            peer,
          );
        else if (event < 0.7 && asked.length > 0) {
          const [answered] = asked.splice(Math.floor(draw() * asked.length), 1);
          wants.settle(answered!.requestId, {
            more: draw() < 0.3,
            hasNews: draw() < 0.5,
            linkedUpTo: 0,
            names: [],
          });
        } else if (event < 0.8) wants.dropPeer(peer);
        else wants.expire(nowMs);
        for (const idle of wants.sources()) {
          const ask = wants.ask(idle, nowMs);
          if (ask !== undefined) asked.push({ peer: idle, requestId: ask.requestId });
        }
        // Whatever is wanted is being asked for, or waits for a peer that is busy; so there is always a next wake.
        if (wants.size > 0) expect(wants.wakeAtMs).toBeDefined();
      }
      for (let round = 0; wants.size > 0 && round < 50; round++) {
        nowMs += 10_000;
        wants.expire(nowMs);
        for (const idle of wants.sources()) wants.ask(idle, nowMs);
      }
      expect([wants.size, wants.sources()]).toEqual([0, []]);
      for (const peer of peers) expect([quota.take(peer), wants.isDrained(peer)]).toEqual([true, true]);
      nowMs += 10_000;
      wants.expire(nowMs);
      expect(wants.wakeAtMs).toBeUndefined();
    }
  });
});
