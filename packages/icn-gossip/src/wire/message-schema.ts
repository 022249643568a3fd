import { z } from 'zod';
import type { Did } from '@icn/identity';
import { partsSchema } from '../entry/entry.js';
import type { EntryName } from '../entry/entry-name.js';
import { PROTOCOL } from '../limits.js';
import * as wire from './fields.js';
import type { ClockComponent, ClosedLog, GossipMessage, LogName, LogRange, Summary } from './messages.js';
import { u64FromBytes, u64sFromBytes } from './u64.js';

/** The number that stands first in a message. Those up to 4 are the baseline that every peer speaks, the rest are extensions. */
export const TYPE_NUMBERS = {
  Hello: 0,
  Announcement: 1,
  PullRequest: 2,
  PullResponse: 3,
  AntiEntropy: 4,
  Subscribe: 5,
  Unsubscribe: 6,
  Announcements: 7,
  Graft: 8,
  Prune: 9,
  Roots: 10,
  Join: 11,
  ForwardJoin: 12,
  Neighbor: 13,
  NeighborAnswer: 14,
  Disconnect: 15,
  Shuffle: 16,
  ShuffleReply: 17,
  Equivocation: 18,
  TopicRoots: 19,
} as const satisfies Record<GossipMessage['type'], number>;

/** The number that stands first in a summary. */
export const SUMMARY_NUMBERS = {
  clock: 0,
  filter: 1,
  sketch: 2,
  'sketch-request': 3,
  'clock-request': 4,
} as const satisfies Record<Summary['type'], number>;

type MessageSchema<Type extends GossipMessage['type']> = z.ZodType<Extract<GossipMessage, { type: Type }>>;

const name = z
  .tuple([wire.author, wire.lane, wire.positive, wire.entryId])
  .transform(([author, lane, seq, id]): EntryName => ({ author, lane, seq, id }));

/** A log and its wanted seqs: the first, how many, how many to pass over, how many… */
const logRanges = z
  .tuple([wire.author, wire.lane, wire.positives])
  .refine(([, , runs]) => runs.length > 0 && runs.length % 2 === 0)
  .transform(([author, lane, runs], context): LogRange[] => {
    const ranges: LogRange[] = [];
    let last = -1; // so that the first run is the first seq, and a later one passes over at least one
    for (let index = 0; index < runs.length; index += 2) {
      const from = last + 1 + runs[index]!;
      last = from + (runs[index + 1]! - 1);
      if (!Number.isSafeInteger(from) || !Number.isSafeInteger(last))
        return wire.refuse(context, 'a seq is too large');
      ranges.push({ author, lane, from, to: last });
    }
    return ranges;
  });

const logName = z.tuple([wire.author, wire.lane]).transform(([author, lane]): LogName => ({ author, lane }));

const hashes = wire.bytes.refine((value) => value.length % 8 === 0).transform(u64sFromBytes);

const headsRequest = z
  .tuple([wire.uint, hashes, hashes])
  .transform(([roundId, wants, haves]) => ({ roundId, wants, haves }));

const counts = z
  .tuple([wire.uint, wire.uint, wire.uint])
  .transform(([heads, held, parked]) => ({ heads, held, parked }));

const clockComponent = z
  .tuple([wire.author, wire.lane, wire.uint, wire.positive, wire.entryId])
  .transform(([author, lane, floor, seq, id]): ClockComponent => ({ author, lane, floor, seq, id }));

const closedLog = z
  .tuple([wire.author, wire.lane, wire.positive])
  .transform(([author, lane, from]): ClosedLog => ({ author, lane, from }));

const summary = z.union([
  z
    .tuple([z.literal(SUMMARY_NUMBERS.clock), wire.listOf(clockComponent), wire.bytesOf(8).nullable()])
    .transform(([, clock, base]): Summary => ({ type: 'clock', clock, base })),
  z
    .tuple([
      z.literal(SUMMARY_NUMBERS.filter),
      wire.bytesOf(8).transform(u64FromBytes),
      wire.uint,
      wire.positive,
      wire.bytes.refine((bytes) => bytes.length > 0),
    ])
    .refine(([, , index, count]) => index < count)
    .transform(([, salt, index, count, bytes]): Summary => {
      return { type: 'filter', salt, slice: { index, count }, bytes };
    }),
  z
    .tuple([z.literal(SUMMARY_NUMBERS.sketch), wire.uint, wire.bytes])
    .transform(([, first, symbols]): Summary => ({ type: 'sketch', first, symbols })),
  z
    .tuple([z.literal(SUMMARY_NUMBERS['sketch-request']), wire.uint, wire.positive])
    .transform(([, first, count]): Summary => ({ type: 'sketch-request', first, count })),
  z
    .tuple([z.literal(SUMMARY_NUMBERS['clock-request'])])
    .transform((): Summary => ({ type: 'clock-request' })),
]);

/** Entries in one message: above what any limit lets a node send, for each that cannot be read costs as much as one that can. */
const ENTRIES_MAX = 4_096;

/** Peers in one message: many times what a shuffle may tell of. */
const PEERS_MAX = 64;

/** An entry of a response that cannot be read costs only itself. */
const entryOrUndefined = z.unknown().transform((value) => partsSchema.safeParse(value).data);
const parts = wire.listOf(partsSchema);
const peers: z.ZodType<readonly Did[]> = wire.listOf(wire.author, PEERS_MAX);

/** A count beyond what is counted is none: else a liar's would make each relay of it look like one. */
const hops = wire.uint
  .nullable()
  .transform((count) => (count === null || count > PROTOCOL.hopsMax ? undefined : count));

