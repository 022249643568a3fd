import { sha256 } from '@icn/identity';
import type { Topic } from '../topic.js';
import { asciiZ } from '../wire/ascii.js';
import { encodeArray, encodeCbor } from '@icn/identity/cbor';

export interface RootOfTopic {
  readonly topic: Topic;
  readonly root: Uint8Array;
}

/** Bytes of a topic's root that tell it from what it was. */
export const ROW_BYTES = 8;
const TAG = asciiZ('icn/root-of-roots');

/** SHA-256(tag ‖ CBOR [[topic, root]…]), in the order of the topics' names. */
export function rootOfRoots(topics: readonly RootOfTopic[]): Uint8Array {
  const rows = topics.map(({ topic, root }) => encodeArray([encodeCbor(topic), encodeCbor(root)]));
  return sha256(TAG, encodeArray(rows));
}

export function rowOf({ root }: RootOfTopic): Uint8Array {
  return root.subarray(0, ROW_BYTES);
}

/** The first bytes of each root, in the same order. */
export function rowsOf(topics: readonly RootOfTopic[]): Uint8Array {
  const rows = new Uint8Array(topics.length * ROW_BYTES);
  for (const [index, topic] of topics.entries()) rows.set(rowOf(topic), index * ROW_BYTES);
  return rows;
}
