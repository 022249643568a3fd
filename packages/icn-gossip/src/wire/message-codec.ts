import { z } from 'zod';
import { decodeCbor, encodeCbor, type Cbor } from './cbor.js';
import { keyOfDid } from './dids.js';
import { entryIdToBytes, type EntryName, type Lane } from '../entry/entry-name.js';
import { partsSchema, partsToCbor } from '../entry/entry.js';
import { PROTOCOL } from '../limits.js';
import type { ClockComponent, GossipMessage, LogRange } from './messages.js';
import { u64FromBytes, u64ToBytes } from './u64.js';
import * as wire from './fields.js';

/** The number that stands first in a message. Numbers from 5 on are extensions. */
const TYPES = { Hello: 0, Announcement: 1, PullRequest: 2, PullResponse: 3, AntiEntropy: 4 } as const;

/** One message as one frame: a CBOR array of its type's number and its fields, in the order of the protocol. */
export function encodeMessage(message: GossipMessage): Uint8Array {
  return encodeCbor([TYPES[message.type], ...fieldsOf(message)]);
}

/** `unknown-type` is a message of a later version: ignored, not a fault. */
export type MessageFault = 'message-malformed' | 'message-too-large' | 'message-unknown';

/** Reads a frame that anybody may have sent. Never throws; fields after the last known one are allowed. */
export function decodeMessage(frame: Uint8Array): GossipMessage | MessageFault {
  if (frame.length > PROTOCOL.frameBytesMax) return 'message-too-large';
  const value = decodeCbor(frame);
  if (!Array.isArray(value) || typeof value[0] !== 'number') return 'message-malformed';
  const schema = SCHEMAS[value[0]];
  if (schema === undefined) return 'message-unknown';
  const parsed = schema.safeParse(value.slice(1));
  return parsed.success ? parsed.data : 'message-malformed';
}

function fieldsOf(message: GossipMessage): readonly Cbor[] {
  switch (message.type) {
    case 'Hello':
      return [message.version, message.network, message.extensions];
    case 'Announcement':
      return [
        message.topic,
        nameToCbor(message.name),
        message.entry === undefined ? null : partsToCbor(message.entry),
      ];
    case 'PullRequest':
      return [
        message.requestId,
        message.topic,
        message.missing.map(nameToCbor),
        message.ranges.map(({ author, lane, from, to }) => [keyOfDid(author), lane, from, to]),
        message.bytesMax,
      ];
    case 'PullResponse':
      return [
        message.requestId,
        message.topic,
        message.entries.map((parts) => (parts === undefined ? null : partsToCbor(parts))),
        message.more,
      ];
    case 'AntiEntropy':
      return [
        message.topic,
        message.roundId,
        message.answer,
        u64ToBytes(message.salt),
        message.root,
        message.epoch,
        message.clock?.map(({ author, lane, floor, seq, id }) => [
          keyOfDid(author),
          lane,
          floor,
          seq,
          entryIdToBytes(id),
        ]) ?? null,
        message.closed.map(({ author, lane, from }) => [keyOfDid(author), lane, from]),
        message.filter && [message.filter.slice.index, message.filter.slice.count, message.filter.bytes],
        message.sketch,
      ];
  }
}

function nameToCbor({ author, lane, seq, id }: EntryName): Cbor {
  return [keyOfDid(author), lane, seq, entryIdToBytes(id)];
}

const name = z
  .tuple([wire.author, wire.lane, wire.positive, wire.entryId])
  .transform(([author, lane, seq, id]): EntryName => ({ author, lane, seq, id }));

const range = z
  .tuple([wire.author, wire.lane, wire.positive, wire.positive])
  .refine(([, , from, to]) => from <= to)
  .transform(([author, lane, from, to]): LogRange => ({ author, lane, from, to }));

const clockComponent = z
  .tuple([wire.author, wire.lane, wire.uint, wire.positive, wire.entryId])
  .transform(([author, lane, floor, seq, id]): ClockComponent => ({ author, lane, floor, seq, id }));

const closedLog = z
  .tuple([wire.author, wire.lane, wire.positive])
  .transform(([author, lane, from]): { author: typeof author; lane: Lane; from: number } => ({
    author,
    lane,
    from,
  }));

const filter = z
  .tuple([wire.uint, wire.positive, wire.bytes.refine((bytes) => bytes.length > 0)])
  .refine(([index, count]) => index < count)
  .transform(([index, count, bytes]) => ({ slice: { index, count }, bytes }));

/** An entry of a response that cannot be read costs only itself. */
const entryOrUndefined = z.unknown().transform((value) => partsSchema.safeParse(value).data);

const SCHEMAS: Readonly<Record<number, z.ZodType<GossipMessage>>> = {
  [TYPES.Hello]: z
    .tuple([wire.uint, wire.label, z.array(wire.label).max(64)])
    .rest(z.unknown())
    .transform(([version, network, extensions]) => ({
      type: 'Hello' as const,
      version,
      network,
      extensions,
    })),
  [TYPES.Announcement]: z
    .tuple([wire.topic, name, partsSchema.nullable()])
    .rest(z.unknown())
    .transform(([topic, entryName, entry]) => {
      return { type: 'Announcement' as const, topic, name: entryName, entry: entry ?? undefined };
    }),
  [TYPES.PullRequest]: z
    .tuple([wire.uint, wire.topic, z.array(name), z.array(range), wire.positive])
    .rest(z.unknown())
    .transform(([requestId, topic, missing, ranges, bytesMax]) => {
      return { type: 'PullRequest' as const, requestId, topic, missing, ranges, bytesMax };
    }),
  [TYPES.PullResponse]: z
    .tuple([wire.uint, wire.topic, z.array(entryOrUndefined), z.boolean()])
    .rest(z.unknown())
    .transform(([requestId, topic, entries, more]) => {
      return { type: 'PullResponse' as const, requestId, topic, entries, more };
    }),
  [TYPES.AntiEntropy]: z
    .tuple([
      wire.topic,
      wire.uint,
      z.boolean(),
      wire.bytesOf(8).transform(u64FromBytes),
      wire.bytesOf(32),
      wire.bytesOf(8),
      z.array(clockComponent).nullable(),
      z.array(closedLog),
      filter.nullable(),
      wire.bytes.nullable(),
    ])
    .rest(z.unknown())
    .transform(([topic, roundId, answer, salt, root, epoch, clock, closed, bloom, sketch]) => {
      return {
        type: 'AntiEntropy' as const,
        topic,
        roundId,
        answer,
        salt,
        root,
        epoch,
        clock,
        closed,
        filter: bloom,
        sketch,
      };
    }),
};
