import { describe, expect, it } from '@jest/globals';
import { encodeMessage } from '../src/wire/message-codec.js';
import { did, keyPair, logOf, sentBy } from './fixtures.js';
import { antiEntropy, eager, emptyAnswer, headOf, joined, Subject } from './subject.js';

describe('anti-entropy', () => {
  const log = logOf(keyPair(2), 3);

  it('answers an equal root with a root, and an answer with nothing', () => {
    const subject = joined(2);
    const { root } = subject.gossip.status()[0]!;
    expect(subject.receive(2, antiEntropy({ root }))).toEqual(['send to 2: AntiEntropy answer root']);
    expect(subject.receive(2, antiEntropy({ root, answer: true }))).toEqual([]);
    expect(subject.gossip.status()[0]!.inSync).toEqual([did(2)]);
  });

  it('repeats the id of the round that it answers', () => {
    const subject = joined(2);
    const frame = encodeMessage(antiEntropy({ roundId: 4_711 }));
    const [sent] = sentBy(subject.handle({ type: 'received', from: did(2), frame }));
    expect(sent!.message).toMatchObject({ roundId: 4_711, answer: true });
  });

  it('pulls what a longer clock shows, and answers with its own', () => {
    const subject = joined(2);
    expect(subject.receive(2, antiEntropy({ clock: [headOf(log[2]!)] }))).toEqual([
      'send to 2: PullRequest #1 2/1-3',
      'send to 2: AntiEntropy answer clock {}',
    ]);
    expect(subject.gossip.status()[0]).toMatchObject({ entryCount: 0, inSync: [] });
  });

  it('answers a shorter clock with its own, and asks for nothing', () => {
    const subject = joined(2);
    for (const entry of log) subject.receive(2, eager(entry));
    subject.persisted(3);
    expect(subject.receive(2, antiEntropy({ clock: [headOf(log[0]!)] }))).toEqual([
      'send to 2: AntiEntropy answer clock {2/3}',
    ]);
    expect(subject.receive(2, antiEntropy({ clock: [headOf(log[0]!)], answer: true }))).toEqual([]);
  });

  it('answers a question without summary by one with a summary', () => {
    const subject = joined(2);
    expect(subject.receive(2, antiEntropy({ clock: null }))).toEqual([
      'send to 2: AntiEntropy question clock {}',
    ]);
  });

  it('answers a filter in kind, and announces what it lacks in the order of the log', () => {
    const subject = joined(2);
    for (const entry of log) subject.receive(2, eager(entry));
    subject.persisted(3);
    const filter = { slice: { index: 0, count: 1 }, bytes: new Uint8Array(8) };
    expect(subject.receive(2, antiEntropy({ clock: null, filter }))).toEqual([
      'send to 2: Announcement lazy 2/1',
      'send to 2: Announcement lazy 2/2',
      'send to 2: Announcement lazy 2/3',
      'send to 2: AntiEntropy answer filter',
    ]);
    filter.bytes.fill(0xff);
    expect(subject.receive(2, antiEntropy({ clock: null, filter }))).toEqual([
      'send to 2: AntiEntropy answer filter',
    ]);
  });

  it('says nothing of what is not durable yet (I8)', () => {
    const subject = joined(2);
    subject.submit('hello');
    expect(subject.receive(2, antiEntropy({}))).toEqual([]);
    expect(subject.persisted(1)).toEqual([
      'deliver 1: 1/1',
      'send to 2: Announcement eager 1/1',
      'acknowledge 1: 1/1',
      'send to 2: AntiEntropy answer clock {1/1}',
    ]);
  });

  it('asks one peer after another, every few seconds', () => {
    const subject = joined(2, 3);
    const asked = Array.from({ length: 4 }, () => {
      const before = subject.nowMs;
      const [line] = subject.wake();
      expect(subject.nowMs - before).toBeGreaterThanOrEqual(4_000);
      expect(subject.nowMs - before).toBeLessThanOrEqual(6_000);
      return line;
    });
    expect(asked.map((line) => line!.slice(0, 9))).toEqual([
      'send to 2',
      'send to 3',
      'send to 2',
      'send to 3',
    ]);
  });

  it('asks again a peer that turns out to follow the topic, if it went on since', () => {
    const subject = new Subject();
    subject.join();
    subject.handle({ type: 'peer-up', peer: did(2) });
    subject.submit('hello');
    subject.persisted(1);
    expect(subject.receive(2, emptyAnswer())).toEqual(['send to 2: AntiEntropy question clock {1/1}']);
    expect(subject.receive(2, emptyAnswer())).toEqual([]);
  });

  it('wants nothing and wakes never without peers', () => {
    const subject = joined(2);
    subject.tell({ type: 'peer-down', peer: did(2) });
    expect(subject.gossip.wakeAtMs).toBeUndefined();
    expect(subject.gossip.status()[0]!.subscribers).toEqual([]);
  });

  it.each([1, 2, 3])('covers every slice of a topic with each of %d peers', (peerCount) => {
    const subject = new Subject({ reconcile: 'bloom', limits: { idsPerFilterMax: 2 } });
    subject.join();
    subject.meet(...[2, 3, 4].slice(0, peerCount));
    for (const entry of logOf(keyPair(5), 4)) subject.receive(2, eager(entry));
    subject.persisted(4);
    const seen = new Map<string, Set<number>>();
    for (let round = 0; round < 4 * peerCount; round++) {
      subject.nowMs = subject.gossip.wakeAtMs!;
      for (const { to, message } of sentBy(subject.handle({ type: 'woke' }))) {
        if (message.type !== 'AntiEntropy' || message.filter === null) continue;
        expect(message.filter.slice.count).toBe(2);
        seen.set(to, (seen.get(to) ?? new Set()).add(message.filter.slice.index));
      }
    }
    expect([...seen.values()]).toEqual(Array.from({ length: peerCount }, () => new Set([0, 1])));
  });
});
