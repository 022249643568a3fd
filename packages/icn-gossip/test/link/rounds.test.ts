import { describe, expect, it } from '@jest/globals';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import { encodeMessage } from '../../src/wire/message-codec.js';
import { parseTopic, type Topic } from '../../src/topic.js';
import type { GossipMessage, Roots } from '../../src/wire/messages.js';
import { did, entryOf, keyPair, sentBy, TOPIC } from '../fixtures.js';
import { antiEntropy, hello, joined, ME, Subject, subscribe } from '../subject.js';
import { exchange, Side } from '../side.js';

const topicsOf = (count: number) => Array.from({ length: count }, (_, index) => parseTopic(`topic-${index}`));
const [SMALLER, LARGER] = [(peer: number) => did(peer) < did(ME), (peer: number) => did(peer) > did(ME)].map(
  (test) => Array.from({ length: 50 }, (_, index) => index + 2).find(test)!,
) as [number, number];

/** A node that follows topics and has met a peer that follows the same, of which nothing was said since. */
function met(topics: readonly Topic[], peer = SMALLER): Subject {
  const subject = new Subject();
  for (const topic of topics) subject.join(topic);
  subject.handle({ type: 'peer-up', peer: did(peer) });
  for (const message of [hello(), { type: 'Subscribe', topics, reply: false } as const])
    subject.handle({ type: 'received', from: did(peer), frame: encodeMessage(message) });
  return subject;
}

function rounds(subject: Subject): GossipMessage[] {
  subject.nowMs = subject.gossip.wakeAtMs!;
  return sentBy(subject.handle({ type: 'woke' })).map(({ message }) => message);
}

describe('an idle pair', () => {
  it.each([
    ['without a topic', 0],
    ['of 1 topic', 1],
    ['of 2 topics', 2],
    ['of 1,000 topics', 1_000],
  ])('%s says at most 100 bytes a round, in both directions together', (_, count) => {
    const topics = topicsOf(count);
    const [a, b] = [new Side({ index: 1, topics }), new Side({ index: 2, topics })];
    exchange(a, b);
    for (const side of [a, b, a, b]) {
      side.nowMs = side.gossip.wakeAtMs!;
      const said = exchange(a, b, { from: side, frames: side.tell({ type: 'woke' }) });
      expect(said.reduce((sum, { frame }) => sum + frame.length, 0)).toBeLessThanOrEqual(100);
      expect(said.length).toBeLessThanOrEqual(2);
      for (const one of [a, b])
        for (const { inSync } of one.gossip.status()) expect(inSync).toEqual([one === a ? b.did : a.did]);
    }
  });
});

