import { describe, expect, it } from '@jest/globals';
import { encodeCbor } from '@icn/identity/cbor';
import type { EntryParts } from '../src/entry/entry.js';
import { decodeHeader } from '../src/entry/entry-header.js';
import { GossipError } from '../src/errors.js';
import type { GossipEffect } from '../src/events.js';
import { PROTOCOL } from '../src/limits.js';
import { encodeMessage } from '../src/wire/message-codec.js';
import { parseTopic } from '../src/topic.js';
import { depOf, did, entryOf, keyPair, logOf, NETWORK, text, TOPIC } from './fixtures.js';
import { antiEntropy, eager, hello, joined, ME, Subject, subscribe } from './subject.js';

describe('publishing', () => {
  it('with no peers: durable, then delivered and acknowledged', () => {
    const subject = joined();
    expect(subject.submit('hello')).toEqual(['persist #1: entry 1/1, position 1']);
    expect(subject.persisted(1)).toEqual(['deliver 1: 1/1', 'acknowledge 1: 1/1']);
  });

  it('with two peers: announced to both at once, after it is durable (I8)', () => {
    const subject = joined(2, 3);
    expect(subject.submit('hello')).toEqual(['persist #1: entry 1/1, position 1']);
    expect(subject.persisted(1)).toEqual([
      'deliver 1: 1/1',
      'send to 2, 3: Announcement eager 1/1',
      'acknowledge 1: 1/1',
    ]);
  });

  it('goes on while writes are under way, and tells of each when its own write is durable', () => {
    const subject = joined(2);
    expect([subject.submit('a'), subject.submit('b'), subject.submit('c')].flat()).toEqual([
      'persist #1: entry 1/1, position 1',
      'persist #2: entry 1/2, position 2',
      'persist #3: entry 1/3, position 3',
    ]);
    const told = (number: number) => [
      `deliver ${number}: 1/${number}`,
      `send to 2: Announcement eager 1/${number}`,
      `acknowledge ${number}: 1/${number}`,
    ];
    expect(subject.persisted(1)).toEqual(told(1));
    expect(subject.persisted(3)).toEqual([...told(2), ...told(3)]);
  });

  it('takes a copy of the payload: the caller may use the buffer again', () => {
    const subject = joined();
    const buffer = text('hello');
    const effects = subject.handle({ type: 'submitted', topic: TOPIC, payloads: [buffer], ref: 1 });
    buffer.fill(0);
    expect(writtenBy(effects)!.payload).toEqual(text('hello'));
  });

  it('names as deps what was delivered and nothing delivered depends on', () => {
    const subject = joined(2);
    const [a, b] = logOf(keyPair(2), 2);
    const c = entryOf({ author: keyPair(3) });
    for (const entry of [a!, b!, c]) subject.receive(2, eager(entry));
    const effects = subject.handle({ type: 'submitted', topic: TOPIC, payloads: [text('x')], ref: 1 });
    const header = decodeHeader(writtenBy(effects)!.header);
    expect(header).toMatchObject({ seq: 1, deps: [depOf(c.name), depOf(b!.name)] });
  });

  it('is rejected above payloadBytesMax, in a topic that is not followed, and in a full one', () => {
    const subject = joined();
    const largest = new Uint8Array(PROTOCOL.payloadBytesMax);
    expect(subject.submit(new Uint8Array(PROTOCOL.payloadBytesMax + 1))).toEqual([
      'reject 1: payload-too-large',
    ]);
    expect(subject.submit('x', parseTopic('other'))).toEqual(['reject 2: not-joined']);
    expect(subject.submit(largest)).toEqual(['persist #1: entry 1/1, position 1']);
    const small = new Subject({ limits: { entriesPerTopicMax: 1 } });
    small.join();
    expect(small.submit('a')).toEqual(['persist #1: entry 1/1, position 1']);
    expect(small.submit('b')).toEqual(['reject 2: topic-full']);
  });
});

/** The first entry among ordered writes. */
function writtenBy(effects: readonly GossipEffect[]): EntryParts | undefined {
  const writes = effects.flatMap((effect) => (effect.type === 'persist' ? effect.writes : []));
  return writes.flatMap((write) => (write.type === 'entry' ? [write.parts] : []))[0];
}

