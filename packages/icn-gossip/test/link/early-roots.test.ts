import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import { parseTopic } from '../../src/topic.js';
import { decodeMessage, encodeMessage } from '../../src/wire/message-codec.js';
import type { TopicRoots } from '../../src/wire/messages.js';
import { did, entryOf, keyPair, TOPIC } from '../fixtures.js';
import { eager, hello, joined, Subject } from '../subject.js';

const BYTES_MAX = 1_000;

function read(frame: Uint8Array | undefined): TopicRoots | undefined {
  if (frame === undefined) return undefined;
  const message = decodeMessage(frame);
  if (typeof message === 'string' || message.type !== 'TopicRoots') throw new TypeError('not what was asked');
  return message;
}

/** A node that follows some topics, and one that holds an entry in the first of them. */
function two(): [Subject, Subject] {
  const [a, b] = [joined(2), joined(2)];
  b.receive(2, eager(entryOf({ author: keyPair(9) })));
  b.persisted(1);
  return [a, b];
}

describe('the early question', () => {
  it('says the first 8 bytes of the root of each topic that is followed', () => {
    const [, b] = two();
    const { topics, rows } = read(b.gossip.earlyQuestion(BYTES_MAX))!;
    expect(topics).toEqual([TOPIC]);
    expect(rows).toEqual(b.gossip.status()[0]!.root.subarray(0, 8));
  });

  it('is of as many topics as fit', () => {
    const subject = new Subject();
    for (let index = 0; index < 200; index++) subject.join(parseTopic(`a-rather-long-topic-name-${index}`));
    const frame = subject.gossip.earlyQuestion(BYTES_MAX)!;
    expect(frame.length).toBeLessThanOrEqual(BYTES_MAX);
    expect(frame.length).toBeGreaterThan(0.9 * BYTES_MAX);
  });

  it('is not asked where no topic is followed, or what is held is not durable', () => {
    expect(new Subject().gossip.earlyQuestion(BYTES_MAX)).toBeUndefined();
    const subject = joined(2);
    subject.receive(2, eager(entryOf({ author: keyPair(9) })));
    expect(subject.gossip.earlyQuestion(BYTES_MAX)).toBeUndefined();
    subject.persisted(1);
    expect(subject.gossip.earlyQuestion(BYTES_MAX)).toBeDefined();
  });
});

describe('the early answer', () => {
  it('is of the topics that both follow, and changes nothing, however often it is asked for', () => {
    const [a, b] = two();
    a.join(parseTopic('other'));
    const question = a.gossip.earlyQuestion(BYTES_MAX)!;
    const before = JSON.stringify([b.gossip.status(), b.gossip.counters, b.gossip.wakeAtMs]);
    const answers = Array.from({ length: 100 }, () => b.gossip.answerEarly(question, BYTES_MAX));
    expect(read(answers[0])).toEqual(read(b.gossip.earlyQuestion(BYTES_MAX)));
    expect(new Set(answers.map((answer) => Buffer.from(answer!).toString('hex'))).size).toBe(1);
    expect(JSON.stringify([b.gossip.status(), b.gossip.counters, b.gossip.wakeAtMs])).toBe(before);
    // Nothing was gathered to be done later either.
    expect(b.handle({ type: 'unreachable', peer: did(30) })).toEqual([]);
  });

  it.each([
    ['another message', encodeMessage(hello())],
    ['no CBOR', Uint8Array.of(0xff, 0)],
    [
      'rows that do not fit the topics',
      encodeMessage({ type: 'TopicRoots', topics: [TOPIC], rows: new Uint8Array(7) }),
    ],
    [
      'no topic that is followed',
      encodeMessage({ type: 'TopicRoots', topics: [parseTopic('x')], rows: new Uint8Array(8) }),
    ],
    ['nothing', new Uint8Array()],
  ])('is not given to %s', (_, frame) => {
    expect(joined(2).gossip.answerEarly(frame, BYTES_MAX)).toBeUndefined();
  });
});

it('whatever is asked early, nothing is thrown', () => {
  const [, b] = two();
  const question = b.gossip.earlyQuestion(BYTES_MAX)!;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(question.length), (bytes, at) => {
      for (const frame of [bytes, Uint8Array.of(...question.subarray(0, at), ...bytes)]) {
        const answer = b.gossip.answerEarly(frame, BYTES_MAX);
        expect(answer === undefined || answer.length <= BYTES_MAX).toBe(true);
      }
    }),
  );
});

describe('an answer that came early', () => {
  /** The node meets a peer, which has said nothing on this link yet, and hears the answer. */
  function told(subject: Subject, answer: Uint8Array): string[] {
    subject.handle({ type: 'peer-up', peer: did(3) });
    return subject.tell({ type: 'received', from: did(3), frame: answer });
  }

  it('begins reconciliation of the topics that differ at once, before the peer has said what it follows', () => {
    const [a, b] = two();
    const answer = b.gossip.answerEarly(a.gossip.earlyQuestion(BYTES_MAX)!, BYTES_MAX)!;
    expect(told(a, answer).filter((line) => line.includes('AntiEntropy'))).toHaveLength(1);
  });

  it('asks nothing of topics that are equal, or not followed', () => {
    const [a, b] = [joined(2), joined(2)];
    b.join(parseTopic('other'));
    const answer = b.gossip.earlyQuestion(BYTES_MAX)!;
    expect(told(a, answer).filter((line) => line.includes('AntiEntropy'))).toEqual([]);
  });

  it('is looked at as often as other messages of roots', () => {
    const [a, b] = two();
    const answer = b.gossip.earlyQuestion(BYTES_MAX)!;
    told(a, answer);
    for (let count = 0; count < 100; count++) a.tell({ type: 'received', from: did(3), frame: answer });
    expect(a.gossip.counters['rounds-overload']).toBe(101 - DEFAULT_LIMITS.roundsBurstMax);
  });
});
