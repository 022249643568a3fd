import { describe, expect, it } from '@jest/globals';
import { encodeMessage } from '../src/wire/message-codec.js';
import { DEFAULT_LIMITS } from '../src/limits.js';
import type { AntiEntropy, Summary } from '../src/wire/messages.js';
import { did, keyPair, logOf, sentBy, TOPIC } from './fixtures.js';
import { antiEntropy, clockQuestion, eager, filterQuestion, headOf, joined, ME, Subject } from './subject.js';

describe('anti-entropy', () => {
  const log = logOf(keyPair(2), 3);

  /** The question of the node's next round with a peer. */
  function question(subject: Subject, peer = 2): AntiEntropy {
    for (let turn = 0; turn < 20; turn++) {
      subject.nowMs = subject.gossip.wakeAtMs!;
      for (const { to, message } of sentBy(subject.handle({ type: 'woke' })))
        if (to === did(peer) && message.type === 'AntiEntropy' && !message.answer) return message;
    }
    throw new Error('it never asked');
  }

  it('answers an equal root with "equal", and an answer with nothing', () => {
    const subject = joined(2);
    const { root } = subject.gossip.status()[0]!;
    expect(subject.receive(2, antiEntropy({ root }))).toEqual(['send to 2: AntiEntropy answer equal']);
    expect(subject.gossip.status()[0]!.inSync).toEqual([did(2)]);
    expect(subject.receive(2, antiEntropy({ root, answer: true }))).toEqual([]);
    expect(subject.receive(2, antiEntropy({ root: null, answer: true }))).toEqual([]);
  });

  it('takes "equal" for the root that it asked with, and not for what it holds since', () => {
    const subject = joined(2);
    const asked = question(subject);
    expect(asked).toMatchObject({ answer: false, root: subject.gossip.status()[0]!.root });
    subject.receive(2, antiEntropy({ roundId: asked.roundId, answer: true, root: null }));
    expect(subject.gossip.status()[0]!.inSync).toEqual([did(2)]);
    const again = question(subject);
    for (const entry of log) subject.receive(2, eager(entry));
    subject.persisted(3);
    subject.receive(2, antiEntropy({ roundId: again.roundId, answer: true, root: null }));
    expect(subject.gossip.status()[0]!.inSync).toEqual([]);
  });

  it('asks with its root and counts, parked entries apart', () => {
    const subject = joined(2);
    for (const entry of [log[0]!, log[2]!]) subject.receive(2, eager(entry));
    subject.persisted(2);
    const { root } = subject.gossip.status()[0]!;
    expect(question(subject)).toMatchObject({
      root,
      counts: { heads: 1, held: 2, parked: 1 },
      summary: null,
    });
  });

  it('repeats the id of the round that it answers', () => {
    const subject = joined(2);
    const frame = encodeMessage(antiEntropy({ roundId: 4_711 }));
    const [sent] = sentBy(subject.handle({ type: 'received', from: did(2), frame }));
    expect(sent!.message).toMatchObject({ roundId: 4_711, answer: true });
  });

  it('numbers its own rounds evenly towards a larger DID, oddly towards a smaller', () => {
    const subject = joined(2, 3, 4, 5);
    for (const peer of [2, 3, 4, 5]) {
      const { roundId } = question(subject, peer);
      expect(roundId % 2).toBe(did(ME) < did(peer) ? 0 : 1);
    }
  });

  describe('who holds fewer entries learns', () => {
    const more = { heads: 1, held: 9, parked: 0 };
    const fewer = { heads: 0, held: 0, parked: 0 };

    it('and asks to be told, where it is the one that answers', () => {
      const subject = joined(2);
      expect(subject.receive(2, antiEntropy({ counts: more }))).toEqual([
        'send to 2: AntiEntropy answer clock-request',
      ]);
      const counts = { heads: 100, held: 200, parked: 0 };
      expect(subject.receive(2, antiEntropy({ roundId: 9, counts }))[0]).toMatch(/sketch-request 0\+\d+/);
    });

    it('and is told, where it is the one that asked', () => {
      const subject = joined(2);
      for (const entry of log) subject.receive(2, eager(entry));
      subject.persisted(3);
      expect(subject.receive(2, antiEntropy({ counts: fewer }))).toEqual([
        'send to 2: AntiEntropy answer clock {2/3}',
      ]);
      expect(subject.receive(2, antiEntropy({ roundId: 9, counts: { ...fewer, held: 3 } }))).toEqual([
        'send to 2: AntiEntropy answer clock {2/3}',
      ]);
    });

    it('and what it parked counts as held', () => {
      const subject = joined(2);
      for (const entry of [log[0]!, log[2]!]) subject.receive(2, eager(entry));
      subject.persisted(2);
      const counts = { heads: 1, held: 2, parked: 1 };
      expect(subject.receive(2, antiEntropy({ counts }))).toEqual([
        'send to 2: AntiEntropy answer clock {2/1}',
      ]);
      expect(subject.receive(2, antiEntropy({ roundId: 9, counts: { ...counts, held: 3 } }))).toEqual([
        'send to 2: AntiEntropy answer clock-request',
      ]);
    });
  });

  it('is asked for its whole clock, or for symbols, and tells them once each', () => {
    const subject = joined(2);
    for (const entry of log) subject.receive(2, eager(entry));
    subject.persisted(3);
    const { roundId } = question(subject);
    const answer = (summary: Summary) =>
      subject.receive(2, antiEntropy({ roundId, answer: true, root: null, summary }));
    expect(answer({ type: 'sketch-request', first: 5, count: 7 })).toEqual([
      'send to 2: AntiEntropy answer sketch 5+7',
    ]);
    expect(answer({ type: 'sketch-request', first: 0, count: Number.MAX_SAFE_INTEGER })).toEqual([
      'send to 2: AntiEntropy answer sketch 0+32768',
    ]);
    expect(answer({ type: 'clock-request' })).toEqual(['send to 2: AntiEntropy answer clock {2/3}']);
  });

  it('hears no answer of a round that is none of its own', () => {
    const subject = joined(2);
    const clock = { type: 'clock', clock: [headOf(log[2]!)], base: null } as const;
    expect(subject.receive(2, antiEntropy({ answer: true, summary: clock }))).toEqual([]);
    expect(
      subject.receive(2, antiEntropy({ answer: true, root: null, summary: { type: 'clock-request' } })),
    ).toEqual([]);
  });

  it('ends a session some time after its last sign of life, and hears no more of it', () => {
    const subject = joined(2);
    const { roundId } = question(subject);
    const summary = { type: 'clock', clock: [headOf(log[2]!)], base: null } as const;
    const index = subject.gossip.sessions(TOPIC).findLastIndex((bill) => bill.role === 'asked');
    const last = () => subject.gossip.sessions(TOPIC)[index];
    subject.nowMs += DEFAULT_LIMITS.pullTimeoutMs - 1;
    subject.tell({ type: 'woke' });
    expect(last()).toMatchObject({ outcome: 'under-way', endedAtMs: undefined });
    subject.nowMs++;
    subject.tell({ type: 'woke' });
    expect(last()).toMatchObject({ outcome: 'timed-out', endedAtMs: subject.nowMs });
    expect(subject.receive(2, antiEntropy({ roundId, answer: true, summary }))).toEqual([]);
  });

  it('pulls what a longer clock shows, and answers with its own', () => {
    const subject = joined(2);
    expect(subject.receive(2, clockQuestion([headOf(log[2]!)]))).toEqual([
      'send to 2: PullRequest #1 2/1-3',
      'send to 2: AntiEntropy answer clock {}',
    ]);
    expect(subject.gossip.status()[0]).toMatchObject({ entryCount: 0, inSync: [] });
  });

  it('answers a clock in kind, also a shorter one, and asks for nothing', () => {
    const subject = joined(2);
    for (const entry of log) subject.receive(2, eager(entry));
    subject.persisted(3);
    const lines = subject.receive(2, clockQuestion([headOf(log[0]!)]));
    expect(lines[0]).toBe('send to 2: AntiEntropy answer clock {2/3}');
    expect(lines.join()).not.toContain('PullRequest');
  });

  it('answers a filter in kind, and announces what it lacks in the order of the log', () => {
    const subject = joined(2);
    for (const entry of log) subject.receive(2, eager(entry));
    subject.persisted(3);
    expect(subject.receive(2, filterQuestion(0))).toEqual([
      'send to 2: Announcements 2/1 lazy, 2/2 lazy, 2/3 lazy',
      'send to 2: AntiEntropy answer filter',
    ]);
    expect(subject.receive(2, filterQuestion(0xff))).toEqual(['send to 2: AntiEntropy answer filter']);
  });

  it('says nothing of what is not durable yet (I8)', () => {
    const subject = joined(2);
    subject.submit('hello');
    expect(subject.receive(2, antiEntropy({}))).toEqual([]);
    const told = subject.persisted(1);
    expect(told).toContain('acknowledge 1: 1/1');
    expect(told).toContain('send to 2: AntiEntropy answer clock {1/1}');
  });

  it('asks one peer after another, every few seconds', () => {
    // Both have smaller DIDs, so neither was asked on meeting.
    const [a, b] = Array.from({ length: 50 }, (_, index) => index).filter((peer) => did(peer) < did(ME));
    const subject = joined(a!, b!);
    const asked: string[] = [];
    for (let lastMs = subject.nowMs; asked.length < 4; lastMs = subject.nowMs) {
      subject.nowMs = subject.gossip.wakeAtMs!;
      const [sent] = sentBy(subject.handle({ type: 'woke' }));
      expect(subject.nowMs - lastMs).toBeGreaterThanOrEqual(4_000);
      expect(subject.nowMs - lastMs).toBeLessThanOrEqual(6_000);
      if (sent?.message.type !== 'AntiEntropy') throw new Error('asked nothing');
      const { roundId } = sent.message;
      const equal = encodeMessage(antiEntropy({ roundId, answer: true, root: null }));
      subject.handle({ type: 'received', from: sent.to, frame: equal });
      asked.push(sent.to);
    }
    expect(asked).toEqual([did(a!), did(b!), did(a!), did(b!)]);
  });

  it('wants nothing and wakes never without peers', () => {
    const subject = joined(2);
    subject.receive(2, { type: 'Unsubscribe', topics: [TOPIC] });
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
    for (let round = 0; round < 12 * peerCount; round++) {
      subject.nowMs = subject.gossip.wakeAtMs!;
      for (const { to, message } of sentBy(subject.handle({ type: 'woke' }))) {
        if (message.type !== 'AntiEntropy' || message.summary?.type !== 'filter') continue;
        expect(message.summary.slice.count).toBe(2);
        seen.set(to, (seen.get(to) ?? new Set()).add(message.summary.slice.index));
      }
    }
    expect([...seen.values()]).toEqual(Array.from({ length: peerCount }, () => new Set([0, 1])));
  });
});
