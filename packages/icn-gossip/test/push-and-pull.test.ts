import { describe, expect, it } from '@jest/globals';
import type { GossipOptions } from '../src/gossip.js';
import { encodeMessage } from '../src/wire/message-codec.js';
import { parseTopic } from '../src/topic.js';
import type { GossipMessage } from '../src/wire/messages.js';
import { did, entryOf, keyPair, logOf, text, TOPIC } from './fixtures.js';
import { clockQuestion, eager, headOf, joined, lazy, response, Subject } from './subject.js';

describe('push', () => {
  const entry = entryOf({ author: keyPair(2) });

  it('takes an entry once and passes it on to the other subscribers', () => {
    const subject = joined(2, 3, 4);
    expect(subject.receive(2, eager(entry))).toEqual([
      'send to 3, 4: Announcement eager 2/1',
      'persist #1: entry 2/1, position 1',
    ]);
    expect(subject.receive(3, eager(entry))).toEqual([]);
    expect(subject.persisted(1)).toEqual(['deliver 1: 2/1']);
    expect(subject.receive(2, eager(entry))).toEqual([]);
    expect(subject.gossip.counters).toEqual({ duplicate: 2 });
  });

  it('pulls what is announced by name alone', () => {
    const subject = joined(2);
    expect(subject.receive(2, lazy(entry))).toEqual(['send to 2: PullRequest #1 2/1']);
    expect(subject.receive(2, response(1, [entry]))).toEqual(['persist #1: entry 2/1, position 1']);
    expect(subject.persisted(1)).toEqual(['deliver 1: 2/1']);
  });

  it('pulls what lies below an entry that came too early', () => {
    const subject = joined(2);
    const log = logOf(keyPair(2), 5);
    expect(subject.receive(2, eager(log[4]!))).toEqual([
      'send to 2: PullRequest #1 2/1-4',
      'persist #1: entry 2/5',
    ]);
    expect(subject.gossip.status()[0]).toMatchObject({ entryCount: 0 });
    expect(subject.receive(2, response(1, log.slice(0, 4)))).toEqual([
      'persist #2: entry 2/1, position 1, entry 2/2, position 2, entry 2/3, position 3, entry 2/4, position 4, position 5',
    ]);
  });

  it('relays the bytes as it got them (I5)', () => {
    const subject = joined(2, 3);
    const frame = encodeMessage(eager(entry));
    const [send] = subject.handle({ type: 'received', from: did(2), frame });
    expect(send).toMatchObject({ type: 'send', to: [did(3)], frame });
  });

  it.each<[string, GossipMessage, string]>([
    ['name', { ...eager(entry), name: { ...entry.name, seq: 2 } } as GossipMessage, 'name-wrong'],
    ['topic', eager(entryOf({ author: keyPair(2), topic: parseTopic('other') })), 'topic-wrong'],
    ['network', eager(entryOf({ author: keyPair(2), network: 'other' })), 'network-wrong'],
    [
      'signature',
      eager(entry, { proof: { type: 'signature', signature: new Uint8Array(64) } }),
      'signature-wrong',
    ],
    ['payload', eager(entry, { payload: text('jello') }), 'payload-wrong'],
    ['header', eager(entry, { header: new Uint8Array(9) }), 'header-malformed'],
  ])('refuses an entry with a wrong %s, and counts it', (_, message, fault) => {
    const subject = joined(2, 3);
    expect(subject.receive(2, message)).toEqual([]);
    expect(subject.gossip.counters).toEqual({ [fault]: 1 });
    expect(subject.receive(2, eager(entry))).toHaveLength(2);
  });

  it('refuses an entry whose seq does not follow its prev, without passing it on', () => {
    const subject = joined(2, 3);
    const [first, second] = logOf(keyPair(2), 2);
    subject.receive(2, eager(first!));
    const liar = entryOf({ author: keyPair(2), prev: first!.name, seq: 9 });
    for (let copy = 0; copy < 3; copy++) expect(subject.receive(2, eager(liar))).toEqual([]);
    expect(subject.gossip.counters).toEqual({ 'seq-wrong': 3 });
    expect(subject.receive(2, eager(second!))).toHaveLength(2);
  });

  it('keeps at most parkedPerLogMax entries above a hole', () => {
    const subject = new Subject({ limits: { parkedPerLogMax: 2 } });
    subject.join();
    subject.meet(2);
    const log = logOf(keyPair(2), 5);
    for (const parked of log.slice(2)) subject.receive(2, eager(parked));
    expect(subject.gossip.counters).toEqual({ 'parked-full': 1 });
    subject.receive(2, eager(log[0]!));
    subject.receive(2, eager(log[1]!));
    expect(subject.gossip.status()[0]).toMatchObject({ entryCount: 4 });
  });

  it('takes at most entriesPerTopicMax entries and logsPerTopicMax logs', () => {
    const subject = new Subject({ limits: { entriesPerTopicMax: 2, logsPerTopicMax: 1 } });
    subject.join();
    subject.meet(2);
    const log = logOf(keyPair(2), 3);
    subject.receive(2, eager(log[0]!));
    subject.receive(2, eager(entryOf({ author: keyPair(3) })));
    subject.receive(2, eager(log[1]!));
    subject.receive(2, eager(log[2]!));
    expect(subject.gossip.counters).toEqual({ 'logs-full': 1, 'topic-full': 1 });
    expect(subject.gossip.status()[0]).toMatchObject({ entryCount: 2 });
  });
});

