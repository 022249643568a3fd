import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { EntryLinks } from '../../src/entry/entry-header.js';
import type { EntryId } from '../../src/entry/entry-name.js';
import { compareClosings } from '../../src/topic/evidence.js';
import { depOf, did } from '../fixtures.js';
import { closingByDefinition, linksOf, LogNode, treeOf } from './log-node.js';

/** A tree that forks often: each entry hangs at one of the last few, or begins the log anew. */
const tree = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constant(0) },
      { weight: 12, arbitrary: fc.integer({ min: 1, max: 9 }) },
      { weight: 1, arbitrary: fc.constant(undefined) },
    ),
    { minLength: 4, maxLength: 40, size: 'max' },
  )
  .map((backs) =>
    treeOf(backs.map((back, index) => (back === undefined || index <= back ? undefined : index - 1 - back))),
  );

/** A comb: a spine with a second branch of one entry at each tooth. */
function comb(length: number, teeth: readonly number[]): EntryLinks[] {
  const spine = treeOf(Array.from({ length }, (_, index) => (index === 0 ? undefined : index - 1)));
  const branches = teeth.map((seq) => linksOf(5_000 + seq, seq, spine[seq - 2]));
  return [...spine, ...branches];
}

/** The same entry in the log of another author. */
function byAuthor({ name, prev, deps }: EntryLinks, author: number): EntryLinks {
  const marked = (id: EntryId) => id.replace(/^0000/, 'bbbb') as EntryId;
  return {
    name: { ...name, author: did(author), id: marked(name.id) },
    prev: prev && marked(prev),
    deps,
  };
}

/** Lets nodes exchange what is linked and why logs are closed, until nobody learns anything. */
function exchange(nodes: readonly LogNode[]): void {
  for (let isNews = true; isNews;) {
    isNews = false;
    for (const from of nodes) {
      for (const to of nodes) {
        for (const { author } of compareClosings(to.state.closed(), from.state.closed()).wanted) {
          const headers = from.witness([1, 2].find((number) => did(number) === author));
          isNews = to.prove(headers) || isNews;
        }
        for (const name of [...from.state.entries()])
          isNews = to.take(from.stored.get(name.id)!) === undefined || isNews;
      }
    }
  }
}

function expectClosed(node: LogNode, from: number | undefined): void {
  const { state } = node;
  expect(state.closedFrom(did(1), 0)).toBe(from);
  const end = from ?? Infinity;
  for (const { seq } of [...state.heads(), ...state.entries()]) expect(seq).toBeLessThan(end);
  for (const { name } of state.log(did(1), 0)?.parkedEntries() ?? []) expect(name.seq).toBeLessThan(end);
  expect([...state.heads()]).toHaveLength(state.headCount);
  expect([...state.entries()]).toHaveLength(state.entryCount);
}

