import type { Did } from '@icn/identity';
import type { EntryName, Lane } from '../entry/entry-name.js';
import type { HeadHash } from '../repair/head-hash.js';
import type { HaveSet } from '../topic/have-set.js';
import type { TopicState } from '../topic/topic-state.js';
import type { LogRange } from '../wire/messages.js';

/** Something that a node lacks and a peer said it holds. */
export type Want = EntryWant | RangeWant | BranchWant | HeadWant;

/** One entry by name. */
export interface EntryWant {
  readonly type: 'entry';
  readonly name: EntryName;
}

/** What is missing of a log up to a seq: below parked entries, and above all that is held. */
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

/** A head that a sketch showed, of which nothing but its hash is known. It is asked for with all below it. */
export interface HeadWant {
  readonly type: 'head';
  readonly hash: bigint;
  readonly round: HeadRound;
}

/** What the heads of one sketch have in common. */
export interface HeadRound {
  readonly roundId: number;
  readonly hash: HeadHash;
  /** Logs in which this node holds what the other side does not name: a wanted head may follow on one of them. */
  readonly logs: Set<HaveSet>;
}

/** What came of asking for a want. */
export interface Answer {
  /** The peer holds more of what was asked. */
  readonly more: boolean;
  /** It brought entries that were not held. */
  readonly hasNews: boolean;
  /** The seq of its last entry, if that is linked here now; else 0. */
  readonly linkedUpTo: number;
  /** All that it brought, new or not. */
  readonly names: readonly EntryName[];
}

/** The largest seq that a range can end with: its end plus one is still exact. */
const SEQ_MAX = Number.MAX_SAFE_INTEGER - 1;
/** Holes of one log in one request: about 16 KiB of them (guess). */
const RANGES_MAX = 4_096;
/** A stretch that does not link is followed by one this many times as deep (guess). */
const DEPTH_FACTOR = 8;
/** So many answers may repeat what is held, below where a branch begins, before their sender is given up (guess). */
const BARREN_MAX = 64;

export function branchWant(name: EntryName): BranchWant {
  return { type: 'branch', name, from: Math.max(1, name.seq - 1), depth: 1, barrenCount: 0 };
}

/**
 * What a parked entry lacks: what is missing below it, or, where something is held at every seq and yet it does not
 * link, the branch that leads to it, which leaves the log anywhere below.
 */
export function wantBelow(name: EntryName, held: HaveSet): Want {
  const { author, lane, seq } = name;
  return held.holes(seq - 1).length > 0 ? { type: 'range', author, lane, to: seq } : branchWant(name);
}

/** Equal for what is one want, whoever holds it. */
export function keyOf(want: Want): string {
  if (want.type === 'range') return `${want.author}/${want.lane}`;
  if (want.type === 'head') return `head/${want.round.roundId}/${want.hash}`;
  return `${want.name.author}/${want.name.lane}/${want.type}/${want.name.id}`;
}

/** Of two wants with one key, the one that takes in the other. */
export function widest(known: Want, other: Want): Want {
  return known.type === 'range' && other.type === 'range' && known.to < other.to ? other : known;
}

/** Nothing is wanted from where a log is closed. */
export function isMet(want: Want, state: TopicState): boolean {
  switch (want.type) {
    case 'entry':
      return state.has(want.name) || state.isClosed(want.name);
    case 'range': {
      const { author, lane, to } = want;
      const closedFrom = state.closedFrom(author, lane) ?? Infinity;
      return (state.log(author, lane)?.linkedSeqMax ?? 0) >= Math.min(to, closedFrom - 1);
    }
    case 'branch':
      return state.isLinked(want.name) || state.isClosed(want.name);
    case 'head':
      return false; // its name is not known before it comes
  }
}

/** The stretch of a branch to ask for. */
export function stretchOf({ name: { author, lane, seq }, from }: BranchWant): LogRange {
  return { author, lane, from, to: seq };
}

/**
 * What is missing of a range and not `underWay`: at most `countMax` seqs, no further above the linked part than
 * `windowMax`. Where something is held at every seq and it does not link, the author forked: all is asked for anew.
 */
export function missingOf(
  { author, lane, to }: RangeWant,
  state: TopicState,
  underWay: readonly LogRange[],
  countMax: number,
  windowMax: number,
): LogRange[] {
  const linkedSeqMax = state.log(author, lane)?.linkedSeqMax ?? 0;
  const closedFrom = state.closedFrom(author, lane) ?? Infinity;
  const end = Math.min(to, linkedSeqMax + windowMax, closedFrom - 1, SEQ_MAX);
  const all = state.holes(author, lane, end).filter(({ from }) => from <= end);
  const holes = all.map(({ from, to: last }) => ({ from, to: Math.min(last, end) }));
  const missing = holes.length > 0 ? holes : [{ from: linkedSeqMax + 1, to: end }];
  const ranges: LogRange[] = [];
  let count = 0;
  for (const hole of subtract(missing, underWay)) {
    if (count >= countMax || ranges.length >= RANGES_MAX) break;
    const last = Math.min(hole.to, hole.from + (countMax - count) - 1);
    ranges.push({ author, lane, from: hole.from, to: last });
    count += last - hole.from + 1;
  }
  return ranges;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** What is left of ascending, disjoint spans without those of `others`. */
function subtract(spans: readonly Span[], others: readonly Span[]): Span[] {
  const cuts = others.toSorted((a, b) => a.from - b.from);
  return spans.flatMap((span) => {
    const left: Span[] = [];
    let { from } = span;
    for (const cut of cuts) {
      if (cut.to < from || cut.from > span.to) continue;
      if (cut.from > from) left.push({ from, to: cut.from - 1 });
      from = cut.to + 1;
    }
    if (from <= span.to) left.push({ from, to: span.to });
    return left;
  });
}

/** What to ask the same peer for after an answer that did not meet the want; undefined where it has no more to give. `isWhole`: all that is missing was asked for. */
export function nextAfter(
  want: Want,
  { more, hasNews, linkedUpTo, names }: Answer,
  isWhole: boolean,
): Want | undefined {
  switch (want.type) {
    case 'entry':
      return more && hasNews ? want : undefined;
    case 'range':
      return hasNews && (more || !isWhole) ? want : undefined;
    case 'head':
      return more && hasNews && !names.some(({ id }) => want.round.hash(id) === want.hash) ? want : undefined;
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