describe('pull', () => {
  const log = logOf(keyPair(2), 3);

  it('asks another peer when one is silent', () => {
    const subject = joined(3, 4);
    subject.receive(3, lazy(log[0]!));
    expect(subject.receive(4, lazy(log[0]!))).toEqual([]);
    subject.nowMs = 5_000;
    expect(subject.tell({ type: 'woke' }).filter((line) => line.includes('Pull'))).toEqual([
      'send to 4: PullRequest #2 2/1',
    ]);
    expect(subject.gossip.counters).toEqual({ 'pull-timeout': 1 });
    expect(subject.receive(3, response(1, [log[0]!]))).toEqual(['persist #1: entry 2/1, position 1']);
  });

  it('asks another peer when one goes, or does not have what it named', () => {
    const subject = joined(3, 4, 5);
    for (const peer of [3, 4, 5]) subject.receive(peer, lazy(log[0]!));
    expect(subject.tell({ type: 'peer-down', peer: did(3) }).at(-1)).toBe('send to 4: PullRequest #2 2/1');
    expect(subject.receive(4, response(2, []))).toEqual(['send to 5: PullRequest #3 2/1']);
    expect(subject.receive(5, response(3, []))).toEqual([]);
  });

  it('takes each entry of a response for itself: a bad one costs itself alone', () => {
    const subject = joined(3);
    subject.receive(3, clockQuestion([headOf(log[2]!)]));
    const stranger = entryOf({ author: keyPair(5), topic: parseTopic('other') });
    const bad = { ...log[1]!.parts, payload: text('jello') };
    const frame = encodeMessage({
      type: 'PullResponse',
      requestId: 1,
      topic: TOPIC,
      entries: [log[0]!.parts, bad, undefined, stranger.parts, log[1]!.parts, log[2]!.parts],
      more: false,
    });
    expect(subject.tell({ type: 'received', from: did(3), frame })).toEqual([
      'persist #1: entry 2/1, position 1, entry 2/2, position 2, entry 2/3, position 3',
    ]);
    expect(subject.gossip.counters).toEqual({ 'payload-wrong': 1, 'entry-malformed': 1, 'topic-wrong': 1 });
  });

  it('ignores a response that was not asked for, or comes from another, or comes twice', () => {
    const subject = joined(3, 4);
    expect(subject.receive(3, response(1, [log[0]!]))).toEqual([]);
    subject.receive(3, lazy(log[0]!));
    expect(subject.receive(4, response(1, [log[0]!]))).toEqual([]);
    expect(subject.receive(3, response(1, [log[0]!]))).toHaveLength(1);
    expect(subject.receive(3, response(1, [log[0]!]))).toEqual([]);
    expect(subject.gossip.counters).toEqual({ 'response-unsolicited': 3 });
  });

  it('goes on with a peer that has more, and not with one that only says so', () => {
    const subject = joined(3);
    expect(subject.receive(3, clockQuestion([headOf(log[2]!)]))).toContain('send to 3: PullRequest #1 2/1-3');
    expect(subject.receive(3, response(1, [log[0]!], true))).toContain('send to 3: PullRequest #2 2/2-3');
    expect(subject.receive(3, response(2, [log[0]!], true)).filter((line) => line.includes('Pull'))).toEqual(
      [],
    );
    expect(subject.receive(3, clockQuestion([headOf(log[2]!)])).join()).toContain('PullRequest #3 2/2-3');
  });
});

