import { equalBytes } from '@icn/identity';
import type { EntryName } from '../entry/entry-name.js';
import type { WantList } from '../pull/want-list.js';
import type { TopicState } from '../topic/topic-state.js';
import type { ClockSummary, SketchSummary } from '../wire/messages.js';
import type { HeadHash } from './head-hash.js';
import type { PeerMemory } from './peer-memory.js';
import type { Session } from './sessions.js';
import { SYMBOL_BYTES } from './sketch.js';
import { SketchLearner } from './sketch-learner.js';
import { CLOCK_COMPONENT_BYTES } from './strategy.js';
import { wantsOf } from './summaries.js';
import { BASE_BYTES, type Teller } from './teller.js';

/** A sketch of unknown size goes on at least to here before the clock is asked for: 3 KiB (guess). */
const SYMBOLS_MIN = 256;

/** Takes in, within a session, what the other side holds, and wants of it what this node lacks. */
export class Learner {
  readonly #state: TopicState;
  readonly #wants: WantList;
  readonly #memory: PeerMemory;
  readonly #teller: Teller;

  constructor(state: TopicState, wants: WantList, memory: PeerMemory, teller: Teller) {
    this.#state = state;
    this.#wants = wants;
    this.#memory = memory;
    this.#teller = teller;
  }

  /** Returns whether all was told; else more was asked for. */
  clock(session: Session, { clock, base }: ClockSummary): boolean {
    const { peer } = session;
    const agreed = this.#memory.base(peer);
    const isKnown =
      base === null || (agreed !== undefined && equalBytes(agreed.root.subarray(0, BASE_BYTES), base));
    if (!isKnown) {
      this.#memory.forget(peer);
      this.#teller.request(session, { type: 'clock-request' });
      return false;
    }
    const ours = base === null ? this.#state.heads() : this.#state.headsSince(agreed!.version);
    const told = new Set(clock.map(({ id }) => id));
    const ahead = new Set<string>();
    for (const want of wantsOf(this.#state, clock)) {
      if (want.type === 'range') ahead.add(`${want.author}/${want.lane}`);
      this.#wants.add(want, peer);
    }
    session.oursOnly = [...ours].filter(
      ({ id, author, lane }) => !told.has(id) && !ahead.has(`${author}/${lane}`),
    );
    return true;
  }

  /** Returns whether the sketch shows the difference; else more symbols were asked for, or the clock. */
  sketch(session: Session, hash: HeadHash, { first, symbols }: SketchSummary): boolean {
    session.learner ??= new SketchLearner(this.#state, hash, session.roundId);
    const { learner } = session;
    if (first !== learner.symbolCount) return false; // said twice, or something before it was lost
    const lesson = learner.take(symbols);
    if (lesson !== undefined) {
      session.learner = undefined;
      session.oursOnly = lesson.oursOnly;
      for (const want of lesson.wants) this.#wants.add(want, session.peer);
      return true;
    }
    const count = Math.max(learner.symbolCount, 4);
    if (symbols.length >= SYMBOL_BYTES && learner.symbolCount + count <= this.#symbolsMax(session)) {
      this.#teller.request(session, { type: 'sketch-request', first: learner.symbolCount, count });
    } else {
      session.learner = undefined;
      this.#teller.request(session, { type: 'clock-request' });
    }
    return false;
  }

  /** Own heads that the other side lacks, as they are now. */
  oursOnlyNow({ oursOnly }: Session): EntryName[] {
    const logs = new Map(oursOnly.map((name) => [`${name.author}/${name.lane}`, name]));
    return [...logs.values()].flatMap(({ author, lane }) => {
      const heads = this.#state.log(author, lane)?.heads ?? [];
      return Array.from(heads, ([id, seq]) => ({ author, lane, seq, id }));
    });
  }

  /** Beyond so many symbols the peer's clock is shorter. */
  #symbolsMax({ theirCounts }: Session): number {
    return Math.max(
      SYMBOLS_MIN,
      Math.ceil(((theirCounts?.heads ?? 0) * CLOCK_COMPONENT_BYTES) / SYMBOL_BYTES),
    );
  }
}
