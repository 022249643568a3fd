import { hash64 } from '@icn/labs/lab-07';

const bitsPerId = 10;
const hashCount = 7;

/** A set of ids in 10 bits each: it never denies what it holds, and claims one in 120 that it does not hold. */
export class BloomFilter {
  readonly salt: bigint;
  readonly bytes: Uint8Array;

  constructor(salt: bigint, bytes: Uint8Array) {
    this.salt = salt;
    this.bytes = bytes;
  }

  static withRoomFor(idCount: number, salt: bigint): BloomFilter {
    return new BloomFilter(salt, new Uint8Array(Math.max(8, Math.ceil((idCount * bitsPerId) / 8))));
  }

  add(id: string): void {
    for (const bit of this.#bitsOf(id)) this.bytes[bit >> 3] = (this.bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
  }

  mayHave(id: string): boolean {
    return this.#bitsOf(id).every((bit) => ((this.bytes[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0);
  }

  /** Two halves of one hash stand in for as many hashes as are wanted (Kirsch and Mitzenmacher 2006). */
  #bitsOf(id: string): number[] {
    const hash = hash64(id, this.salt);
    const [low, high] = [Number(hash & 0xffff_ffffn), Number(hash >> 32n) | 1];
    const bitCount = this.bytes.length * 8;
    return Array.from({ length: hashCount }, (_, index) => (low + index * (high >>> 0)) % bitCount);
  }
}
