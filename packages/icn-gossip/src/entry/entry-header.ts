import { type Did, fromHex, toHex } from '@icn/identity';
import { z } from 'zod';
import { decodeCbor, encodeCbor, type Cbor } from '@icn/identity/cbor';
import { keyOfDid } from '../wire/dids.js';
import { entryIdToBytes, type EntryId, type EntryName, type Lane } from './entry-name.js';
import { PROTOCOL } from '../limits.js';
import type { Topic } from '../topic.js';
import * as wire from '../wire/fields.js';

/** A causal parent as a header names it: the first 8 bytes of the id, as 16 hex digits, tell branches apart. */
export interface Dep {
  readonly author: Did;
  readonly lane: Lane;
  readonly seq: number;
  readonly idPrefix: string;
}

/** How an entry hangs on others: all that linking and causal order need of it. */
export interface EntryLinks {
  readonly name: EntryName;
  /** The log's previous entry; null at seq 1 and only there. */
  readonly prev: EntryId | null;
  readonly deps: readonly Dep[];
}

/** What an author signs: everything about an entry but its payload, whose length and hash stand for it. */
export interface EntryHeader {
  readonly network: string;
  readonly topic: Topic;
  readonly lane: Lane;
  /** 0 is application data; kinds that this version does not know are carried like any other. */
  readonly kind: number;
  readonly author: Did;
  readonly seq: number;
  /** The log's previous entry; null at seq 1 and only there. */
  readonly prev: EntryId | null;
  readonly deps: readonly Dep[];
  /** The author's clock when it was made, milliseconds since 1970: a claim, never used to order entries. */
  readonly timestampMs: number;
  readonly payloadLength: number;
  readonly payloadHash: Uint8Array;
}

export const DATA_KIND = 0;
/** The only encoding of a header. Field order is the protocol's; see docs/protocol/entry.md. */
export function encodeHeader(header: EntryHeader): Uint8Array {
  const fields: Cbor[] = [
    PROTOCOL.version,
    header.network,
    header.topic,
    header.lane,
    header.kind,
    keyOfDid(header.author),
    header.seq,
    header.prev === null ? null : entryIdToBytes(header.prev),
    header.deps.map((dep) => [keyOfDid(dep.author), dep.lane, dep.seq, fromHex(dep.idPrefix)]),
    header.timestampMs,
    header.payloadLength,
    header.payloadHash,
  ];
  return encodeCbor(fields);
}

/** Why a header is refused by everybody alike. */
export type HeaderFault = 'header-too-large' | 'header-malformed' | 'version-unknown';

const headerFields = z
  .tuple([
    z.literal(PROTOCOL.version),
    wire.label,
    wire.topic,
    wire.lane,
    wire.uint,
    wire.author,
    wire.positive,
    wire.entryId.nullable(),
    z
      .array(z.tuple([wire.author, wire.lane, wire.positive, wire.bytesOf(PROTOCOL.depIdBytes)]))
      .max(PROTOCOL.depsMax),
    wire.uint,
    wire.uint.max(PROTOCOL.payloadBytesMax),
    wire.bytesOf(32),
  ])
  .rest(z.unknown());

/** Reads a header that anybody may have written. Never throws; fields after the last known one are allowed. */
export function decodeHeader(bytes: Uint8Array): EntryHeader | HeaderFault {
  if (bytes.length > PROTOCOL.headerBytesMax) return 'header-too-large';
  const value = decodeCbor(bytes);
  if (Array.isArray(value) && typeof value[0] === 'number' && value[0] !== PROTOCOL.version)
    return 'version-unknown';
  const parsed = headerFields.safeParse(value);
  if (!parsed.success) return 'header-malformed';
  const [, network, topic, lane, kind, author, seq, prev, rows, timestampMs, payloadLength, payloadHash] =
    parsed.data;
  if ((seq === 1) !== (prev === null)) return 'header-malformed';
  const deps = rows.map(([author, lane, seq, prefix]): Dep => ({
    author,
    lane,
    seq,
    idPrefix: toHex(prefix),
  }));
  return { network, topic, lane, kind, author, seq, prev, deps, timestampMs, payloadLength, payloadHash };
}
