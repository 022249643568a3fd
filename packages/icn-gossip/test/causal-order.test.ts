import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Dep, EntryLinks } from '../src/entry/entry-header.js';
import type { EntryId } from '../src/entry/entry-name.js';
import { DEFAULT_LIMITS } from '../src/limits.js';
import type { Delivery } from '../src/topic/delivery-order.js';
import { TopicState } from '../src/topic/topic-state.js';
import { depOf, did, NETWORK, TOPIC } from './fixtures.js';

const WAIT_MS = 100;
const LIMITS = { ...DEFAULT_LIMITS, causalWaitMs: WAIT_MS };
const NOBODY = 9;

/** An entry as links alone; the number makes its id. */
function links(
  number: number,
  author: number,
  prev: EntryLinks | undefined,
  deps: readonly Dep[],
): EntryLinks {
  const id = number.toString(16).padStart(16, '0').padEnd(64, 'f') as EntryId;
  return {
    name: { author: did(author), lane: 0, seq: (prev?.name.seq ?? 0) + 1, id },
    prev: prev?.name.id ?? null,
    deps,
  };
}

/** Each step is one entry: by whom, after which entry of theirs (0: the last), and which earlier entries it names. */
const step = fc.record({
  author: fc.integer({ min: 1, max: 3 }),
  back: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(3) }),
  deps: fc.array(fc.nat(), { maxLength: 3 }),
  namesNobody: fc.integer({ min: 0, max: 9 }).map((draw) => draw === 0),
});
const dag = fc.array(step, { minLength: 1, maxLength: 25 }).map((steps) => {
  const entries: EntryLinks[] = [];
  for (const { author, back, deps, namesNobody } of steps) {
    const log = entries.filter((entry) => entry.name.author === did(author));
    const prev = log[Math.max(0, log.length - 1 - back)];
    const named = entries.length === 0 ? [] : deps.map((dep) => depOf(entries[dep % entries.length]!.name));
    if (namesNobody) named.push({ author: did(NOBODY), lane: 0, seq: 1, idPrefix: '0'.repeat(16) });
    entries.push(links(entries.length + 1, author, prev, named));
  }
  return entries;
});
const run = dag.chain((entries) =>
  fc.record({
    arrival: fc.shuffledSubarray(entries, { minLength: entries.length }),
    pauses: fc.array(fc.integer({ min: 0, max: 60 }), {
      minLength: entries.length,
      maxLength: entries.length,
    }),
    restartAfter: fc.nat({ max: entries.length }),
  }),
);

/** A node's life: arrivals with pauses between them, waits that end on time, and one restart from its disk. */
class Life {
  state = new TopicState(TOPIC, NETWORK, LIMITS);
  nowMs = 0;
  readonly held: EntryLinks[] = [];
  readonly deliveries: Delivery[] = [];
  readonly deliveredAtMs = new Map<EntryId, number>();
  /** When the present wait of an entry began. */
  readonly linkedAtMs = new Map<EntryId, number>();

  take(entry: EntryLinks): void {
    this.held.push(entry);
    this.#note(this.state.accept(entry, this.nowMs));
  }

  pause(forMs: number): void {
    const endMs = this.nowMs + forMs;
    for (
      let wakeAtMs = this.state.wakeAtMs;
      wakeAtMs !== undefined && wakeAtMs <= endMs;
      wakeAtMs = this.state.wakeAtMs
    ) {
      this.nowMs = wakeAtMs;
      this.#note(this.state.expire(wakeAtMs));
    }
    this.nowMs = endMs;
  }

  restart(): void {
    this.state = new TopicState(TOPIC, NETWORK, LIMITS);
    for (const { name } of this.held) if (!this.deliveredAtMs.has(name.id)) this.linkedAtMs.delete(name.id);
    const byId = new Map(this.held.map((entry) => [entry.name.id, entry]));
    for (const { name, position } of this.deliveries) this.state.restore(byId.get(name.id)!, position);
    for (const entry of this.held) {
      if (!this.deliveredAtMs.has(entry.name.id)) this.#note(this.state.accept(entry, this.nowMs));
    }
  }

  #note(deliveries: readonly Delivery[]): void {
    this.deliveries.push(...deliveries);
    for (const { name } of deliveries) this.deliveredAtMs.set(name.id, this.nowMs);
    for (const { name } of this.held) {
      const { author, lane, id } = name;
      if (this.state.log(author, lane)?.isLinked(id) === true && !this.linkedAtMs.has(id))
        this.linkedAtMs.set(id, this.nowMs);
    }
  }
}

