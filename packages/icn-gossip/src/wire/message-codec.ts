import { partsToCbor } from '../entry/entry.js';
import { entryIdToBytes, type EntryName } from '../entry/entry-name.js';
import { PROTOCOL } from '../limits.js';
import { decodeCbor, encodeCbor, type Cbor } from '@icn/identity/cbor';
import { keyOfDid } from './dids.js';
import { SCHEMAS, SUMMARY_NUMBERS, TYPE_NUMBERS } from './message-schema.js';
import type { AntiEntropy, GossipMessage, LogRange, PullRequest, Summary } from './messages.js';
import { u64sToBytes, u64ToBytes } from './u64.js';

/** One message as one frame: a CBOR array of its type's number and its fields, in the order of the protocol. */
export function encodeMessage(message: GossipMessage): Uint8Array {
  return encodeCbor([TYPE_NUMBERS[message.type], ...fieldsOf(message)]);
}

/** `message-unknown` is a message of a later version: ignored, not a fault. */
export type MessageFault = 'message-malformed' | 'message-too-large' | 'message-unknown';

/** Reads a frame that anybody may have sent. Never throws; fields after the last known one are allowed. */
export function decodeMessage(frame: Uint8Array): GossipMessage | MessageFault {
  if (frame.length > PROTOCOL.frameBytesMax) return 'message-too-large';
  const value = decodeCbor(frame);
  if (!Array.isArray(value) || typeof value[0] !== 'number') return 'message-malformed';
  const schema = SCHEMAS.get(value[0]);
  if (schema === undefined) return 'message-unknown';
  const parsed = schema.safeParse(value.slice(1));
  return parsed.success ? parsed.data : 'message-malformed';
}

function fieldsOf(message: GossipMessage): readonly Cbor[] {
  switch (message.type) {
    case 'Hello': {
      const { version, network, extensions, nonce, heard } = message;
      return [version, network, extensions, nonce, heard];
    }
    case 'Subscribe':
      return [message.topics, message.reply];
    case 'Unsubscribe':
      return [message.topics];
    case 'Roots':
      return [message.roundId, message.answer, message.topicCount, message.root, message.rows];
    case 'TopicRoots':
      return [message.topics, message.rows];
    case 'Announcement':
      return [
        message.topic,
        nameToCbor(message.name),
        message.entry === undefined ? null : partsToCbor(message.entry),
        message.hops ?? null,
      ];
    case 'Announcements':
      return [
        message.topic,
        message.entries.map(partsToCbor),
        message.names.map(nameToCbor),
        message.isRepair,
      ];
    case 'PullRequest':
      return pullRequestFields(message);
    case 'PullResponse':
      return [
        message.requestId,
        message.topic,
        message.entries.map((parts) => (parts === undefined ? null : partsToCbor(parts))),
        message.more,
      ];
    case 'AntiEntropy':
      return antiEntropyFields(message);
    case 'Equivocation':
      return [message.topic, message.entries.map(partsToCbor)];
    case 'Graft':
    case 'Prune':
    case 'Join':
    case 'Disconnect':
      return [message.topic];
    case 'ForwardJoin':
      return [message.topic, keyOfDid(message.joiner), message.ttl];
    case 'Neighbor':
      return [message.topic, message.isUrgent];
    case 'NeighborAnswer':
      return [message.topic, message.accepted];
    case 'Shuffle':
      return [message.topic, keyOfDid(message.origin), message.ttl, message.peers.map(keyOfDid)];
    case 'ShuffleReply':
      return [message.topic, message.peers.map(keyOfDid)];
  }
}

function pullRequestFields(message: PullRequest): readonly Cbor[] {
  const { requestId, topic, missing, ranges, bytesMax, heads, evidence } = message;
  return [
    requestId,
    topic,
    missing.map(nameToCbor),
    logRangesToCbor(ranges),
    bytesMax,
    heads && [heads.roundId, u64sToBytes(heads.wants), u64sToBytes(heads.haves)],
    evidence.map(({ author, lane }) => [keyOfDid(author), lane]),
  ];
}

function antiEntropyFields(message: AntiEntropy): readonly Cbor[] {
  const { topic, roundId, answer, root, counts, closed, summary } = message;
  return [
    topic,
    roundId,
    answer,
    root,
    counts && [counts.heads, counts.held, counts.parked],
    closed.map(({ author, lane, from }) => [keyOfDid(author), lane, from]),
    summary && [SUMMARY_NUMBERS[summary.type], ...summaryFields(summary)],
  ];
}

function summaryFields(summary: Summary): readonly Cbor[] {
  switch (summary.type) {
    case 'clock': {
      const rows = summary.clock.map(({ author, lane, floor, seq, id }) => {
        return [keyOfDid(author), lane, floor, seq, entryIdToBytes(id)];
      });
      return [rows, summary.base];
    }
    case 'filter':
      return [u64ToBytes(summary.salt), summary.slice.index, summary.slice.count, summary.bytes];
    case 'sketch':
      return [summary.first, summary.symbols];
    case 'sketch-request':
      return [summary.first, summary.count];
    case 'clock-request':
      return [];
  }
}

function nameToCbor({ author, lane, seq, id }: EntryName): Cbor {
  return [keyOfDid(author), lane, seq, entryIdToBytes(id)];
}

/** Ranges of one log that follow each other, ascending and apart, share one row: first seq, count, seqs passed over, count… */
function logRangesToCbor(ranges: readonly LogRange[]): Cbor {
  const rows: [Uint8Array, number, number[]][] = [];
  let last: LogRange | undefined;
  for (const range of ranges) {
    const isSameLog = last?.author === range.author && last.lane === range.lane && range.from > last.to + 1;
    const runs = isSameLog ? rows.at(-1)![2] : [];
    if (!isSameLog) rows.push([keyOfDid(range.author), range.lane, runs]);
    runs.push(range.from - (isSameLog ? last!.to + 1 : 0), range.to - range.from + 1);
    last = range;
  }
  return rows;
}
