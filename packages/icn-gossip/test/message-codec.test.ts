import { publicKeyFromDid, toHex } from '@icn/identity';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeCbor, encodeCbor, type Cbor } from '@icn/identity/cbor';
import type { EntryParts } from '../src/entry/entry.js';
import type { EntryId, EntryName, Lane } from '../src/entry/entry-name.js';
import { PROTOCOL } from '../src/limits.js';
import { decodeMessage, encodeMessage } from '../src/wire/message-codec.js';
import { parseTopic } from '../src/topic.js';
import { SCHEMAS, TYPE_NUMBERS } from '../src/wire/message-schema.js';
import type { GossipMessage, LogRange, PullRequest, Summary } from '../src/wire/messages.js';
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
  proof: fc.oneof(
    fc.record({ type: fc.constant('signature' as const), signature: bytes(64) }),
    fc.record({
      type: fc.constant('batch' as const),
      signature: bytes(64),
      index: uint,
      path: fc.uint8Array({ maxLength: 320 }),
    }),
  ),
});
/** Of one log one after another, ascending and apart; the end of the last is at most 2^53 − 2. */
const ranges: fc.Arbitrary<LogRange[]> = fc
  .array(
    fc.record({
      ...log,
      runs: fc.array(fc.tuple(fc.integer({ min: 1, max: 2 ** 48 }), fc.integer({ min: 1, max: 2 ** 48 })), {
        minLength: 1,
        maxLength: 4,
      }),
    }),
    { maxLength: 3 },
  )
  .map((rows) =>
    rows.flatMap(({ author, lane, runs }) => {
      let next = 0;
      return runs.map(([skipped, count]) => {
        const from = next + skipped;
        next = from + count;
        return { author, lane, from, to: next - 1 };
      });
    }),
  );
const id = name.map((whole) => whole.id);
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const peers = fc.array(fc.constantFrom(did(1), did(2), did(3)), { maxLength: 3 });
const summary: fc.Arbitrary<Summary> = fc.oneof(
  fc.record({
    type: fc.constant('clock' as const),
    clock: fc.array(fc.record({ ...log, floor: uint, seq, id }), { maxLength: 3 }),
    base: fc.option(bytes(8)),
  }),
  fc
    .record({
      salt: u64,
      count: fc.integer({ min: 1, max: 99 }),
      index: fc.nat(98),
      filter: fc.uint8Array({ minLength: 1, maxLength: 20 }),
    })
    .map(({ salt, count, index, filter }) => {
      return { type: 'filter' as const, salt, slice: { index: index % count, count }, bytes: filter };
    }),
  fc.record({ type: fc.constant('sketch' as const), first: uint, symbols: fc.uint8Array({ maxLength: 40 }) }),
  fc.record({ type: fc.constant('sketch-request' as const), first: uint, count: seq }),
  fc.record({ type: fc.constant('clock-request' as const) }),
);

