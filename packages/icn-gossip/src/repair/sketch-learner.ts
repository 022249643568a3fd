import type { EntryName } from '../entry/entry-name.js';
import { wantBelow, type HeadRound, type Want } from '../pull/want.js';
import type { HaveSet } from '../topic/have-set.js';
import type { TopicState } from '../topic/topic-state.js';
import type { LogName } from '../wire/messages.js';
import type { HeadHash } from './head-hash.js';
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

  /** Takes the symbols from number `symbolCount` on; undefined while more are needed. */
  take(symbols: Uint8Array): Lesson | undefined {
    const difference = this.#decoder.add(symbols);
    return difference && this.#resolve(difference);
  }

  /**
   * A head that only the other side has is known here where it is parked, which leaves nothing to ask but what it
   * lacks below; or where it lies below our own head, which leaves nothing at all. Any other is asked for by its hash.
   */
  #resolve({ ours, theirs }: SetDifference): Lesson {
    const oursOnly = ours.map((hash) => this.#own.get(hash)!);
    const unknown = new Set(theirs);
    const wants: Want[] = [];
    const round: HeadRound = { roundId: this.#roundId, hash: this.#hash, logs: new Set() };
    for (const { author, lane, held } of this.#logsToSearch(oursOnly)) {
      const parked = this.#takeParked(held, unknown);
      if (parked === undefined && this.#takeLinked(held, unknown)) continue;
      if (parked !== undefined) wants.push(wantBelow(parked, held));
      else if (held.parkedCount > 0) wants.push({ type: 'range', author, lane, to: held.topSeq });
      if (parked === undefined) round.logs.add(held);
    }
    for (const hash of unknown) wants.push({ type: 'head', hash, round });
    return { wants, oursOnly };
  }

  /** Logs that differ: whose head is ours alone, or of which nothing is linked yet. */
  *#logsToSearch(oursOnly: readonly EntryName[]): Generator<LogName & { readonly held: HaveSet }> {
    const seen = new Set<HaveSet>();
    for (const { author, lane } of oursOnly) {
      const held = this.#state.log(author, lane);
      if (held === undefined || seen.has(held)) continue;
      seen.add(held);
      yield { author, lane, held };
    }
    for (const log of this.#state.logs()) if (log.held.linkedSeqMax === 0) yield log;
  }

  #takeParked(held: HaveSet, unknown: Set<bigint>): EntryName | undefined {
    for (const { name } of held.parkedEntries()) if (unknown.delete(this.#hash(name.id))) return name;
    return undefined;
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
