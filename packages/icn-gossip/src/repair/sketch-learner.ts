import type { EntryId, EntryName } from '../entry/entry-name.js';
import type { HeadRound, Want } from '../pull/want.js';
import type { HaveSet } from '../topic/have-set.js';
import type { TopicState } from '../topic/topic-state.js';
import type { HeadHash } from './head-hash.js';
import { wantOf } from './summaries.js';
import { SketchDecoder, type SetDifference } from './sketch.js';

/** Ids that may be hashed in search of heads of the other side that lie below our own (guess: some 10 ms). */
const HASHED_MAX = 65_536;

/** What a sketch showed. */
export interface Lesson {
  /** What this node lacks, to be asked of the side that told. */
  readonly wants: readonly Want[];
  /** Heads of this node that are none of the other side. */
  readonly oursOnly: readonly EntryName[];
}

/** Learns from coded symbols of another node's heads what to ask it for. */
export class SketchLearner {
  readonly #state: TopicState;
  readonly #hash: HeadHash;
  readonly #roundId: number;
  readonly #own = new Map<bigint, EntryName>();
  readonly #decoder: SketchDecoder;
  #theirs: ReadonlySet<bigint> = new Set();

  constructor(state: TopicState, hash: HeadHash, roundId: number) {
    this.#state = state;
    this.#hash = hash;
    this.#roundId = roundId;
    for (const head of state.heads()) this.#own.set(hash(head.id), head);
    this.#decoder = new SketchDecoder(new Set(this.#own.keys()));
  }

  /** The next symbols that are wanted begin here. */
  get symbolCount(): number {
    return this.#decoder.symbolCount;
  }

  /** Whether an entry is a head that the sketch showed, and no head of ours when it began. */
  isTheirs(id: EntryId): boolean {
    return this.#theirs.has(this.#hash(id));
  }

  /** Takes the symbols from number `symbolCount` on; undefined while more are needed. */
  take(symbols: Uint8Array): Lesson | undefined {
    const difference = this.#decoder.add(symbols);
    return difference && this.#resolve(difference);
  }

  /**
   * A head that only the other side has is known here where it is parked, which leaves nothing to ask but the holes
   * below; or where it lies below our own head, which leaves nothing at all. Any other is asked for by its hash. So
   * only logs are searched that have a head of ours alone, or parked entries.
   */
  #resolve({ ours, theirs }: SetDifference): Lesson {
    const oursOnly = ours.map((hash) => this.#own.get(hash)!);
    const unknown = new Set(theirs);
    this.#theirs = new Set(theirs);
    const wants: Want[] = [];
    const round: HeadRound = { roundId: this.#roundId, hash: this.#hash, logs: new Set() };
    const differing = new Set(oursOnly.map((name) => this.#state.log(name.author, name.lane)));
    for (const { author, lane, held } of this.#state.logs()) {
      if (!differing.has(held) && held.parkedCount === 0) continue;
      const parked = this.#takeParked(held, unknown);
      if (parked.length === 0 && differing.has(held) && this.#takeLinked(held, unknown)) continue;
      wants.push(...parked.map((name) => wantOf(this.#state, name)).filter((want) => want !== undefined));
      if (parked.length > 0 || (held.linkedSeqMax > 0 && !differing.has(held))) continue;
      if (held.parkedCount > 0) wants.push({ type: 'range', author, lane, to: held.topSeq });
      round.logs.add(held);
    }
    for (const hash of unknown) wants.push({ type: 'head', hash, round });
    return { wants, oursOnly };
  }

  #takeParked(held: HaveSet, unknown: Set<bigint>): EntryName[] {
    const names = Array.from(held.parkedEntries(), ({ name }) => name);
    return names.filter(({ id }) => unknown.delete(this.#hash(id)));
  }

  #takeLinked(held: HaveSet, unknown: Set<bigint>): boolean {
    let hashedCount = 0;
    for (let seq = held.linkedSeqMax; seq > 0 && unknown.size > 0; seq--) {
      for (const id of held.at(seq)) {
        if (++hashedCount > HASHED_MAX) return false;
        if (unknown.delete(this.#hash(id))) return true;
      }
    }
    return false;
  }
}
