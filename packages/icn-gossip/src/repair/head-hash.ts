import xxhash from 'xxhash-wasm';
import { entryIdToBytes, type EntryId } from '../entry/entry-name.js';
import { u64ToBytes } from '../wire/u64.js';

const hasher = await xxhash();

/** Hashes ids to 64 bits under the key of one round. */
export type HeadHash = (id: EntryId) => bigint;

/**
 * How the two ends of a link name heads within a round: xxhash64 of the id, seeded with the xxhash64 of the round's
 * number (8 bytes) under the link's key. No author can foresee it, and no two rounds share it.
 */
export function headHash(linkKey: bigint, roundId: number): HeadHash {
  const seed = roundSeed(linkKey, roundId);
  return (id) => hasher.h64Raw(entryIdToBytes(id), seed);
}

export function roundSeed(linkKey: bigint, roundId: number): bigint {
  return hasher.h64Raw(u64ToBytes(BigInt(roundId)), linkKey);
}