function lifeOf({
  arrival,
  pauses,
  restartAfter,
}: {
  arrival: EntryLinks[];
  pauses: number[];
  restartAfter: number;
}): Life {
  const life = new Life();
  for (const [index, entry] of arrival.entries()) {
    if (index === restartAfter) life.restart();
    life.take(entry);
    life.pause(pauses[index]!);
  }
  life.pause(10 * WAIT_MS);
  return life;
}

function names(dep: Dep, entry: EntryLinks): boolean {
  return JSON.stringify(dep) === JSON.stringify(depOf(entry.name));
}

describe('causal order', () => {
  it('I7: delivers each entry once, at dense positions, across restarts', () => {
    fc.assert(
      fc.property(run, (plan) => {
        const { deliveries, held } = lifeOf(plan);
        expect(deliveries.map(({ position }) => position)).toEqual(held.map((_, index) => index + 1));
        expect(new Set(deliveries.map(({ name }) => name.id)).size).toBe(held.length);
      }),
      { numRuns: 200 },
    );
  });

  it('never delivers before the own log, nor before deps unless they kept it waiting for the whole wait', () => {
    fc.assert(
      fc.property(run, (plan) => {
        const { deliveries, deliveredAtMs, held, linkedAtMs } = lifeOf(plan);
        const positionOf = new Map(deliveries.map(({ name, position }) => [name.id, position]));
        for (const entry of held) {
          const { id } = entry.name;
          if (entry.prev !== null) expect(positionOf.get(entry.prev)).toBeLessThan(positionOf.get(id)!);
          for (const dep of entry.deps) {
            const parent = held.find((other) => names(dep, other));
            const isBefore = parent !== undefined && positionOf.get(parent.name.id)! < positionOf.get(id)!;
            if (!isBefore)
              expect(deliveredAtMs.get(id)! - linkedAtMs.get(id)!).toBeGreaterThanOrEqual(WAIT_MS);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('marks an entry late exactly where something that names it was delivered before it', () => {
    fc.assert(
      fc.property(run, (plan) => {
        const { deliveries, held } = lifeOf(plan);
        const byId = new Map(held.map((entry) => [entry.name.id, entry]));
        for (const [index, { name, late }] of deliveries.entries()) {
          const before = deliveries.slice(0, index).map((delivery) => byId.get(delivery.name.id)!);
          const isNamed = before.some((entry) => entry.deps.some((dep) => names(dep, byId.get(name.id)!)));
          expect({ id: name.id, late }).toEqual({ id: name.id, late: isNamed });
        }
      }),
      { numRuns: 200 },
    );
  });

  it('offers as deps exactly the delivered entries that nothing delivered depends on', () => {
    fc.assert(
      fc.property(run, (plan) => {
        const { state, held } = lifeOf(plan);
        const isNamed = (entry: EntryLinks) =>
          held.some((other) => other.prev === entry.name.id || other.deps.some((dep) => names(dep, entry)));
        const expected = held.filter((entry) => !isNamed(entry)).map((entry) => depOf(entry.name));
        const byKey = (deps: readonly Dep[]) => deps.map((dep) => JSON.stringify(dep)).toSorted();
        expect(byKey(state.frontier(undefined, 32))).toEqual(byKey(expected));
      }),
      { numRuns: 200 },
    );
  });

  it('offers the most recent first, at most 32, without the log it follows', () => {
    const state = new TopicState(TOPIC, NETWORK, LIMITS);
    const firsts = Array.from({ length: 40 }, (_, index) => links(index + 1, index + 1, undefined, []));
    for (const entry of firsts) state.accept(entry, 0);
    const last = firsts.at(-1)!;
    const deps = state.frontier(last.name, 32);
    expect(deps).toEqual(
      firsts
        .slice(7, 39)
        .toReversed()
        .map(({ name }) => depOf(name)),
    );
  });

  it('I7: delivers a parent that the store lost, late, and what was delivered after it not again', () => {
    const state = new TopicState(TOPIC, NETWORK, LIMITS);
    const first = links(1, 1, undefined, []);
    const lost = links(2, 1, first, []);
    const third = links(3, 1, lost, []);
    state.restore(first, 1);
    state.restore(third, 3);
    expect(state.settle(0)).toEqual([]);
    expect([state.entryCount, state.has(third.name)]).toEqual([1, true]);
    expect(state.accept(lost, 0)).toEqual([{ name: lost.name, late: true, forked: false, position: 4 }]);
    expect(state.entryCount).toBe(3);
    expect(state.accept(links(4, 1, third, []), 0)).toMatchObject([{ late: false, position: 5 }]);
  });
});
