import { equalBytes } from '@icn/identity';
import type { GossipLimits } from '../limits.js';
import type { EntryId } from '../entry/entry-name.js';
import type { Want } from '../pull/want.js';
import type { WantList } from '../pull/want-list.js';
import type { TopicState } from '../topic/topic-state.js';
import type { ClockSummary, SketchSummary } from '../wire/messages.js';
import type { HeadHash } from './head-hash.js';
import type { PeerMemory } from './peer-memory.js';
import type { Session } from './sessions.js';
import { SYMBOL_BYTES } from './sketch.js';
import { SketchLearner } from './sketch-learner.js';
import { CLOCK_COMPONENT_BYTES } from './strategy.js';
import { wantOf } from './summaries.js';
import { BASE_BYTES, type Teller } from './teller.js';

/** A sketch of unknown size goes on at least to here before the clock is asked for: 3 KiB (guess). */
const SYMBOLS_MIN = 256;

/** Takes in, within a session, what the other side holds, and wants of it what this node lacks. */
export class Learner {
  readonly #limits: GossipLimits;
  readonly #state: TopicState;
  readonly #wants: WantList;
  readonly #memory: PeerMemory;
  readonly #teller: Teller;

  constructor(limits: GossipLimits, state: TopicState, wants: WantList, memory: PeerMemory, teller: Teller) {
    this.#limits = limits;
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
    const { knowledge } = session;
    // Who was told what we hold tells only heads that we lack; else what is not named is not held there.
    const isAnswer = knowledge.hasTold;
    session.isPartial ||= base === null && !isAnswer && clock.length < (session.theirCounts?.heads ?? 0);
    const told = new Set<EntryId>();
    for (const component of clock) {
      if (told.has(component.id)) continue;
      told.add(component.id);
      knowledge.holds(component.id);
      const want = wantOf(this.#state, component);
      if (want === undefined) continue;
      knowledge.differs(component);
      this.#want(session, want);
    }
    if (isAnswer) return true;
    const ours = base === null ? this.#state.heads() : this.#state.headsSince(agreed!.version);
    for (const head of ours) if (!told.has(head.id)) knowledge.differs(head);
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
      const { knowledge } = session;
      knowledge.knowsBy((id) => learner.isTheirs(id));
      for (const head of lesson.oursOnly) knowledge.differs(head);
      for (const want of lesson.wants) {
        if (want.type === 'range') knowledge.differs(want);
        this.#want(session, want);
      }
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

  #want(session: Session, want: Want): void {
    if (!this.#wants.add(want, session.peer)) session.isPartial = true;
  }

  /** Beyond so many symbols the peer's clock is shorter. All of them are kept, so its word for it counts up to what a topic holds here. */
  #symbolsMax({ theirCounts }: Session): number {
    const headCount = Math.min(theirCounts?.heads ?? 0, this.#limits.logsPerTopicMax);
    return Math.max(SYMBOLS_MIN, Math.ceil((headCount * CLOCK_COMPONENT_BYTES) / SYMBOL_BYTES));
  }
}
