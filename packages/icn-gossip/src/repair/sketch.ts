/**
 * Rateless invertible Bloom lookup tables (Yang, Gilad, Alizadeh, "Practical Rateless Set Reconciliation",
 * SIGCOMM 2024, §3 and §4) over sets of 64-bit numbers.
 *
 * A set is told as an endless stream of coded symbols, each the sum (XOR) of some of its items. The other side
 * takes off the sums of its own items; what is left are sums of the items in which the sets differ, and some 1.4
 * to 2 symbols for each of them give all of them back, however large the sets are.
 *
 * Ours differs from the paper in two points: a symbol has no count, because whoever decodes sees in its own set on
 * which side an item lies; and the gaps come from a 32-bit generator (xoroshiro64*, Blackman and Vigna 2018) whose
 * state is the item, so that no language needs 64-bit arithmetic. Items are keyed hashes that are fresh in each
 * round, so nobody can prepare sets that do not decode.
 */

/** An item's 8 bytes and 4 bytes that tell one item from a sum of several. */
export const SYMBOL_BYTES = 12;
/** Symbols in one message: 384 KiB of them, within a frame. */
export const SYMBOLS_MAX = 32_768;

/** The coded symbols of a set, from number `first` on: `count` times `SYMBOL_BYTES`. Costs O(items · log symbols). */
export function codedSymbols(items: Iterable<bigint>, first: number, count: number): Uint8Array {
  const cells = new Cells(first, count);
  for (const item of items) cells.toggle(wordsOf(item));
  return cells.toBytes();
}

/** In what two sets differ. */
export interface SetDifference {
  readonly ours: readonly bigint[];
  readonly theirs: readonly bigint[];
}

/** Takes the other side's coded symbols one stretch after another, until they show the difference to `own`. */
export class SketchDecoder {
  readonly #own: ReadonlySet<bigint>;
  #cells = new Cells(0, 0);
  readonly #found = new Map<bigint, Words>();

  constructor(own: ReadonlySet<bigint>) {
    this.#own = own;
  }

  /** The symbols so far: the next stretch begins here. */
  get symbolCount(): number {
    return this.#cells.count;
  }