describe('serving', () => {
  const log = logOf(keyPair(2), 3);
  const request = {
    type: 'PullRequest',
    requestId: 5,
    topic: TOPIC,
    missing: [],
    ranges: [],
    bytesMax: 100_000,
    heads: null,
    evidence: [],
  } as const;

  function holder(options: Partial<GossipOptions> = {}): Subject {
    const subject = new Subject(options);
    subject.join();
    subject.meet(2, 3);
    for (const entry of log) subject.receive(2, eager(entry));
    return subject;
  }

  it('answers the asker alone, after what it answers is durable', () => {
    const subject = holder();
    const ask = {
      ...request,
      missing: [log[1]!.name],
      ranges: [{ author: did(2), lane: 0 as const, from: 2, to: 9 }],
    };
    expect(subject.receive(3, ask)).toEqual([]);
    expect(subject.persisted(3)).toEqual([
      'deliver 1: 2/1',
      'deliver 2: 2/2',
      'deliver 3: 2/3',
      'load #1: 2 within 100000',
    ]);
    const entries = [log[1]!, log[2]!].map(({ parts }) => parts);
    expect(subject.tell({ type: 'loaded', load: 1, entries })).toEqual([
      'send to 3: PullResponse #5 [2/2, 2/3]',
    ]);
  });

  it('answers at once that it has nothing', () => {
    expect(holder().receive(3, { ...request, missing: [entryOf().name] })).toEqual([
      'send to 3: PullResponse #5 []',
    ]);
  });

  it('sends one entry whatever the budget, and says that there is more', () => {
    const subject = holder();
    subject.persisted(3);
    const ask = { ...request, bytesMax: 1, ranges: [{ author: did(2), lane: 0 as const, from: 1, to: 3 }] };
    expect(subject.receive(3, ask)).toEqual(['load #1: 3 within 1']);
    const entries = log.map(({ parts }) => parts);
    expect(subject.tell({ type: 'loaded', load: 1, entries })).toEqual([
      'send to 3: PullResponse #5 [2/1] more',
    ]);
  });

  it('keeps within its own caps whatever the asker takes', () => {
    const subject = holder({ limits: { responseEntriesMax: 2, responseBytesMax: 1_000 } });
    subject.persisted(3);
    const ask = {
      ...request,
      bytesMax: Number.MAX_SAFE_INTEGER,
      ranges: [{ author: did(2), lane: 0 as const, from: 1, to: Number.MAX_SAFE_INTEGER - 1 }],
    };
    expect(subject.receive(3, ask)).toEqual(['load #1: 2 within 1000']);
    expect(
      subject.tell({ type: 'loaded', load: 1, entries: log.slice(0, 2).map(({ parts }) => parts) }),
    ).toEqual(['send to 3: PullResponse #5 [2/1, 2/2] more']);
  });

  it('leaves out what the store lost, and forgets what a peer that went had asked', () => {
    const subject = holder();
    subject.persisted(3);
    const ask = { ...request, ranges: [{ author: did(2), lane: 0 as const, from: 1, to: 3 }] };
    subject.receive(3, ask);
    expect(
      subject.tell({ type: 'loaded', load: 1, entries: [log[0]!.parts, undefined, log[2]!.parts] }),
    ).toEqual(['send to 3: PullResponse #5 [2/1, 2/3]']);
    subject.receive(3, ask);
    subject.tell({ type: 'peer-down', peer: did(3) });
    expect(subject.tell({ type: 'loaded', load: 2, entries: [] })).toEqual([]);
    expect(subject.tell({ type: 'loaded', load: 99, entries: [] })).toEqual([]);
  });
});
