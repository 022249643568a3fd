import { toHex } from '@icn/identity';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeCbor, encodeCbor, type Cbor } from '../src/wire/cbor.js';
import type { EntryParts } from '../src/entry/entry.js';
import type { EntryId, EntryName, Lane } from '../src/entry/entry-name.js';
import { PROTOCOL } from '../src/limits.js';
import { decodeMessage, encodeMessage } from '../src/wire/message-codec.js';
import { parseTopic } from '../src/topic.js';
import type { GossipMessage } from '../src/wire/messages.js';
import { did, entryOf, NETWORK, TOPIC } from './fixtures.js';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const seq = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const uint = fc.maxSafeNat();
const log = { author: fc.constantFrom(did(1), did(2), did(3)), lane: fc.constantFrom<Lane>(0, 1) };
const topic = fc.constantFrom('lobby', 'a', '0.b_c:d-e', 'x'.repeat(64)).map(parseTopic);
const name: fc.Arbitrary<EntryName> = fc.record({
  ...log,
  seq,
  id: bytes(32).map((id) => toHex(id) as EntryId),
});
const parts: fc.Arbitrary<EntryParts> = fc.record({
  header: fc.uint8Array({ maxLength: 50 }),
  payload: fc.option(fc.uint8Array({ maxLength: 50 }), { nil: undefined }),
  proof: fc.record({ type: fc.constant('signature' as const), signature: bytes(64) }),
});
const range = fc.record({ ...log, ends: fc.tuple(seq, seq) }).map(({ author, lane, ends }) => {
  return { author, lane, from: Math.min(...ends), to: Math.max(...ends) };
});
const filter = fc
  .record({
    count: fc.integer({ min: 1, max: 99 }),
    index: fc.nat(98),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 20 }),
  })
  .map(({ count, index, bytes: filterBytes }) => ({
    slice: { index: index % count, count },
    bytes: filterBytes,
  }));

const message: fc.Arbitrary<GossipMessage> = fc.oneof(
  fc.record({
    type: fc.constant('Hello' as const),
    version: uint,
    network: fc.constantFrom('icn', 'a b'.replace(' ', '-')),
    extensions: fc.array(fc.constantFrom('plumtree', 'sketch/1'), { maxLength: 3 }),
  }),
  fc.record({
    type: fc.constant('Announcement' as const),
    topic,
    name,
    entry: fc.option(parts, { nil: undefined }),
  }),
  fc.record({
    type: fc.constant('PullRequest' as const),
    requestId: uint,
    topic,
    missing: fc.array(name, { maxLength: 3 }),
    ranges: fc.array(range, { maxLength: 3 }),
    bytesMax: seq,
  }),
  fc.record({
    type: fc.constant('PullResponse' as const),
    requestId: uint,
    topic,
    entries: fc.array(parts, { maxLength: 3 }),
    more: fc.boolean(),
  }),
  fc.record({
    type: fc.constant('AntiEntropy' as const),
    topic,
    roundId: uint,
    answer: fc.boolean(),
    salt: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    root: bytes(32),
    epoch: bytes(8),
    clock: fc.option(
      fc.array(fc.record({ ...log, floor: uint, seq, id: name.map(({ id }) => id) }), { maxLength: 3 }),
    ),
    closed: fc.array(fc.record({ ...log, from: seq }), { maxLength: 2 }),
    filter: fc.option(filter),
    sketch: fc.option(fc.uint8Array({ maxLength: 20 })),
  }),
);

const ENTRY = entryOf();
const RESPONSE = {
  type: 'PullResponse',
  requestId: 1,
  topic: TOPIC,
  entries: [ENTRY.parts, ENTRY.parts],
  more: false,
} as const;

/** The frame of a message, with one of its fields replaced or added. */
function frameWith(original: GossipMessage, index: number, value: Cbor): Uint8Array {
  const fields = [...(decodeCbor(encodeMessage(original)) as readonly Cbor[])];
  fields[index] = value;
  return encodeCbor(fields);
}

describe('message codec', () => {
  it('gives back every message', () => {
    fc.assert(
      fc.property(message, (original) => expect(decodeMessage(encodeMessage(original))).toEqual(original)),
      { numRuns: 500 },
    );
  });

  it('ignores fields after the last known one', () => {
    fc.assert(
      fc.property(message, (original) => {
        const fields = decodeCbor(encodeMessage(original)) as readonly Cbor[];
        expect(decodeMessage(encodeCbor([...fields, 'new', [1]]))).toEqual(original);
      }),
    );
  });

  it('calls malformed a message that lacks its last field', () => {
    fc.assert(
      fc.property(message, (original) => {
        const fields = decodeCbor(encodeMessage(original)) as readonly Cbor[];
        expect(decodeMessage(encodeCbor(fields.slice(0, -1)))).toBe('message-malformed');
      }),
    );
  });

  it.each<[string, Uint8Array, string]>([
    ['a type of later', encodeCbor([5, 'anything']), 'message-unknown'],
    ['the last type there is', encodeCbor([Number.MAX_SAFE_INTEGER]), 'message-unknown'],
    ['nothing', new Uint8Array(0), 'message-malformed'],
    ['an empty array', encodeCbor([]), 'message-malformed'],
    ['a type that is text', encodeCbor(['Hello', 1, NETWORK, []]), 'message-malformed'],
    ['a number', encodeCbor(1), 'message-malformed'],
    ['a map', Uint8Array.of(0xa0), 'message-malformed'],
    ['a frame above the limit', new Uint8Array(PROTOCOL.frameBytesMax + 1), 'message-too-large'],
    ['a frame at the limit', new Uint8Array(PROTOCOL.frameBytesMax), 'message-malformed'],
    ['a topic that is none', frameWith(RESPONSE, 2, 'LOBBY'), 'message-malformed'],
    ['entries that are no list', frameWith(RESPONSE, 3, null), 'message-malformed'],
    ['a network above its limit', encodeCbor([0, 1, 'n'.repeat(65), []]), 'message-malformed'],
    [
      'a name of a key of small order',
      encodeCbor([1, TOPIC, [new Uint8Array(32), 0, 1, new Uint8Array(32)], null]),
      'message-malformed',
    ],
  ])('answers %s with a name', (_, frame, fault) => {
    expect(decodeMessage(frame)).toBe(fault);
  });

  it('lets one unreadable entry of a response cost itself alone', () => {
    const encoded = (decodeCbor(encodeMessage(RESPONSE)) as readonly Cbor[])[3] as readonly Cbor[];
    const batchProof: Cbor = [ENTRY.parts.header, null, [1, new Uint8Array(64)]];
    const decoded = decodeMessage(
      frameWith(RESPONSE, 3, [encoded[0]!, 'garbage', null, batchProof, encoded[1]!]),
    );
    expect(decoded).toEqual({
      ...RESPONSE,
      entries: [ENTRY.parts, undefined, undefined, undefined, ENTRY.parts],
    });
  });

  it('refuses ranges and slices that end before they begin', () => {
    const request = {
      type: 'PullRequest',
      requestId: 1,
      topic: TOPIC,
      missing: [],
      ranges: [],
      bytesMax: 1,
    } as const;
    const ask = (from: number, to: number) =>
      decodeMessage(encodeMessage({ ...request, ranges: [{ author: did(1), lane: 0, from, to }] }));
    expect([ask(2, 1), ask(0, 1)]).toEqual(['message-malformed', 'message-malformed']);
    expect(ask(1, 1)).toMatchObject({ type: 'PullRequest' });
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (frame) => void decodeMessage(frame)),
      { numRuns: 2_000 },
    );
  });
});
