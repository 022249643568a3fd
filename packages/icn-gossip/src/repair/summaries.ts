import { BloomFilter, isInSlice, sliceCountFor, type Slice } from './bloom-filter.js';
import type { EntryName } from '../entry/entry-name.js';
import type { TopicState } from '../topic/topic-state.js';
import type { ClockSummary, FilterSummary } from '../wire/messages.js';
import type { EntryLinks } from '../entry/entry-header.js';
import { branchWant, type Want } from '../pull/want.js';
import type { HaveSet } from '../topic/have-set.js';

/**
 * What to ask for so that a head of another node links here: what is missing of its log up to there; or, where
 * something else is held at its seq, or below it, the branch that leads to it. Undefined where it is linked. A claim costs
 * nothing before it is kept: it never moves our own clock, it only makes the peer a source to ask. Its floors are not
 * believed either, for nothing is pruned in this version.
 */
export function wantOf(state: TopicState, { author, lane, seq, id }: EntryName): Want | undefined {
  const held = state.log(author, lane);
  if (held === undefined) return { type: 'range', author, lane, to: seq };
  if (held.isLinked(id)) return undefined;
  const parked = held.parked(id);
  const lowest = parked === undefined ? undefined : lowestParked(held, parked).name;
  // A parked head hangs on an entry that is not held, one below the lowest of its chain.
  const missingSeq = lowest === undefined ? seq : lowest.seq - 1;
  return held.isHole(missingSeq)
    ? { type: 'range', author, lane, to: seq }
    : branchWant(lowest ?? { author, lane, seq, id });
}

function lowestParked(held: HaveSet, top: EntryLinks): EntryLinks {
  let lowest = top;
  for (let next = parkedBelow(held, lowest); next !== undefined; next = parkedBelow(held, lowest))
    lowest = next;
  return lowest;
}

/** The entry that a parked one names, if it is parked one seq below; what contradicts its seq never links. */
function parkedBelow(held: HaveSet, { name, prev }: EntryLinks): EntryLinks | undefined {
  const below = prev === null ? undefined : held.parked(prev);
  return below?.name.seq === name.seq - 1 ? below : undefined;
}

/** 8,192 components are about 610 KiB, within a frame; a longer clock is told in parts, from a random place on. */
const CLOCK_COMPONENTS_MAX = 8_192;

/** Heads as peers are told them. Nothing is pruned in this version, so each floor is 0. */
export function clockOf(
  heads: Iterable<EntryName>,
  base: Uint8Array | null,
  drawU32: () => number,
): ClockSummary {
  const clock = Array.from(heads, ({ author, lane, seq, id }) => ({ author, lane, floor: 0, seq, id }));
  if (clock.length <= CLOCK_COMPONENTS_MAX) return { type: 'clock', clock, base };
  const start = drawU32() % clock.length;
  const part = [...clock.slice(start), ...clock.slice(0, start)].slice(0, CLOCK_COMPONENTS_MAX);
  return { type: 'clock', clock: part, base };
}

/** A filter over the linked ids of one slice. A topic too big for one filter is covered by as many turns as it has slices. */
export function filterOf(
  state: TopicState,
  turn: number,
  salt: bigint,
  idsPerFilterMax: number,
): FilterSummary {
  const sliceCount = sliceCountFor(state.entryCount, idsPerFilterMax);
  const slice: Slice = { index: turn % sliceCount, count: sliceCount };
  const filter = BloomFilter.withRoomFor(Math.ceil(state.entryCount / sliceCount), salt);
  for (const { id } of state.entries()) if (isInSlice(id, slice)) filter.add(id);
  return { type: 'filter', salt, slice, bytes: filter.bytes };
}

/** The linked entries that a peer's filter lacks: at most `countMax`, each log in seq order. */
export function* lackedBy(
  state: TopicState,
  { salt, slice, bytes }: FilterSummary,
  countMax: number,
): Generator<EntryName> {
  const theirs = new BloomFilter(salt, bytes);
  let count = 0;
  for (const name of state.entries()) {
    if (count >= countMax) return;
    if (!isInSlice(name.id, slice) || theirs.mayHave(name.id)) continue;
    count++;
    yield name;
  }
}