describe('joining', () => {
  it('meets a peer with a Hello and what it follows; of two that meet, the one with the smaller DID asks', () => {
    for (const peer of [2, 3, 4, 5]) {
      const subject = joined();
      expect(subject.tell({ type: 'peer-up', peer: did(peer) })).toEqual([
        `send to ${peer}: Hello ${NETWORK}`,
        `send to ${peer}: Subscribe lobby`,
      ]);
      expect(subject.tell({ type: 'peer-up', peer: did(peer) })).toEqual([]);
      subject.receive(peer, hello());
      const asks = subject.receive(peer, subscribe()).some((line) => line.includes('AntiEntropy question'));
      expect(asks).toBe(did(ME) < did(peer));
    }
  });

  it('tells all peers that are up, and has them say what they follow', () => {
    const subject = new Subject();
    subject.handle({ type: 'peer-up', peer: did(2) });
    subject.handle({ type: 'peer-up', peer: did(3) });
    expect(subject.join()).toEqual(['send to 2, 3: Subscribe lobby (reply)']);
    expect(subject.join()).toEqual([]);
  });

  it('refuses access that is not enforced yet, in a typed error', () => {
    const subject = new Subject();
    for (const access of [
      { type: 'Private', allowed: [] },
      { type: 'TrustGated', minTrust: 0.5 },
    ] as const) {
      const join = () => subject.handle({ type: 'joined', topic: TOPIC, access });
      expect(join).toThrow(GossipError);
      expect(join).toThrow(expect.objectContaining({ code: 'access-not-yet' }));
    }
    expect(subject.gossip.status()).toEqual([]);
  });

  it('follows at most topicsMax topics', () => {
    const subject = new Subject({ limits: { topicsMax: 1 } });
    subject.join();
    expect(() => subject.join(parseTopic('other'))).toThrow(expect.objectContaining({ code: 'topic-full' }));
  });

  it.each([
    ['network', { network: 'other', version: PROTOCOL.version }, 'network-wrong'],
    ['version', { network: NETWORK, version: 2 }, 'version-unknown'],
  ])('turns away a peer of another %s, and hears it no more', (_, other, reason) => {
    const subject = joined(2);
    const lines = subject.receive(2, hello(other));
    expect(lines[0]).toBe('release 2');
    expect(lines.at(-1)).toBe(`disconnect 2: ${reason}`);
    expect(subject.receive(2, eager(entryOf({ author: keyPair(2) })))).toEqual([]);
    expect(subject.gossip.counters).toEqual({ 'peer-unknown': 1 });
    expect(subject.tell({ type: 'peer-down', peer: did(2) })).toEqual([]);
    expect(subject.gossip.status()[0]!.subscribers).toEqual([]);
  });

  it.each([
    { responseBytesMax: 2 ** 20 },
    { causalWaitMs: 0 },
    { parkedPerLogMax: Number.NaN },
    { servesPerPeerMax: Infinity },
  ])('does not start with the limit %j', (limits) => {
    expect(() => new Subject({ limits })).toThrow(RangeError);
  });

  it.each(['', 'n'.repeat(65), 'é', 'a b', 'a\n'])('does not start in a network called %j', (network) => {
    expect(() => new Subject({ network })).toThrow(RangeError);
  });
});

describe('what is not for this node', () => {
  it.each<[string, Uint8Array, string]>([
    ['garbage', Uint8Array.of(1, 2, 3), 'message-malformed'],
    ['a message of later', encodeCbor([99]), 'message-unknown'],
    ['a frame above the limit', new Uint8Array(PROTOCOL.frameBytesMax + 1), 'message-too-large'],
    ['another topic', encodeMessage({ type: 'Graft', topic: parseTopic('other') }), 'topic-unknown'],
  ])('is counted: %s', (_, frame, name) => {
    const subject = joined(2);
    expect(subject.tell({ type: 'received', from: did(2), frame })).toEqual([]);
    expect(subject.gossip.counters).toEqual({ [name]: 1 });
  });

  it('is answered: a question about another topic, so that it is not asked again', () => {
    const other = parseTopic('other');
    expect(joined(2).receive(2, { ...antiEntropy({}), topic: other })).toEqual([
      'send to 2: Unsubscribe other',
    ]);
  });

  it('is counted: a frame of a peer that is not up', () => {
    const subject = joined();
    expect(subject.receive(2, antiEntropy({}))).toEqual([]);
    expect(subject.gossip.counters).toEqual({ 'peer-unknown': 1 });
  });
});