/** Every message there is, by its type. */
const messages: { [Type in GossipMessage['type']]: fc.Arbitrary<Extract<GossipMessage, { type: Type }>> } = {
  Hello: fc.record({
    type: fc.constant('Hello' as const),
    version: uint,
    network: fc.constantFrom('icn', 'a-b'),
    extensions: fc.array(fc.constantFrom('topics', 'sketch/1'), { maxLength: 3 }),
    nonce: bytes(8),
    heard: fc.boolean(),
  }),
  Announcement: fc.record({
    type: fc.constant('Announcement' as const),
    topic,
    name,
    entry: fc.option(parts, { nil: undefined }),
    hops: fc.option(fc.nat(64), { nil: undefined }),
  }),
  PullRequest: fc.record({
    type: fc.constant('PullRequest' as const),
    requestId: uint,
    topic,
    missing: fc.array(name, { maxLength: 3 }),
    ranges,
    bytesMax: seq,
    heads: fc.option(
      fc.record({
        roundId: uint,
        wants: fc.array(u64, { maxLength: 3 }),
        haves: fc.array(u64, { maxLength: 3 }),
      }),
    ),
    evidence: fc.array(fc.record(log), { maxLength: 2 }),
  }),
  PullResponse: fc.record({
    type: fc.constant('PullResponse' as const),
    requestId: uint,
    topic,
    entries: fc.array(parts, { maxLength: 3 }),
    more: fc.boolean(),
  }),
  AntiEntropy: fc.record({
    type: fc.constant('AntiEntropy' as const),
    topic,
    roundId: uint,
    answer: fc.boolean(),
    root: fc.option(bytes(32)),
    counts: fc.option(fc.record({ heads: uint, held: uint, parked: uint })),
    closed: fc.array(fc.record({ ...log, from: seq }), { maxLength: 2 }),
    summary: fc.option(summary),
  }),
  Subscribe: fc.record({
    type: fc.constant('Subscribe' as const),
    topics: fc.array(topic, { maxLength: 3 }),
    reply: fc.boolean(),
  }),
  Unsubscribe: fc.record({
    type: fc.constant('Unsubscribe' as const),
    topics: fc.array(topic, { maxLength: 3 }),
  }),
  Announcements: fc.record({
    type: fc.constant('Announcements' as const),
    topic,
    entries: fc.array(parts, { maxLength: 3 }),
    names: fc.array(name, { maxLength: 3 }),
    isRepair: fc.boolean(),
  }),
  Graft: fc.record({ type: fc.constant('Graft' as const), topic }),
  Prune: fc.record({ type: fc.constant('Prune' as const), topic }),
  TopicRoots: fc.array(topic, { maxLength: 5 }).chain((topics) =>
    fc.record({
      type: fc.constant('TopicRoots' as const),
      topics: fc.constant(topics),
      rows: fc.uint8Array({ minLength: 8 * topics.length, maxLength: 8 * topics.length }),
    }),
  ),
  Roots: fc.record({
    type: fc.constant('Roots' as const),
    roundId: uint,
    answer: fc.boolean(),
    topicCount: uint,
    root: fc.option(bytes(32)),
    rows: fc.option(fc.uint8Array({ maxLength: 24 })),
  }),
  Join: fc.record({ type: fc.constant('Join' as const), topic }),
  ForwardJoin: fc.record({
    type: fc.constant('ForwardJoin' as const),
    topic,
    joiner: log.author,
    ttl: uint,
  }),
  Neighbor: fc.record({ type: fc.constant('Neighbor' as const), topic, isUrgent: fc.boolean() }),
  NeighborAnswer: fc.record({ type: fc.constant('NeighborAnswer' as const), topic, accepted: fc.boolean() }),
  Disconnect: fc.record({ type: fc.constant('Disconnect' as const), topic }),
  Shuffle: fc.record({
    type: fc.constant('Shuffle' as const),
    topic,
    origin: log.author,
    ttl: uint,
    peers,
  }),
  ShuffleReply: fc.record({ type: fc.constant('ShuffleReply' as const), topic, peers }),
  Equivocation: fc.record({
    type: fc.constant('Equivocation' as const),
    topic,
    entries: fc.array(parts, { maxLength: 3 }),
  }),
};
const message: fc.Arbitrary<GossipMessage> = fc.oneof(...Object.values(messages));

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
    ['a type of later', encodeCbor([20, 'anything']), 'message-unknown'],
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
    [
      'a network above its limit',
      encodeCbor([0, 1, 'n'.repeat(65), [], new Uint8Array(8), new Uint8Array(8), true]),
      'message-malformed',
    ],
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
    const laterProof: Cbor = [ENTRY.parts.header, null, [2, new Uint8Array(64)]];
    const cutProof: Cbor = [ENTRY.parts.header, null, [1, new Uint8Array(64), 0]];
    const decoded = decodeMessage(
      frameWith(RESPONSE, 3, [encoded[0]!, 'garbage', laterProof, cutProof, encoded[1]!]),
    );
    expect(decoded).toEqual({
      ...RESPONSE,
      entries: [ENTRY.parts, undefined, undefined, undefined, ENTRY.parts],
    });
  });

  it('knows every type of message by a number of its own', () => {
    const numbers = Object.values(TYPE_NUMBERS);
    expect(numbers.toSorted((a, b) => a - b)).toEqual(numbers.map((_, index) => index));
    expect([...SCHEMAS.keys()].toSorted((a, b) => a - b)).toEqual(numbers.map((_, index) => index));
  });

  describe('ranges', () => {
    const request: PullRequest = {
      type: 'PullRequest',
      requestId: 1,
      topic: TOPIC,
      missing: [],
      ranges: [],
      bytesMax: 1,
      heads: null,
      evidence: [],
    };
    const key = publicKeyFromDid(did(1));
    const read = (runs: Cbor) => decodeMessage(frameWith(request, 4, [[key, 0, runs]]));

    it('of one log share a row: the first seq, how many, how many to pass over, how many…', () => {
      const log1 = { author: did(1), lane: 0 as const };
      const spans = [
        { ...log1, from: 3, to: 5 },
        { ...log1, from: 7, to: 7 },
      ];
      const row = decodeCbor(encodeMessage({ ...request, ranges: spans })) as readonly Cbor[];
      expect(row[4]).toEqual([[Buffer.from(key), 0, [3, 3, 1, 1]]]);
      expect(read([3, 3, 1, 1])).toMatchObject({ ranges: spans });
    });

    it.each<[string, Cbor]>([
      ['that begin at seq 0', [0, 1]],
      ['that end before they begin', [2, 0]],
      ['without an end', [1]],
      ['that touch: they would be one', [1, 1, 0, 1]],
      ['of nothing', []],
      ['beyond what is exact', [Number.MAX_SAFE_INTEGER, 2]],
      ['beyond what is exact, in parts', [1, 2 ** 52, 2 ** 52, 1]],
    ])('%s are malformed', (_, runs) => {
      expect(read(runs)).toBe('message-malformed');
    });

    it('may end at the largest seq there is', () => {
      expect(read([Number.MAX_SAFE_INTEGER - 1, 2])).toMatchObject({
        ranges: [{ from: Number.MAX_SAFE_INTEGER - 1, to: Number.MAX_SAFE_INTEGER }],
      });
    });
  });

  it.each<[string, Cbor]>([
    ['a slice beyond the last', [1, new Uint8Array(8), 2, 2, new Uint8Array(1)]],
    ['a filter without bytes', [1, new Uint8Array(8), 0, 1, new Uint8Array(0)]],
    ['a request for no symbols', [3, 0, 0]],
    ['a kind of later', [9, 1]],
    ['a base that is no 8 bytes', [0, [], new Uint8Array(7)]],
  ])('calls malformed a summary that is %s', (_, told) => {
    const question: GossipMessage = {
      type: 'AntiEntropy',
      topic: TOPIC,
      roundId: 1,
      answer: false,
      root: null,
      counts: null,
      closed: [],
      summary: null,
    };
    expect(decodeMessage(frameWith(question, 7, told))).toBe('message-malformed');
    expect(decodeMessage(frameWith(question, 7, [4]))).toMatchObject({ summary: { type: 'clock-request' } });
  });

  it('calls malformed hashes that are cut', () => {
    const cut = (byteCount: number) =>
      decodeMessage(
        encodeCbor([2, 1, TOPIC, [], [], 1, [7, new Uint8Array(byteCount), new Uint8Array(0)], []]),
      );
    expect([cut(9), typeof cut(8)]).toEqual(['message-malformed', 'object']);
  });

  it('reads hops beyond what is counted as none, so that no relay of a lie looks like a liar', () => {
    const { name, parts } = ENTRY;
    const announcement: GossipMessage = { type: 'Announcement', topic: TOPIC, name, entry: parts };
    const hopsOf = (hops: number) => decodeMessage(frameWith(announcement, 4, hops));
    expect(hopsOf(64)).toMatchObject({ hops: 64 });
    for (const hops of [65, Number.MAX_SAFE_INTEGER])
      expect(hopsOf(hops)).toEqual({ ...announcement, hops: undefined });
  });

  it.each<[string, Cbor]>([
    ['topics', [5, Array<Cbor>(1_000_000).fill(0), true]],
    ['entries', [3, 1, TOPIC, Array<Cbor>(1_000_000).fill(0), false]],
    ['names', [7, TOPIC, [], Array<Cbor>(1_000_000).fill(0), true]],
    ['runs', [2, 1, TOPIC, [], [[new Uint8Array(32), 0, Array<Cbor>(1_000_000).fill(0)]], 1, null, []]],
    ['components', [4, TOPIC, 1, false, null, null, [], [0, Array<Cbor>(1_000_000).fill(0), null]]],
  ])('calls a million %s that are none malformed, and does not throw', (_, value) => {
    expect(decodeMessage(encodeCbor(value))).toBe('message-malformed');
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (frame) => void decodeMessage(frame)),
      { numRuns: 2_000 },
    );
  });
});
