import { decodeHeader } from '../../entry/entry-header.js';
import { entryIdOf, type EntryName } from '../../entry/entry-name.js';
import { encodeMessage } from '../../wire/message-codec.js';
import { carriedBy, readFrame } from '../frames.js';
import type { SeededRandom } from '../seeded-random.js';
import { BYTE_MUTATIONS } from './byte-mutations.js';
import type { Corpus } from './corpus.js';
import { Forger } from './forger.js';
import { FUZZ_TOPICS } from './record-corpus.js';
import { twisted } from './value-mutations.js';
import { Vocabulary } from './vocabulary.js';

/** How a hostile frame was made. */
export type Craft = 'replayed' | 'bytes' | 'values' | 'forged';

export interface HostileFrame {
  readonly frame: Uint8Array;
  readonly craft: Craft;
}

/** Entries of honest authors that forgeries depend on (guess). */
const KNOWN_MAX = 32;

/** Makes hostile frames without end, of what was recorded before and of what is said in this world. */
export class FrameMill {
  readonly #random: SeededRandom;
  readonly #sources: readonly Corpus[];
  readonly #vocabulary = new Vocabulary();
  readonly #forger: Forger;
  readonly #known: EntryName[] = [];
  #heardCount = 0;
  #lastRequestId = 0;

  /** `sources`: each is drawn from as often as any other, once anything was said there. */
  constructor(random: SeededRandom, network: string, sources: readonly Corpus[]) {
    this.#random = random;
    this.#sources = sources;
    this.#forger = new Forger(random.fork('forger'), network);
    for (const source of sources) for (const frame of source.all()) this.#vocabulary.learn(frame);
  }

  /** Hears what a victim says, for the numbers that it waits for. */
  hear(frame: Uint8Array): void {
    if (frame.length > 4_096 && this.#heardCount++ % 8 > 0) return;
    this.#vocabulary.learn(frame);
    const { message } = readFrame(frame);
    if (typeof message === 'string') return;
    if ('requestId' in message) this.#lastRequestId = message.requestId;
    if ('roundId' in message && this.#random.chance(0.3)) this.#lastRequestId = message.roundId;
    for (const { header } of carriedBy(message).slice(0, 2)) {
      const decoded = decodeHeader(header);
      if (typeof decoded === 'string') continue;
      const { author, lane, seq } = decoded;
      this.#known[this.#heardCount++ % KNOWN_MAX] = { author, lane, seq, id: entryIdOf(header) };
    }
  }

  next(): HostileFrame {
    const random = this.#random;
    const frame = this.#draw();
    if (random.chance(0.16) || frame === undefined) return this.#forged();
    if (random.chance(0.15)) return { frame, craft: 'replayed' };
    return this.mutated(frame);
  }

  /** A frame that somebody was about to send, changed. */
  mutated(frame: Uint8Array): HostileFrame {
    const random = this.#random;
    const other = this.#draw() ?? frame;
    const twist = random.chance(0.6) ? twisted(frame, random, this.#vocabulary, other) : undefined;
    if (twist !== undefined) return { frame: twist, craft: 'values' };
    return { frame: random.pick(BYTE_MUTATIONS)(frame, random, other), craft: 'bytes' };
  }

  #forged(): HostileFrame {
    const known = this.#known.filter((name) => name !== undefined);
    const message = this.#forger.message(this.#random.pick(FUZZ_TOPICS), this.#lastRequestId, known);
    return { frame: encodeMessage(message), craft: 'forged' };
  }

  #draw(): Uint8Array | undefined {
    return this.#random.pick(this.#sources).draw(this.#random);
  }
}
