import { toHex } from '@icn/identity';
import { BloomFilter } from '../src/repair/bloom-filter.js';
import { encodeCbor, type Cbor } from '../src/wire/cbor.js';
import type { VerifiedEntry } from '../src/entry/entry.js';
import { encodeMessage } from '../src/wire/message-codec.js';
import { closedRow, rootRow, topicRoot } from '../src/topic/topic-root.js';
import type { ClosedLog, GossipMessage } from '../src/wire/messages.js';
import { depOf, entryOf, keyPair, NETWORK, TOPIC } from './fixtures.js';

const FIRST = entryOf({ author: keyPair(1), payload: 'first' });
const OTHER = entryOf({ author: keyPair(2), payload: 'other' });
const SECOND = entryOf({
  author: keyPair(1),
  prev: FIRST.name,
  deps: [depOf(OTHER.name)],
  payload: 'second',
});
const EMPTY = entryOf({ author: keyPair(3), payload: '' });
const ENTRIES = { first: FIRST, other: OTHER, second: SECOND, empty: EMPTY };

/** What docs/protocol says, as bytes: the files of `vectors/`, each by its name. */
export function buildVectors(): Readonly<Record<string, unknown>> {
  return {
    'cbor.json': cborVectors(),
    'entries.json': entryVectors(),
    'roots.json': rootVectors(),
    'bloom-filters.json': filterVectors(),
    'messages.json': messageVectors(),
  };
}

function cborVectors() {
  const values: readonly Cbor[] = [
    0,
    23,
    24,
    255,
    256,
    65_535,
    65_536,
    4_294_967_295,
    4_294_967_296,
    Number.MAX_SAFE_INTEGER,
    true,
    false,
    null,
    '',
    'ü🙂',
    [],
    [[1], 'a'],
  ];
  return values.map((value) => ({ value, hex: toHex(encodeCbor(value)) }));
}

function entryVectors() {
  return Object.entries(ENTRIES).map(([label, { header, name, parts }]) => ({
    label,
    seed: toHex(seedOf(label)),
    author: name.author,
    network: header.network,
    topic: header.topic,
    lane: name.lane,
    kind: header.kind,
    seq: name.seq,
    prev: header.prev,
    deps: header.deps,
    timestampMs: header.timestampMs,
    payload: toHex(parts.payload!),
    header: toHex(parts.header),
    id: name.id,
    signature: toHex(parts.proof.signature),
  }));
}

function seedOf(label: string): Uint8Array {
  const numbers: Readonly<Record<string, number>> = { first: 1, other: 2, second: 1, empty: 3 };
  return keyPair(numbers[label]!).seed;
}

function rootVectors() {
  const closed: readonly ClosedLog[] = [
    { author: EMPTY.name.author, lane: 0, from: 7 },
    { author: FIRST.name.author, lane: 0, from: 2 },
  ];
  const sets: readonly (readonly [readonly VerifiedEntry[], readonly ClosedLog[]])[] = [
    [[], []],
    [[FIRST], []],
    [[SECOND, OTHER], []],
    [[OTHER, SECOND, EMPTY], []],
    [[FIRST, OTHER], closed],
  ];
  return sets.map(([heads, closings]) => {
    const headRows = heads.map(({ name }) => rootRow(name));
    const root = toHex(topicRoot(NETWORK, TOPIC, headRows, closings.map(closedRow)));
    const names = heads.map(({ name }) => name);
    return { network: NETWORK, topic: TOPIC, heads: names, closed: closings, root };
  });
}

function filterVectors() {
  const held = Object.values(ENTRIES).map(({ name }) => name.id);
  return [0n, 1n, 0x0123_4567_89ab_cdefn, 2n ** 64n - 1n].map((salt) => {
    const filter = BloomFilter.withRoomFor(held.length, salt);
    for (const id of held) filter.add(id);
    return { salt: salt.toString(16).padStart(16, '0'), ids: held, filter: toHex(filter.bytes) };
  });
}

function messageVectors() {
  const { name, parts } = SECOND;
  const root = topicRoot(NETWORK, TOPIC, [rootRow(name), rootRow(OTHER.name)], []);
  const round = {
    type: 'AntiEntropy',
    topic: TOPIC,
    roundId: 7,
    salt: 1n,
    root,
    epoch: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    closed: [],
    sketch: null,
  } as const;
  const messages: Readonly<Record<string, GossipMessage>> = {
    Hello: { type: 'Hello', version: 1, network: NETWORK, extensions: [] },
    'Announcement, eager': { type: 'Announcement', topic: TOPIC, name, entry: parts },
    'Announcement, lazy': { type: 'Announcement', topic: TOPIC, name, entry: undefined },
    'PullRequest by name': {
      type: 'PullRequest',
      requestId: 1,
      topic: TOPIC,
      missing: [name],
      ranges: [],
      bytesMax: 262_144,
    },
    'PullRequest by range': {
      type: 'PullRequest',
      requestId: 2,
      topic: TOPIC,
      missing: [],
      ranges: [{ author: name.author, lane: 0, from: 1, to: 2 }],
      bytesMax: 262_144,
    },
    PullResponse: {
      type: 'PullResponse',
      requestId: 2,
      topic: TOPIC,
      entries: [FIRST.parts, parts],
      more: false,
    },
    'AntiEntropy, bare': { ...round, answer: false, clock: null, filter: null },
    'AntiEntropy, clock': {
      ...round,
      answer: true,
      clock: [
        { ...OTHER.name, floor: 0 },
        { ...name, floor: 0 },
      ],
      filter: null,
    },
    'AntiEntropy, filter': {
      ...round,
      answer: false,
      clock: null,
      filter: { slice: { index: 0, count: 1 }, bytes: BloomFilter.withRoomFor(4, 1n).bytes },
    },
  };
  return Object.entries(messages).map(([label, message]) => ({
    label,
    frame: toHex(encodeMessage(message)),
  }));
}
