import { hash64 } from '@icn/labs/lab-07';

/** A set of ids in about 10 bits each: it never denies an id that was added, and seldom claims one that was not. */
export class BloomFilter {
  readonly salt: bigint;
  readonly bytes: Uint8Array;

  /** Reads a filter that a peer sent, or begins one of its own. */
  constructor(salt: bigint, bytes: Uint8Array) {
    this.salt = salt;
    this.bytes = bytes;
  }

  /** An empty filter with room for so many ids; of 0 ids too. */
  static withRoomFor(idCount: number, salt: bigint): BloomFilter {
    throw new Error('TODO filter: bloom-filter.ts, withRoomFor');
  }

  add(id: string): void {
    throw new Error('TODO filter: bloom-filter.ts, add');
  }

  /** False: surely not added. True: added, or one of the few that look so. */
  mayHave(id: string): boolean {
    // 64 bits that follow from the id and the salt: all that you need to choose bits by.
    const hash = hash64(id, 0n);
    throw new Error(`TODO filter: bloom-filter.ts, mayHave of ${hash}`);
  }
}