describe('of many topics', () => {
  const topics = topicsOf(20);

  it('only those that differ are asked for', () => {
    const [a, b] = [new Side({ index: 1, topics }), new Side({ index: 2, topics })];
    exchange(a, b);
    for (const topic of [topics[3]!, topics[17]!]) b.hold(entryOf({ author: keyPair(9), topic }));
    a.nowMs = a.gossip.wakeAtMs!;
    const said = exchange(a, b, { from: a, frames: a.tell({ type: 'woke' }) });
    const asked = said.flatMap(({ message }) =>
      message.type === 'AntiEntropy' && !message.answer ? [message.topic] : [],
    );
    expect(new Set(asked)).toEqual(new Set([topics[3], topics[17]]));
    for (const topic of topics) expect(a.root(topic)).toBe(b.root(topic));
  });

  it('one is compared by its own root, more by the root of their roots', () => {
    expect(rounds(met([TOPIC]))).toMatchObject([{ type: 'AntiEntropy', answer: false, topic: TOPIC }]);
    expect(rounds(met(topics))).toMatchObject([
      { type: 'Roots', answer: false, topicCount: 20, rows: null, root: expect.any(Uint8Array) },
    ]);
  });

  it('each is compared by its own root with a peer that does not understand Roots', () => {
    const subject = met(topics);
    const frame = encodeMessage(hello({ extensions: [] }));
    subject.handle({ type: 'received', from: did(SMALLER), frame });
    expect(rounds(subject).map(({ type }) => type)).toEqual(topics.map(() => 'AntiEntropy'));
  });

  it('an answer is heard though the next question went out before it came', () => {
    const subject = met(topics);
    const [first] = rounds(subject) as Roots[];
    let second: GossipMessage | undefined;
    while (second?.type !== 'Roots') [second] = rounds(subject);
    expect(second.roundId).not.toBe(first!.roundId);
    subject.receive(SMALLER, { ...first!, answer: true, root: null });
    expect(subject.gossip.status()[0]!.inSync).toEqual([did(SMALLER)]);
  });

  it('an answer to no question is not heard', () => {
    const subject = met(topics);
    const [asked] = rounds(subject) as Roots[];
    const equal: Roots = { ...asked!, answer: true, root: null };
    subject.receive(SMALLER, { ...equal, roundId: asked!.roundId + 2 });
    expect(subject.gossip.status()[0]!.inSync).toEqual([]);
    subject.receive(SMALLER, equal);
    expect(subject.gossip.status()[0]!.inSync).toEqual([did(SMALLER)]);
    const rows = new Uint8Array(20 * 8);
    expect(subject.receive(SMALLER, { ...equal, root: new Uint8Array(32), rows })).toEqual([]);
  });

  it('"equal" is not taken for what is held since the question', () => {
    const subject = met(topics);
    const [asked] = rounds(subject) as Roots[];
    const entry = entryOf({ author: keyPair(9), topic: topics[3]! });
    const { name, parts } = entry;
    subject.receive(SMALLER, { type: 'Announcement', topic: topics[3]!, name, entry: parts });
    subject.receive(SMALLER, { ...asked!, answer: true, root: null });
    expect(subject.gossip.status().flatMap(({ inSync }) => inSync)).toEqual([]);
  });

  it('a peer that counts others is told what is followed, and asked; rows would be of other topics', () => {
    const subject = met(topics);
    const question: Roots = {
      type: 'Roots',
      roundId: 9,
      answer: false,
      topicCount: 19,
      root: new Uint8Array(32),
      rows: null,
    };
    expect(subject.receive(SMALLER, question)).toEqual([
      `send to ${SMALLER}: Subscribe ${topics.join(', ')} (reply)`,
      `send to ${SMALLER}: Roots answer of 20 other topics`,
    ]);
    expect(subject.receive(SMALLER, { ...question, topicCount: 20 })).toEqual([
      `send to ${SMALLER}: Roots answer of 20 20 rows`,
    ]);
  });

  it('a hostile peer has a bounded number of its questions looked at', () => {
    const subject = met(topics);
    const question: Roots = {
      type: 'Roots',
      roundId: 9,
      answer: false,
      topicCount: 9,
      root: new Uint8Array(32),
      rows: null,
    };
    let lineCount = 0;
    for (let count = 0; count < 1_000; count++) lineCount += subject.receive(SMALLER, question).length;
    expect(lineCount).toBe(2 * DEFAULT_LIMITS.roundsBurstMax);
    expect(subject.gossip.counters['rounds-overload']).toBe(1_000 - DEFAULT_LIMITS.roundsBurstMax);
    // Coming back gains it nothing.
    subject.handle({ type: 'peer-down', peer: did(SMALLER) });
    subject.handle({ type: 'peer-up', peer: did(SMALLER) });
    subject.receive(SMALLER, { type: 'Subscribe', topics, reply: false });
    expect(subject.receive(SMALLER, { ...question, topicCount: 20 })).toEqual([]);
    subject.nowMs += 1_000;
    expect(subject.receive(SMALLER, question)).toHaveLength(2);
  });

  it('a hostile peer gains no rounds by leaving and coming back', () => {
    const subject = joined(SMALLER);
    for (let count = 0; count < 200; count++) {
      subject.receive(SMALLER, { type: 'Unsubscribe', topics: [TOPIC] });
      subject.receive(SMALLER, { type: 'Subscribe', topics: [TOPIC], reply: false });
      subject.receive(SMALLER, antiEntropy({ roundId: count }));
    }
    expect(subject.gossip.counters['rounds-overload']).toBeGreaterThan(180);
  });
});

