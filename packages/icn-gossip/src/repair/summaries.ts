import { BloomFilter, isInSlice, sliceCountFor, type Slice } from './bloom-filter.js';
import type { EntryName } from '../entry/entry-name.js';
import type { TopicState } from '../topic/topic-state.js';
import type { ClockComponent, ClockSummary, FilterSummary } from '../wire/messages.js';
import { branchWant, wantBelow, type Want } from '../pull/want.js';

/**
 * What a peer's clock shows that this node lacks: logs that are longer at the peer, and heads at or below our own
 * seq that we do not hold, where the author forked. A claim costs nothing before it is kept: it never moves our
 * own clock, it only makes the peer a source to ask. Its floors are not believed either, for nothing is pruned
 * in this version: a log is asked for from where it ends here.
 */
export function* wantsOf(state: TopicState, clock: readonly ClockComponent[]): Generator<Want> {
  for (const { author, lane, seq, id } of clock) {
    const held = state.log(author, lane);
    if (held?.isLinked(id) === true) continue;
    if (held?.parked(id) !== undefined) {
      yield wantBelow({ author, lane, seq, id }, held);
      continue;
    }
    if (seq > (held?.linkedSeqMax ?? 0)) yield { type: 'range', author, lane, to: seq };
    else yield branchWant({ author, lane, seq, id });
  }
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
