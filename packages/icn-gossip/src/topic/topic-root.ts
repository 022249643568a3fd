import { compareBytes, sha256 } from '@icn/identity';
import { asciiZ } from '../wire/ascii.js';
import { encodeArray, encodeCbor } from '@icn/identity/cbor';
import { keyOfDid } from '../wire/dids.js';
import { entryIdToBytes, type EntryName } from '../entry/entry-name.js';
import type { Topic } from '../topic.js';
import type { ClosedLog } from '../wire/messages.js';

const TAG = asciiZ('icn/topic-root');
const NONE = encodeCbor([]);

/**
 * The 32 bytes that stand for all that a node holds of a topic: two nodes with equal roots hold the same
 * linked entries, because each head commits to its whole log, and hold the same logs closed. A function of the
 * sets of heads and of closed logs alone (I15).
 *
 * root = SHA-256(tag ‖ CBOR [network, topic, [[author, lane, seq, head id]…], [[author, lane, f]…], [policy id…]]),
 * heads and closed logs sorted by their encoding. Policies are an empty list in this version.
 */
export function topicRoot(
  network: string,
  topic: Topic,
  heads: readonly Uint8Array[],
  closed: readonly Uint8Array[],
): Uint8Array {
  const lists = [sorted(heads), sorted(closed), NONE];
  return sha256(TAG, encodeArray([encodeCbor(network), encodeCbor(topic), ...lists]));
}

/** A head as the root counts it. */
export function rootRow({ author, lane, seq, id }: EntryName): Uint8Array {
  return encodeCbor([keyOfDid(author), lane, seq, entryIdToBytes(id)]);
}

/** A closed log as the root counts it. */
export function closedRow({ author, lane, from }: ClosedLog): Uint8Array {
  return encodeCbor([keyOfDid(author), lane, from]);
}

function sorted(rows: readonly Uint8Array[]): Uint8Array {
  return encodeArray(rows.toSorted(compareBytes));
}