  /**
   * Takes the symbols from number `symbolCount` on; a remainder below one symbol is left out. Returns the
   * difference once it is whole, and undefined while more symbols are needed. Total on whatever bytes: what
   * hostile symbols show is a wrong difference, or none.
   */
  add(symbols: Uint8Array): SetDifference | undefined {
    const fresh = Cells.fromBytes(this.symbolCount, symbols);
    for (const item of this.#own) fresh.toggle(wordsOf(item));
    for (const item of this.#found.values()) fresh.toggle(item);
    this.#cells = this.#cells.followedBy(fresh);
    this.#peel(this.symbolCount - fresh.count);
    if (!this.#cells.isZero(0)) return undefined; // every item is in symbol 0
    const ours: bigint[] = [];
    const theirs: bigint[] = [];
    for (const item of this.#found.keys()) (this.#own.has(item) ? ours : theirs).push(item);
    return { ours, theirs };
  }

  /** A symbol of one item gives it away; taken off all others, it leaves further symbols of one item. */
  #peel(from: number): void {
    const cells = this.#cells;
    const queue = Array.from({ length: cells.count - from }, (_, index) => from + index);
    for (let pass = 0; ; pass++) {
      for (let index = queue.pop(); index !== undefined; index = queue.pop()) {
        const words = cells.single(index);
        if (words !== undefined && !this.#take(words, queue)) return;
      }
      if (cells.isZero(0) || pass >= GUESS_PASSES_MAX || !this.#guess(queue)) return;
    }
  }

  /** False where no honest symbols can have led here: an item given away twice, or more items than symbols. */
  #take(words: Words, queue: number[]): boolean {
    const item = itemOf(words);
    if (this.#found.has(item) || this.#found.size >= this.#cells.count) return false;
    this.#found.set(item, words);
    this.#cells.toggle(words, (touched) => queue.push(touched));
    return true;
  }

  /**
   * Where peeling stands still: a symbol of one item of theirs and one of ours gives both away to whoever tries all
   * of ours. So a set in which items were replaced needs about a third fewer symbols. Tries each of ours once.
   */
  #guess(queue: number[]): boolean {
    const cells = this.#cells;
    if (cells.count * this.#own.size > GUESSES_MAX) return false;
    let hasTaken = false;
    for (const item of this.#own) {
      if (this.#found.has(item)) continue;
      const words = wordsOf(item);
      if (!cells.some(words, (index) => cells.isSingleWithout(index, words))) continue;
      if (!this.#take(words, queue)) return false;
      hasTaken = true;
    }
    return hasTaken;
  }
}

/** Trials of one item with one symbol in one decoding (guess: some 10 ms). */
const GUESSES_MAX = 1_000_000;
/** Times that all of ours are tried in one decoding; what is left then is shown by more symbols (guess). */
const GUESS_PASSES_MAX = 8;

/**
 * Symbols with which a difference decodes in about 99 of 100 cases (measured by test/repair/sketch.test.ts): so many
 * items that one side has more, and so many of one side for each of which the other side has another.
 */
export function symbolsFor(addedCount: number, replacedCount: number): number {
  const added = addedCount < 2 ? 3 * addedCount : 1.36 * addedCount + 4 * Math.sqrt(addedCount) + 6;
  const replaced =
    replacedCount < 2 ? 3 * replacedCount : 2 * replacedCount + 4 * Math.sqrt(replacedCount) + 3;
  return Math.ceil(added + replaced);
}

type Words = readonly [high: number, low: number];

/** A stretch of symbols as 32-bit words: high, low and check of each. */
class Cells {
  readonly first: number;
  readonly count: number;
  readonly #words: Uint32Array;

  constructor(first: number, count: number, words = new Uint32Array(count * 3)) {
    this.first = first;
    this.count = count;
    this.#words = words;
  }

  static fromBytes(first: number, bytes: Uint8Array): Cells {
    const count = Math.floor(bytes.length / SYMBOL_BYTES);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const words = Uint32Array.from({ length: count * 3 }, (_, index) => view.getUint32(index * 4));
    return new Cells(first, count, words);
  }

  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.count * SYMBOL_BYTES);
    const view = new DataView(bytes.buffer);
    for (const [index, word] of this.#words.entries()) view.setUint32(index * 4, word);
    return bytes;
  }

  followedBy(next: Cells): Cells {
    const words = new Uint32Array(this.#words.length + next.#words.length);
    words.set(this.#words);
    words.set(next.#words, this.#words.length);
    return new Cells(this.first, this.count + next.count, words);
  }

  /** Adds an item to all symbols that it belongs to, or takes it off: both are XOR. */
  toggle([high, low]: Words, onTouched?: (index: number) => void): void {
    const check = checkOf(high, low);
    const end = this.first + this.count;
    const words = this.#words;
    for (const number of symbolNumbers(high, low, end)) {
      if (number < this.first) continue;
      const at = (number - this.first) * 3;
      words[at]! ^= high;
      words[at + 1]! ^= low;
      words[at + 2]! ^= check;
      onTouched?.(number - this.first);
    }
  }

  /** The item of a symbol that is of one item, as far as its check tells. */
  single(index: number): Words | undefined {
    const [high, low, check] = this.#words.subarray(index * 3, index * 3 + 3) as unknown as [
      number,
      number,
      number,
    ];
    return (high | low) !== 0 && checkOf(high, low) === check ? [high, low] : undefined;
  }

  /** Whether a symbol that an item belongs to is of one item besides it. */
  isSingleWithout(index: number, [high, low]: Words): boolean {
    const at = index * 3;
    const words = this.#words;
    if ((words[at]! | words[at + 1]! | words[at + 2]!) === 0) return false;
    const otherHigh = (words[at]! ^ high) >>> 0;
    const otherLow = (words[at + 1]! ^ low) >>> 0;
    return (
      checkOf(otherHigh, otherLow) === (words[at + 2]! ^ checkOf(high, low)) >>> 0 &&
      (otherHigh | otherLow) !== 0
    );
  }

  /** Whether one of the symbols that an item belongs to passes `test`. */
  some([high, low]: Words, test: (index: number) => boolean): boolean {
    for (const number of symbolNumbers(high, low, this.first + this.count))
      if (number >= this.first && test(number - this.first)) return true;
    return false;
  }

  isZero(index: number): boolean {
    const at = index * 3;
    return this.count > index && (this.#words[at]! | this.#words[at + 1]! | this.#words[at + 2]!) === 0;
  }
}

/**
 * The numbers of the symbols that an item belongs to, below `end`: 0, and from number i on the next after a gap of
 * ⌈(i + 3/2) · (2^16 / √(r + 1) − 1)⌉, at least 1, with r the generator's next 32 bits; so symbol i holds an item
 * with probability 1 / (1 + i/2). Doubles are rounded as IEEE 754 says, alike everywhere.
 */
function* symbolNumbers(high: number, low: number, end: number): Generator<number> {
  let a = high;
  let b = low;
  for (let number = 0; number < end;) {
    yield number;
    const random = Math.imul(a, 0x9e3779bb) >>> 0;
    b ^= a;
    a = rotateLeft(a, 26) ^ b ^ (b << 9);
    b = rotateLeft(b, 13);
    number += Math.max(1, Math.ceil((number + 1.5) * (65_536 / Math.sqrt(random + 1) - 1)));
  }
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** 32 bits that follow from an item, and not from the parts of a sum: two rounds of murmur3's finalizer. */
function checkOf(high: number, low: number): number {
  return mix(high ^ mix(low ^ 0x9e3779b9)) >>> 0;
}

function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function wordsOf(item: bigint): Words {
  return [Number(item >> 32n), Number(item & 0xffff_ffffn)];
}

function itemOf([high, low]: Words): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}
