import { toHex } from '@icn/identity';
import { BloomFilter } from '../src/repair/bloom-filter.js';
import { encodeParts, type VerifiedEntry } from '../src/entry/entry.js';
import { encodeMessage } from '../src/wire/message-codec.js';
import { closedRow, rootRow, topicRoot } from '../src/topic/topic-root.js';
import { rootOfRoots, rowsOf } from '../src/link/root-of-roots.js';
import { EXTENSIONS, linkKeyOf } from '../src/link/peers.js';
import { headHash, roundSeed } from '../src/repair/head-hash.js';
import { codedSymbols, SketchDecoder, SYMBOL_BYTES, symbolsFor } from '../src/repair/sketch.js';
import type { EntryId } from '../src/entry/entry-name.js';
import { parseTopic } from '../src/topic.js';
import { u64ToBytes } from '../src/wire/u64.js';
import type { AntiEntropy, ClosedLog, GossipMessage, PullRequest } from '../src/wire/messages.js';
import { conversationVectors } from './conversations.js';
import { batchOf, depOf, entryOf, keyPair, NETWORK, TOPIC } from './fixtures.js';

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
/** Signed together: the tree is filled up with one leaf of zeros. */
const BATCH = batchOf(keyPair(4), 3);

/** What docs/protocol says, as bytes: the files of `vectors/`, each by its name. */
export function buildVectors(): Readonly<Record<string, unknown>> {
  return {
    'entries.json': entryVectors(),
    'roots.json': rootVectors(),
    'bloom-filters.json': filterVectors(),
    'sketches.json': sketchVectors(),
    'links.json': linkVectors(),
    'messages.json': messageVectors(),
    'conversations.json': conversationVectors(),
  };
}

function entryVectors() {
  const batch = BATCH.map((entry, index): [string, VerifiedEntry] => [`batch ${index}`, entry]);
  return [...Object.entries(ENTRIES), ...batch].map(([label, { header, name, parts }]) => ({
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
    ...(parts.proof.type === 'batch' ? { index: parts.proof.index, path: toHex(parts.proof.path) } : {}),
    encoded: toHex(encodeParts(parts)),
  }));
}

