/**
 * The randomness of a run: equal seeds give equal numbers, on every machine.
 *
 * The generator is sfc32 (Doty-Humphrey, PractRand): 128 bits of state, a few shifts and adds a number, no failures
 * in PractRand. The seed text is spread over the state by FNV-1a and the finalizer of MurmurHash3.
 */
export class SeededRandom {
  readonly #seed: string;
  readonly #state: Uint32Array;

  constructor(seed: number | string) {
    this.#seed = String(seed);
    this.#state = stateOf(this.#seed);
    for (let round = 0; round < 12; round++) this.uint32();
  }

  /**
   * A generator of its own for one part of the run. It follows from the seed and the label alone, so a draw more or
   * less elsewhere shifts nothing here. The same label gives the same numbers again.
   */
  fork(label: number | string): SeededRandom {
    return new SeededRandom(`${this.#seed}/${label}`);
  }

  /** An integer from 0 to 2^32 − 1. */
  uint32(): number {
    const state = this.#state;
    const [a, b, c, counter] = [state[0]!, state[1]!, state[2]!, state[3]!];
    const sum = (a + b + counter) >>> 0;
    state[3] = counter + 1;
    state[0] = b ^ (b >>> 9);
    state[1] = c + (c << 3);
    state[2] = ((c << 21) | (c >>> 11)) + sum;
    return sum;
  }

  /** A number in [0, 1), of 32 bits. */
  float(): number {
    return this.uint32() / 4_294_967_296;
  }

  /** An integer from 0 to `count` − 1; `count` is at least 1. */
  below(count: number): number {
    return Math.floor(this.float() * count);
  }

  /** A number in [min, max). */
  between(min: number, max: number): number {
    return min + this.float() * (max - min);
  }

  /** True with that probability. Draws nothing where there is nothing to decide. */
  chance(probability: number): boolean {
    return probability > 0 && (probability >= 1 || this.float() < probability);
  }

  /** One of the items; throws `RangeError` where there is none. */
  pick<Item>(items: readonly Item[]): Item {
    if (items.length === 0) throw new RangeError('nothing to pick from');
    return items[this.below(items.length)]!;
  }

  /** The items in a random order (Fisher and Yates), as a new array. */
  shuffled<Item>(items: readonly Item[]): Item[] {
    const all = [...items];
    for (let last = all.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      [all[last], all[other]] = [all[other]!, all[last]!];
    }
    return all;
  }

  /** So many different ones of the items, or all of them, in a random order. */
  sample<Item>(items: readonly Item[], count: number): Item[] {
    return this.shuffled(items).slice(0, Math.max(0, count));
  }

  bytes(byteCount: number): Uint8Array {
    const bytes = new Uint8Array(byteCount);
    for (let index = 0; index < byteCount; index += 4) {
      const word = this.uint32();
      for (let byte = index; byte < Math.min(index + 4, byteCount); byte++)
        bytes[byte] = word >>> (8 * (byte - index));
    }
    return bytes;
  }

  /** A number of the standard normal distribution (Box and Muller 1958). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.float()));
    return radius * Math.cos(2 * Math.PI * this.float());
  }
}

function stateOf(seed: string): Uint32Array {
  let hash = 0x811c9dc5;
  for (let index = 0; index < seed.length; index++)
    hash = Math.imul(hash ^ seed.charCodeAt(index), 0x01000193) >>> 0;
  const words = Array.from({ length: 3 }, (_, index) => finalize(hash + Math.imul(index + 1, 0x9e3779b9)));
  // The length tells apart the few texts that collide in 32 bits.
  return Uint32Array.of(words[0]!, words[1]! ^ finalize(seed.length), words[2]!, 1);
}

function finalize(word: number): number {
  let mixed = word >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
