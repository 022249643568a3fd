import xxhash from 'xxhash-wasm';
import { entryIdToBytes, type EntryId } from '../entry/entry-name.js';

const hasher = await xxhash();

/** At 10 bits an id and 7 hashes, 0.8 % of the ids that are missing look held (Bloom 1970; k = 10 ln 2). */
const BITS_PER_ID = 10;
const HASH_COUNT = 7;
/** No filter is smaller, so that a filter of one id is not mostly ones. */
const BITS_MIN = 64;

/** A part of the id space: the ids whose first 16 bits, modulo `count`, are `index`. */
export interface Slice {
  readonly index: number;
  readonly count: number;
}

export const WHOLE: Slice = { index: 0, count: 1 };

/**
 * A set of entry ids in about 10 bits each, that never denies an id it holds and wrongly claims one in 120.
 *
 * The hash is xxhash64 of the id's 32 bytes, seeded with the salt; each set has a fresh salt, so an entry that
 * one filter hides is seen by the next, and nobody can make ids that collide in all of them. Bit i of k is
 * (h1 + i · h2) mod bits, with h1 and h2 the low and high 32 bits of the hash, h2 made odd (Kirsch and
 * Mitzenmacher 2006); bit n is bit n mod 8, from the least significant, of byte n / 8.
 */
export class BloomFilter {
  readonly salt: bigint;
  readonly bytes: Uint8Array;

  /** Reads a filter that a peer sent: only its bytes and salt are the peer's, all parameters are ours. */
  constructor(salt: bigint, bytes: Uint8Array) {
    if (bytes.length === 0) throw new RangeError('a filter has at least one byte');
    this.salt = salt;
    this.bytes = bytes;
  }

  /** An empty filter with room for `idCount` ids. */
  static withRoomFor(idCount: number, salt: bigint): BloomFilter {
    return new BloomFilter(salt, new Uint8Array(filterByteCount(idCount)));
  }

  add(id: EntryId): void {
    this.#forBits(id, (byte, mask) => {
      this.bytes[byte] = (this.bytes[byte] ?? 0) | mask;
      return true;
    });
  }

  /** False: surely not added. True: added, or one of the few that look so under this salt. */
  mayHave(id: EntryId): boolean {
    return this.#forBits(id, (byte, mask) => ((this.bytes[byte] ?? 0) & mask) !== 0);
  }

  /** Visits the bits of an id until `visit` says false; returns whether it never did. */
  #forBits(id: EntryId, visit: (byte: number, mask: number) => boolean): boolean {
    const hash = hasher.h64Raw(entryIdToBytes(id), this.salt);
    const bitCount = this.bytes.length * 8;
    const step = (Number(hash >> 32n) | 1) >>> 0;
    let sum = Number(hash & 0xffff_ffffn);
    for (let index = 0; index < HASH_COUNT; index++, sum += step) {
      const bit = sum % bitCount;
      if (!visit(Math.floor(bit / 8), 1 << (bit & 7))) return false;
    }
    return true;
  }
}

/** Bytes of a filter with room for so many ids. */
export function filterByteCount(idCount: number): number {
  return Math.ceil(Math.max(BITS_MIN, idCount * BITS_PER_ID) / 8);
}

/** How many slices keep each filter within `idsPerFilterMax` ids. */
export function sliceCountFor(idCount: number, idsPerFilterMax: number): number {
  return Math.max(1, Math.ceil(idCount / idsPerFilterMax));
}

/** Whether an id lies in a slice. */
export function isInSlice(id: EntryId, { index, count }: Slice): boolean {
  return count === 1 || Number.parseInt(id.slice(0, 4), 16) % count === index;
}