function seedOf(label: string): Uint8Array {
  const numbers: Readonly<Record<string, number>> = { first: 1, other: 2, second: 1, empty: 3 };
  return keyPair(numbers[label] ?? 4).seed;
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

/** Sets of ids that two nodes have as heads, and how the one tells the other. */
function sketchVectors() {
  const [linkKey, roundId] = [0x0123_4567_89ab_cdefn, 7];
  const hash = headHash(linkKey, roundId);
  const idsOf = (from: number, count: number) =>
    Array.from({ length: count }, (_, index) => entryOf({ author: keyPair(100 + from + index) }).name.id);
  const hashes = (ids: readonly EntryId[]) => ids.map((id) => ({ id, item: hex64(hash(id)) }));
  const cases = {
    'equal sets': [0, 8, 0, 8],
    'theirs has more': [0, 6, 0, 9],
    'both have more': [0, 8, 3, 8],
  };
  const decoding = Object.entries(cases).map(([label, [ourFrom, ourCount, theirFrom, theirCount]]) => {
    const [ours, theirs] = [idsOf(ourFrom!, ourCount!), idsOf(theirFrom!, theirCount!)];
    const symbols = codedSymbols(theirs.map(hash), 0, 16);
    const difference = new SketchDecoder(new Set(ours.map(hash))).add(symbols)!;
    return {
      label,
      ours: hashes(ours),
      theirs: hashes(theirs),
      symbols: toHex(symbols),
      onlyOurs: difference.ours.map(hex64).toSorted(),
      onlyTheirs: difference.theirs.map(hex64).toSorted(),
    };
  });
  const items = [1n << 32n, 0x0123_4567_89ab_cdefn, 0xfedc_ba98_7654_3210n];
  return {
    linkKey: hex64(linkKey),
    roundId,
    seed: hex64(roundSeed(linkKey, roundId)),
    symbolBytes: SYMBOL_BYTES,
    items: items.map((item) => {
      // An item alone shows what belongs to it: the symbols that are not zero, and its check in the first.
      const symbols = codedSymbols([item], 0, 200);
      const parts = Array.from({ length: 200 }, (_, index) =>
        symbols.slice(index * SYMBOL_BYTES, (index + 1) * SYMBOL_BYTES),
      );
      const numbers = parts.flatMap((part, index) => (part.some((byte) => byte !== 0) ? [index] : []));
      return { item: hex64(item), check: toHex(parts[0]!.slice(8)), symbolsBelow200: numbers };
    }),
    symbolCounts: [
      [0, 0],
      [1, 0],
      [10, 0],
      [1_000, 0],
      [0, 1],
      [0, 10],
      [7, 5],
    ].map(([added, replaced]) => ({ added, replaced, symbolCount: symbolsFor(added!, replaced!) })),
    decoding,
  };
}

function hex64(value: bigint): string {
  return toHex(u64ToBytes(value));
}

/** What both ends of a link make of what they said on meeting. */
function linkVectors() {
  const nonces = [
    Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    Uint8Array.of(9, 10, 11, 12, 13, 14, 15, 16),
  ] as const;
  const dids = [keyPair(1).did, keyPair(2).did] as const;
  const linkKey = linkKeyOf({ did: dids[0], nonce: nonces[0] }, { did: dids[1], nonce: nonces[1] });
  const topics = [TOPIC, parseTopic('kitchen'), parseTopic('attic')];
  const roots = topics
    .map((topic, index) => ({
      topic,
      root: topicRoot(NETWORK, topic, index === 0 ? [rootRow(FIRST.name)] : [], []),
    }))
    .toSorted((a, b) => (a.topic < b.topic ? -1 : 1));
  return {
    ends: dids.map((did, index) => ({ did, nonce: toHex(nonces[index]!) })),
    linkKey: hex64(linkKey),
    roots: roots.map(({ topic, root }) => ({ topic, root: toHex(root) })),
    rootOfRoots: toHex(rootOfRoots(roots)),
    rows: toHex(rowsOf(roots)),
  };
}

function messageVectors() {
  const { name, parts } = SECOND;
  const root = topicRoot(NETWORK, TOPIC, [rootRow(name), rootRow(OTHER.name)], []);
  const eight = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  const head = (entry: VerifiedEntry) => ({ ...entry.name, floor: 0 });
  const ask = (fields: Partial<AntiEntropy>): AntiEntropy => ({
    type: 'AntiEntropy',
    topic: TOPIC,
    roundId: 7,
    answer: true,
    root: null,
    counts: null,
    closed: [],
    summary: null,
    ...fields,
  });
  const pull = (fields: Partial<PullRequest>): PullRequest => ({
    type: 'PullRequest',
    requestId: 1,
    topic: TOPIC,
    missing: [],
    ranges: [],
    bytesMax: 262_144,
    heads: null,
    evidence: [],
    ...fields,
  });
  const roots = { type: 'Roots', roundId: 7, topicCount: 2 } as const;
  const log = { author: name.author, lane: 0 } as const;
  const { author: other } = OTHER.name;
  const filter = BloomFilter.withRoomFor(4, 1n).bytes;
  const messages: Readonly<Record<string, GossipMessage>> = {
    Hello: {
      type: 'Hello',
      version: 1,
      network: NETWORK,
      extensions: EXTENSIONS,
      nonce: eight,
      heard: false,
    },
    'Announcement, eager': { type: 'Announcement', topic: TOPIC, name, entry: parts },
    'Announcement, along the tree': { type: 'Announcement', topic: TOPIC, name, entry: parts, hops: 3 },
    'Announcement, lazy': { type: 'Announcement', topic: TOPIC, name, entry: undefined },
    'PullRequest by name': pull({ missing: [name] }),
    'PullRequest by ranges': pull({
      ranges: [
        { ...log, from: 1, to: 2 },
        { ...log, from: 5, to: 5 },
        { author: other, lane: 0, from: 3, to: 300 },
      ],
    }),
    'PullRequest by heads': pull({ heads: { roundId: 7, wants: [1n, 2n ** 64n - 1n], haves: [3n] } }),
    'PullRequest of evidence': pull({ evidence: [log] }),
    PullResponse: {
      type: 'PullResponse',
      requestId: 2,
      topic: TOPIC,
      entries: [FIRST.parts, parts, ...BATCH.map((each) => each.parts)],
      more: false,
    },
    'AntiEntropy, question': ask({ answer: false, root, counts: { heads: 2, held: 4, parked: 1 } }),
    'AntiEntropy, equal': ask({}),
    'AntiEntropy, differs': ask({ root }),
    'AntiEntropy, closed log': ask({ answer: false, root, closed: [{ ...log, from: 9 }] }),
    'AntiEntropy, clock': ask({
      root,
      summary: { type: 'clock', clock: [head(OTHER), head(SECOND)], base: null },
    }),
    'AntiEntropy, delta clock': ask({ summary: { type: 'clock', clock: [head(SECOND)], base: eight } }),
    'AntiEntropy, filter': ask({
      answer: false,
      root,
      summary: { type: 'filter', salt: 1n, slice: { index: 0, count: 1 }, bytes: filter },
    }),
    'AntiEntropy, sketch': ask({
      root,
      summary: { type: 'sketch', first: 0, symbols: codedSymbols([1n << 32n], 0, 3) },
    }),
    'AntiEntropy, sketch-request': ask({ summary: { type: 'sketch-request', first: 12, count: 12 } }),
    'AntiEntropy, clock-request': ask({ summary: { type: 'clock-request' } }),
    Subscribe: { type: 'Subscribe', topics: [TOPIC, parseTopic('kitchen')], reply: true },
    Unsubscribe: { type: 'Unsubscribe', topics: [TOPIC] },
    Announcements: {
      type: 'Announcements',
      topic: TOPIC,
      entries: [parts],
      names: [OTHER.name],
      isRepair: false,
    },
    Graft: { type: 'Graft', topic: TOPIC },
    Prune: { type: 'Prune', topic: TOPIC },
    'Roots, question': { ...roots, answer: false, root, rows: null },
    'Roots, equal': { ...roots, answer: true, root: null, rows: null },
    'Roots, differ': { ...roots, answer: true, root, rows: Uint8Array.of(...eight, ...eight) },
    TopicRoots: { type: 'TopicRoots', topics: [TOPIC], rows: eight },
    'Roots, other topics': { ...roots, answer: true, topicCount: 3, root, rows: null },
    Join: { type: 'Join', topic: TOPIC },
    ForwardJoin: { type: 'ForwardJoin', topic: TOPIC, joiner: other, ttl: 5 },
    Neighbor: { type: 'Neighbor', topic: TOPIC, isUrgent: true },
    NeighborAnswer: { type: 'NeighborAnswer', topic: TOPIC, accepted: false },
    Disconnect: { type: 'Disconnect', topic: TOPIC },
    Shuffle: { type: 'Shuffle', topic: TOPIC, origin: other, ttl: 3, peers: [name.author] },
    ShuffleReply: { type: 'ShuffleReply', topic: TOPIC, peers: [other, name.author] },
    Equivocation: { type: 'Equivocation', topic: TOPIC, entries: [{ ...parts, payload: undefined }] },
  };
  return Object.entries(messages).map(([label, message]) => ({
    label,
    frame: toHex(encodeMessage(message)),
  }));
}
