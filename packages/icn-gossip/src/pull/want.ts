import type { Did } from '@icn/identity';
import type { EntryName, Lane } from '../entry/entry-name.js';
import type { TopicState } from '../topic/topic-state.js';
import type { LogRange } from '../wire/messages.js';

/** Something that a node lacks and a peer said it holds. */
export type Want = EntryWant | RangeWant | BranchWant;

/** One entry by name. */
export interface EntryWant {
  readonly type: 'entry';
  readonly name: EntryName;
}

/** A log from where it ends here up to a seq. */
export interface RangeWant {
  readonly type: 'range';
  readonly author: Did;
  readonly lane: Lane;
  readonly to: number;
}

/**
 * The branch of a forked log that leads to an entry. Where it leaves what is held is not known, so ever longer
 * stretches below the entry are asked for, until one links; entries above come in the order in which they link.
 */
export interface BranchWant {
  readonly type: 'branch';
  readonly name: EntryName;
  /** The stretch to ask for begins here. */
  readonly from: number;
  /** How far below the entry the last new stretch began. */
  readonly depth: number;
  /** Answers so far that brought nothing new. */
  readonly barrenCount: number;
}

/** What came of asking for a want. */
export interface Answer {
  /** The peer holds more of what was asked. */
  readonly more: boolean;
  /** It brought entries that were not held. */
  readonly hasNews: boolean;
  /** It brought entries that were linked. */
  readonly hasLinked: boolean;
  /** The seq of its last entry, if that is linked here now; else 0. */
  readonly linkedUpTo: number;
}

/** A stretch that does not link is followed by one this many times as deep (guess). */
const DEPTH_FACTOR = 8;
/** So many answers may repeat what is held, below where a branch begins, before their sender is given up (guess). */
const BARREN_MAX = 64;

export function branchWant(name: EntryName): BranchWant {
  return { type: 'branch', name, from: Math.max(1, name.seq - 1), depth: 1, barrenCount: 0 };
}

/** Equal for what is one want, whoever holds it. */
export function keyOf(want: Want): string {
  if (want.type === 'range') return `${want.author}/${want.lane}`;
  return `${want.name.author}/${want.name.lane}/${want.type}/${want.name.id}`;
}

/** Of two wants with one key, the one that takes in the other. */
export function widest(known: Want, other: Want): Want {
  return known.type === 'range' && other.type === 'range' && known.to < other.to ? other : known;
}

export function isMet(want: Want, state: TopicState): boolean {
  switch (want.type) {
    case 'entry':
      return state.has(want.name);
    case 'range':
      return linkedSeqMax(want, state) >= want.to;
    case 'branch':
      return state.log(want.name.author, want.name.lane)?.isLinked(want.name.id) ?? false;
  }
}

/** The stretch of a log to ask for. */
export function rangeOf(want: RangeWant | BranchWant, state: TopicState): LogRange {
  if (want.type === 'range')
    return { author: want.author, lane: want.lane, from: linkedSeqMax(want, state) + 1, to: want.to };
  return { author: want.name.author, lane: want.name.lane, from: want.from, to: want.name.seq };
}

/** What to ask the same peer for after an answer that did not meet the want; undefined where it has no more to give. */
export function nextAfter(want: Want, { more, hasNews, hasLinked, linkedUpTo }: Answer): Want | undefined {
  switch (want.type) {
    case 'entry':
      return more && hasNews ? want : undefined;
    case 'range':
      return more && hasLinked ? want : undefined;
    case 'branch':
      return nextStretch(
        { ...want, barrenCount: want.barrenCount + (hasNews ? 0 : 1) },
        more ? linkedUpTo : 0,
      );
  }
}

function nextStretch(want: BranchWant, linkedUpTo: number): BranchWant | undefined {
  const { name, from, depth, barrenCount } = want;
  if (barrenCount > BARREN_MAX) return undefined;
  if (linkedUpTo > from && linkedUpTo <= name.seq) return { ...want, from: linkedUpTo };
  if (name.seq - depth <= 1) return undefined;
  return { ...want, depth: depth * DEPTH_FACTOR, from: Math.max(1, name.seq - depth * DEPTH_FACTOR) };
}

function linkedSeqMax({ author, lane }: RangeWant, state: TopicState): number {
  return state.log(author, lane)?.linkedSeqMax ?? 0;
}