/** A message of nothing but its topic. */
const bare = <Type extends 'Graft' | 'Prune' | 'Join' | 'Disconnect'>(type: Type) =>
  z
    .tuple([wire.topic])
    .rest(z.unknown())
    .transform(([topic]) => ({ type, topic }));

const schemas = {
  Hello: z
    .tuple([wire.uint, wire.label, wire.listOf(wire.label, 64), wire.bytesOf(8), z.boolean()])
    .rest(z.unknown())
    .transform(([version, network, extensions, nonce, heard]) => {
      return { type: 'Hello' as const, version, network, extensions, nonce, heard };
    }),
  Announcement: z
    .tuple([wire.topic, name, partsSchema.nullable(), hops])
    .rest(z.unknown())
    .transform(([topic, entryName, entry, passed]) => {
      const type = 'Announcement' as const;
      return { type, topic, name: entryName, entry: entry ?? undefined, hops: passed };
    }),
  PullRequest: z
    .tuple([
      wire.uint,
      wire.topic,
      wire.listOf(name),
      wire.listOf(logRanges),
      wire.positive,
      headsRequest.nullable(),
      wire.listOf(logName),
    ])
    .rest(z.unknown())
    .transform(([requestId, topic, missing, logs, bytesMax, heads, evidence]) => {
      const ranges = logs.flat();
      return { type: 'PullRequest' as const, requestId, topic, missing, ranges, bytesMax, heads, evidence };
    }),
  PullResponse: z
    .tuple([wire.uint, wire.topic, wire.listOf(entryOrUndefined, ENTRIES_MAX), z.boolean()])
    .rest(z.unknown())
    .transform(([requestId, topic, entries, more]) => {
      return { type: 'PullResponse' as const, requestId, topic, entries, more };
    }),
  AntiEntropy: z
    .tuple([
      wire.topic,
      wire.uint,
      z.boolean(),
      wire.bytesOf(32).nullable(),
      counts.nullable(),
      wire.listOf(closedLog),
      summary.nullable(),
    ])
    .rest(z.unknown())
    .transform(([topic, roundId, answer, root, holding, closed, told]) => {
      const type = 'AntiEntropy' as const;
      return { type, topic, roundId, answer, root, counts: holding, closed, summary: told };
    }),
  Subscribe: z
    .tuple([wire.listOf(wire.topic), z.boolean()])
    .rest(z.unknown())
    .transform(([topics, reply]) => ({ type: 'Subscribe' as const, topics, reply })),
  Unsubscribe: z
    .tuple([wire.listOf(wire.topic)])
    .rest(z.unknown())
    .transform(([topics]) => ({ type: 'Unsubscribe' as const, topics })),
  Announcements: z
    .tuple([wire.topic, parts, wire.listOf(name), z.boolean()])
    .rest(z.unknown())
    .transform(([topic, entries, names, isRepair]) => {
      return { type: 'Announcements' as const, topic, entries, names, isRepair };
    }),
  Graft: bare('Graft'),
  Prune: bare('Prune'),
  Roots: z
    .tuple([wire.uint, z.boolean(), wire.uint, wire.bytesOf(32).nullable(), wire.bytes.nullable()])
    .rest(z.unknown())
    .transform(([roundId, answer, topicCount, root, rows]) => {
      return { type: 'Roots' as const, roundId, answer, topicCount, root, rows };
    }),
  TopicRoots: z
    .tuple([wire.listOf(wire.topic), wire.bytes])
    .rest(z.unknown())
    .refine(([topics, rows]) => rows.length === topics.length * 8)
    .transform(([topics, rows]) => ({ type: 'TopicRoots' as const, topics, rows })),
  Join: bare('Join'),
  ForwardJoin: z
    .tuple([wire.topic, wire.author, wire.uint])
    .rest(z.unknown())
    .transform(([topic, joiner, ttl]) => ({ type: 'ForwardJoin' as const, topic, joiner, ttl })),
  Neighbor: z
    .tuple([wire.topic, z.boolean()])
    .rest(z.unknown())
    .transform(([topic, isUrgent]) => ({ type: 'Neighbor' as const, topic, isUrgent })),
  NeighborAnswer: z
    .tuple([wire.topic, z.boolean()])
    .rest(z.unknown())
    .transform(([topic, accepted]) => ({ type: 'NeighborAnswer' as const, topic, accepted })),
  Disconnect: bare('Disconnect'),
  Shuffle: z
    .tuple([wire.topic, wire.author, wire.uint, peers])
    .rest(z.unknown())
    .transform(([topic, origin, ttl, some]) => ({
      type: 'Shuffle' as const,
      topic,
      origin,
      ttl,
      peers: some,
    })),
  ShuffleReply: z
    .tuple([wire.topic, peers])
    .rest(z.unknown())
    .transform(([topic, some]) => ({ type: 'ShuffleReply' as const, topic, peers: some })),
  Equivocation: z
    .tuple([wire.topic, parts])
    .rest(z.unknown())
    .transform(([topic, entries]) => ({ type: 'Equivocation' as const, topic, entries })),
} satisfies { [Type in GossipMessage['type']]: MessageSchema<Type> };

/** How the fields of a message are read, by its number. */
export const SCHEMAS: ReadonlyMap<number, z.ZodType<GossipMessage>> = new Map(
  Object.entries(schemas).map(([type, schema]) => [TYPE_NUMBERS[type as GossipMessage['type']], schema]),
);
