import { decodeCbor, type Cbor } from '@icn/identity/cbor';
import type { SeededRandom } from '../seeded-random.js';

/** Words kept of each length (guess). */
const KEPT = 256;
/** Values of a frame that are learnt from: large frames say the same again and again (guess). */
const LEARNT_OF_FRAME = 64;

/** Numbers at which encodings, types and tables change. */
const EDGE_NUMBERS = [
  0,
  1,
  2,
  8,
  9,
  16,
  17,
  23,
  24,
  63,
  64,
  65,
  255,
  256,
  65_535,
  65_536,
  0x7fff_ffff,
  0x8000_0000,
  0xffff_ffff,
  0x1_0000_0000,
  Number.MAX_SAFE_INTEGER - 1,
  Number.MAX_SAFE_INTEGER,
];

const EDGE_TEXTS = [
  '',
  'a',
  'lobby',
  'kitchen',
  'no-such-topic',
  'Ünï',
  '../..',
  '__proto__',
  'x'.repeat(64),
  'x'.repeat(65),
];

/** The ids, keys, hashes, numbers and names that were said, so that what is made up fits what is there. */
export class Vocabulary {
  readonly #bytes = new Map<number, Uint8Array[]>();
  readonly #numbers: number[] = [];
  #learnt = 0;

  /** Learns from a frame, whoever sent it. */
  learn(frame: Uint8Array): void {
    const value = decodeCbor(frame);
    if (value === undefined) return;
    const queue: Cbor[] = [value];
    for (let index = 0; index < Math.min(queue.length, LEARNT_OF_FRAME); index++) {
      const item = queue[index]!;
      if (Array.isArray(item)) for (const each of item) queue.push(each as Cbor);
      else if (typeof item === 'number') this.#numbers[this.#learnt++ % KEPT] = item;
      else if (item instanceof Uint8Array) {
        const same = this.#bytes.get(item.length) ?? [];
        this.#bytes.set(item.length, same);
        same[this.#learnt++ % KEPT] = item;
      }
    }
  }

  /** A number that was said, or near one, or on an edge, or any. */
  number(random: SeededRandom, instead: number): number {
    const said = this.#numbers[random.below(KEPT)] ?? instead;
    const drawn = random.pick([
      said,
      said,
      instead + 1,
      Math.max(0, instead - 1),
      random.pick(EDGE_NUMBERS),
      random.below(1_000),
      2 * instead,
    ]);
    return Math.min(drawn, Number.MAX_SAFE_INTEGER);
  }

  /** Bytes that were said in another place, of the same length where there are any; or bytes that fit nothing. */
  bytes(random: SeededRandom, instead: Uint8Array): Uint8Array {
    const same = this.#bytes.get(instead.length);
    const said = same?.[random.below(same.length)];
    if (said !== undefined && random.chance(0.6)) return said;
    return random.pick([
      () => random.bytes(instead.length),
      () => new Uint8Array(0),
      () => instead.subarray(1),
      () => Uint8Array.of(...instead.subarray(0, 64), 0),
      () => new Uint8Array(instead.length),
      () => random.bytes(random.below(100)),
      () => new Uint8Array(random.below(20_000)),
    ])();
  }

  text(random: SeededRandom): string {
    return random.pick(EDGE_TEXTS);
  }
}