describe('closing', () => {
  it('I15: is the same in any order of arrival, and what remains too', () => {
    const arrivals = tree.chain((entries) =>
      fc.tuple(fc.constant(entries), fc.shuffledSubarray(entries, { minLength: entries.length })),
    );
    fc.assert(
      fc.property(arrivals, ([entries, arrival]) => {
        const [one, other] = [new LogNode(), new LogNode()];
        for (const entry of entries) one.take(entry);
        for (const entry of arrival) other.take(entry);
        exchange([one, other]);
        expect(other.root).toBe(one.root);
        expectClosed(one, closingByDefinition(entries));
        expectClosed(other, closingByDefinition(entries));
      }),
      { numRuns: 300 },
    );
  });

  it('I15: meets at one seq however the evidence is split among nodes, through restarts', () => {
    const plan = tree.chain((entries) =>
      fc.record({
        entries: fc.constant(entries),
        arrival: fc.shuffledSubarray(entries, { minLength: entries.length }),
        holders: fc.array(fc.integer({ min: 1, max: 7 }), {
          minLength: entries.length,
          maxLength: entries.length,
        }),
        restarts: fc.array(fc.nat({ max: entries.length }), { maxLength: 3 }),
      }),
    );
    fc.assert(
      fc.property(plan, ({ entries, arrival, holders, restarts }) => {
        const nodes = [new LogNode(), new LogNode(), new LogNode()];
        for (const [step, entry] of arrival.entries()) {
          for (const [index, node] of nodes.entries()) {
            if (((holders[step]! >> index) & 1) === 1) node.take(entry);
            if (restarts[index] === step) node.restart((others) => others.toReversed());
          }
        }
        exchange(nodes);
        for (const node of nodes) {
          expect(node.root).toBe(nodes[0]!.root);
          expectClosed(node, closingByDefinition(entries));
          const { root } = node;
          node.restart((others) => others.toReversed());
          expect(node.root).toBe(root);
          expectClosed(node, closingByDefinition(entries));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('takes eight extra branches, and not seven', () => {
    const entries = comb(12, [3, 4, 5, 6, 7, 8, 9]);
    const node = new LogNode();
    for (const entry of entries) node.take(entry);
    expectClosed(node, undefined);
    expect(node.state.entryCount).toBe(19);
    node.take(linksOf(6_000, 11, entries[9]));
    expectClosed(node, 3);
    expect(node.state.entryCount).toBe(2);
    expect(node.witness()).toHaveLength(16);
  });

  it('counts the siblings at one prev, those at seq 1 too, one less than there are', () => {
    for (const seq of [1, 2]) {
      const node = new LogNode();
      const first = linksOf(1, 1, undefined);
      if (seq === 2) node.take(first);
      const siblings = Array.from({ length: 9 }, (_, index) =>
        linksOf(100 + index, seq, seq === 1 ? undefined : first),
      );
      for (const sibling of siblings.slice(0, 8)) node.take(sibling);
      expectClosed(node, undefined);
      node.take(siblings[8]!);
      expectClosed(node, seq);
      expect([node.state.entryCount, node.witness().length]).toEqual([seq - 1, 9]);
    }
  });

  it('counts siblings that are parked, whatever their prev is', () => {
    const nowhere = linksOf(999, 40, undefined);
    const node = new LogNode();
    for (let index = 0; index < 9; index++) node.take(linksOf(100 + index, 41, nowhere));
    expectClosed(node, 41);
    expect(node.state.parkedCount).toBe(0);
    const apart = new LogNode();
    for (let index = 0; index < 9; index++)
      apart.take(linksOf(100 + index, 41, linksOf(999 - index, 40, undefined)));
    expectClosed(apart, undefined);
    expect(apart.state.parkedCount).toBe(9);
  });

  it('never touches a policy log, nor the other logs of the topic', () => {
    const node = new LogNode();
    const other = linksOf(1, 1, undefined, { author: 2 });
    node.take(other);
    for (let index = 0; index < 20; index++) node.take(linksOf(100 + index, 1, undefined, { lane: 1 }));
    for (let index = 0; index < 20; index++) node.take(linksOf(200 + index, 1, undefined));
    expect(node.state.closed()).toEqual([{ author: did(1), lane: 0, from: 1 }]);
    expect(node.state.entryCount).toBe(21);
    expect(node.state.isLinked(other.name)).toBe(true);
  });

  it('goes lower with a lower pair, and never back; from there on all is refused', () => {
    const entries = comb(20, [10, 11, 12, 13, 14, 15, 16, 17]);
    const node = new LogNode();
    for (const entry of entries) node.take(entry);
    expectClosed(node, 10);
    expect(node.take(linksOf(7_000, 10, entries[8]))).toBe('log-closed');
    expect(node.take(linksOf(7_001, 5, entries[3]))).toBeUndefined();
    expectClosed(node, 5);
    expect(node.prove(entries.slice(9))).toBe(false);
    expectClosed(node, 5);
    expect(node.told.filter((row) => 'from' in row)).toEqual([
      { author: did(1), lane: 0, from: 10 },
      { author: did(1), lane: 0, from: 5 },
    ]);
  });

  it('I7: tells consumers nothing where nothing leaves that they had', () => {
    const trunk = treeOf([undefined, 0, 1]);
    const node = new LogNode();
    for (const entry of trunk) node.take(entry);
    for (let index = 0; index < 9; index++) node.take(linksOf(100 + index, 9, linksOf(999, 8, undefined)));
    expectClosed(node, 9);
    expect(node.told).toEqual(trunk);
    node.restart();
    expect(node.told).toEqual(trunk);
    expect(node.state.closedFrom(did(1), 0)).toBe(9);
  });

  it('lets go of who waits for what is closed', () => {
    const node = new LogNode();
    const entries = comb(12, [3, 4, 5, 6, 7, 8, 9]);
    const waiter = { ...linksOf(1, 1, undefined, { author: 2 }), deps: [depOf(entries[11]!.name)] };
    node.take(waiter);
    for (const entry of entries.slice(0, 11)) node.take(entry);
    for (const entry of entries.slice(12)) node.take(entry);
    expect(node.told).not.toContain(waiter);
    node.take(linksOf(6_000, 11, entries[9]));
    expectClosed(node, 3);
    expect(node.told.at(-1)).toBe(waiter);
    const next = { ...linksOf(2, 2, waiter, { author: 2 }), deps: [depOf(entries[5]!.name)] };
    node.take(next);
    expect(node.told.at(-1)).toBe(next);
  });

  it('I7: delivers all that stays, once and after its prev, whatever depends on what, through restarts', () => {
    const forest = fc.tuple(tree, tree).chain(([ones, others]) => {
      const all = [...ones, ...others.map((entry) => byAuthor(entry, 2))];
      return fc.record({
        all: fc.constant(all),
        deps: fc.array(fc.array(fc.nat({ max: all.length - 1 }), { maxLength: 2 }), {
          minLength: all.length,
          maxLength: all.length,
        }),
        order: fc.shuffledSubarray([...all.keys()], { minLength: all.length }),
        restartAt: fc.nat({ max: all.length }),
      });
    });
    fc.assert(
      fc.property(forest, ({ all, deps, order, restartAt }) => {
        const node = new LogNode();
        for (const [step, index] of order.entries()) {
          if (step === restartAt) node.restart((others) => others.toReversed());
          const named = deps[index]!.map((dep) => depOf(all[dep]!.name));
          node.take({ ...all[index]!, deps: named });
        }
        node.wait();
        const told = node.told.flatMap((row) => ('from' in row ? [] : [row.name.id]));
        const staying = [...node.state.entries()].map(({ id }) => id);
        expect(staying.filter((id) => !told.includes(id))).toEqual([]);
        for (const [place, id] of told.entries()) {
          const { prev } = node.stored.get(id)!;
          if (prev !== null) expect(told.slice(0, place)).toContain(prev);
        }
        for (const dep of node.state.frontier(undefined, 32)) expect(node.state.isClosed(dep)).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it('marks as forked what is delivered when a sibling is known, and nothing else', () => {
    const [first, second] = treeOf([undefined, 0]);
    const node = new LogNode();
    const sibling = linksOf(100, 2, first);
    for (const entry of [first!, second!, sibling, linksOf(101, 3, sibling)]) node.take(entry);
    expect(node.deliveries.map(({ name, forked }) => [name.seq, forked])).toEqual([
      [1, false],
      [2, false],
      [2, true],
      [3, false],
    ]);
  });

  it('has a witness of at most 16 headers that any node would choose of the same entries', () => {
    const entries = comb(40, [30, 4, 9, 12, 20, 21, 33, 38]);
    const nodes = [entries, entries.toReversed()].map((arrival) => {
      const node = new LogNode();
      for (const entry of arrival) node.take(entry);
      return node;
    });
    expect(nodes[0]!.witness()).toEqual(nodes[1]!.witness());
    expect(
      nodes[0]!
        .witness()
        .map(({ name }) => name.seq)
        .slice(0, 4),
    ).toEqual([4, 4, 9, 9]);
  });
});

describe('compareClosings', () => {
  const row = (author: number, from: number) => ({ author: did(author), lane: 0 as const, from });

  it('wants what is closed lower there, and names what is closed lower here', () => {
    expect(compareClosings([row(1, 5), row(2, 7), row(3, 9)], [row(1, 4), row(2, 7), row(4, 1)])).toEqual({
      wanted: [
        { author: did(1), lane: 0 },
        { author: did(4), lane: 0 },
      ],
      lacking: [row(3, 9)],
    });
  });

  it('finds nothing between equals', () => {
    expect(compareClosings([row(1, 5)], [row(1, 5)])).toEqual({ wanted: [], lacking: [] });
  });
});
