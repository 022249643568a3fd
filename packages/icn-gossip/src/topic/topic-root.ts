import { compareBytes, sha256 } from '@icn/identity';
import { asciiZ } from '../wire/ascii.js';
import { encodeArray, encodeCbor } from '../wire/cbor.js';
import { keyOfDid } from '../wire/dids.js';
import { entryIdToBytes, type EntryName } from '../entry/entry-name.js';
import type { Topic } from '../topic.js';

const TAG = asciiZ('icn/topic-root');
const NONE = encodeCbor([]);

/**
 * The 32 bytes that stand for all that a node holds of a topic: two nodes with equal roots hold the same
 * linked entries, because each head commits to its whole log. A function of the set of heads alone (I15).
 *
 * root = SHA-256(tag ‖ CBOR [network, topic, [[author, lane, seq, head id]…], [[author, lane, f]…], [policy id…]]),
 * the heads sorted by their encoding. Closed logs and policies are empty lists in this version.
 */
export function topicRoot(network: string, topic: Topic, rows: readonly Uint8Array[]): Uint8Array {
  const heads = encodeArray(rows.toSorted(compareBytes));
  return sha256(TAG, encodeArray([encodeCbor(network), encodeCbor(topic), heads, NONE, NONE]));
}

/** A head as the root counts it. */
export function rootRow({ author, lane, seq, id }: EntryName): Uint8Array {
  return encodeCbor([keyOfDid(author), lane, seq, entryIdToBytes(id)]);
}