describe('what was lost of the meeting', () => {
  /** Lets two sides meet; `isLost` says of each frame whether it is lost. Then rounds, in which none is. */
  function meet(
    [aTopics, bTopics]: readonly [readonly Topic[], readonly Topic[]],
    isLost: (message: GossipMessage, from: Side) => boolean,
    change: (a: Side, b: Side) => readonly Uint8Array[] = () => [],
  ): { a: Side; b: Side } {
    const [a, b] = [new Side({ index: 1, topics: aTopics }), new Side({ index: 2, topics: bTopics })];
    exchange(a, b, { isLost });
    exchange(a, b, { from: a, frames: change(a, b), isLost });
    for (let round = 0; round < 3; round++) {
      for (const side of [a, b]) {
        a.nowMs = b.nowMs = Math.max(a.nowMs, b.nowMs) + 6_000;
        exchange(a, b, { from: side, frames: side.tell({ type: 'woke' }) });
      }
    }
    return { a, b };
  }

  const topics = topicsOf(3);

  it.each<[string, (message: GossipMessage, from: Side) => boolean]>([
    ['nothing', () => false],
    ['one Hello', ({ type }, from) => type === 'Hello' && from.index === 1],
    ['both Hellos', ({ type }) => type === 'Hello'],
    ['one Subscribe', ({ type }, from) => type === 'Subscribe' && from.index === 2],
    ['both Subscribes', ({ type }) => type === 'Subscribe'],
    ['everything', () => true],
  ])('is said again: %s', (_, isLost) => {
    const { a, b } = meet([topics, topics], isLost);
    for (const [one, other] of [
      [a, b],
      [b, a],
    ])
      for (const { subscribers, inSync } of one!.gossip.status())
        expect([subscribers, inSync]).toEqual([[other!.did], [other!.did]]);
  });

  it.each([0, 1, 3])('is said again: a later Subscribe, beside %d topics that both know of', (count) => {
    const shared = topicsOf(count);
    const { a, b } = meet(
      [shared, [...shared, TOPIC]],
      ({ type }, from) => type === 'Subscribe' && from.index === 1 && from.follows(TOPIC),
      (side) => side.join(TOPIC),
    );
    for (const side of [a, b])
      expect(side.gossip.status().find(({ topic }) => topic === TOPIC)!.subscribers).toHaveLength(1);
  });

  it.each([1, 2, 3])('is said again: an Unsubscribe, beside %d topics', (count) => {
    const shared = topicsOf(count);
    const { a, b } = meet(
      [
        [...shared, TOPIC],
        [...shared, TOPIC],
      ],
      ({ type }) => type === 'Unsubscribe',
      (side) => side.leave(TOPIC),
    );
    expect(b.gossip.status().find(({ topic }) => topic === TOPIC)!.subscribers).toEqual([]);
    for (const side of [a, b]) {
      const status = side.gossip.status().filter(({ topic }) => topic !== TOPIC);
      for (const { inSync } of status) expect(inSync).toHaveLength(1);
    }
  });

  it('is not said again where nothing was lost', () => {
    const subject = met(topics);
    expect(rounds(subject).map(({ type }) => type)).toEqual(['Roots']);
  });
});

describe('of two that meet', () => {
  it.each([
    ['the smaller', LARGER, 'Roots'],
    ['not the larger', SMALLER, undefined],
  ])('%s DID asks', (_, peer, asked) => {
    const subject = new Subject();
    for (const topic of topicsOf(2)) subject.join(topic);
    subject.handle({ type: 'peer-up', peer: did(peer) });
    subject.receive(peer, hello());
    const lines = subject.receive(peer, { type: 'Subscribe', topics: topicsOf(2), reply: false });
    expect(lines.find((line) => line.includes('question'))?.includes(asked ?? '')).toBe(
      asked === undefined ? undefined : true,
    );
  });

  it('a Subscribe is answered by the topics in it that are followed, and by no others', () => {
    const subject = met(topicsOf(3));
    const [first] = topicsOf(1);
    expect(
      subject.receive(SMALLER, { type: 'Subscribe', topics: [first!, parseTopic('secret')], reply: true }),
    ).toEqual([`send to ${SMALLER}: Subscribe ${first}`]);
  });

  it('a peer whose link comes and goes is met with a bounded number of rounds, and the others are counted', () => {
    const subject = new Subject();
    subject.join();
    let questionCount = 0;
    for (let count = 0; count < 2 * DEFAULT_LIMITS.roundsBurstMax; count++) {
      subject.handle({ type: 'peer-up', peer: did(LARGER) });
      subject.receive(LARGER, hello());
      const lines = subject.receive(LARGER, subscribe());
      questionCount += lines.filter((line) => line.includes('AntiEntropy question')).length;
      subject.handle({ type: 'peer-down', peer: did(LARGER) });
    }
    expect(questionCount).toBe(DEFAULT_LIMITS.roundsBurstMax);
    expect(subject.gossip.counters['rounds-overload']).toBe(DEFAULT_LIMITS.roundsBurstMax);
  });
});
