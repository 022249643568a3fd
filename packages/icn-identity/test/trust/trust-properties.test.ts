import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import type { Did } from '../../src/did.js';
import { TrustGraph, type TrustStatement } from '../../src/trust/index.js';
import { passOn } from '../../src/trust/trust-score.js';
import { didOf, me, statement } from './support.js';

const names: readonly Did[] = [me, ...Array.from({ length: 7 }, (_, index) => didOf(index))];
const timeMax = 10;

const someDid = fc.constantFrom(...names);
const someScore = fc.oneof(fc.integer({ min: 0, max: 1_000 }), fc.constantFrom(0, 999, 1_000, null));
const someTime = fc.integer({ min: 0, max: timeMax + 1 });
const someStatement = fc
  .record({
    issuer: someDid,
    subject: someDid,
    score: someScore,
    sequence: fc.integer({ min: 1, max: 6 }),
    expiresMs: fc.integer({ min: 1, max: timeMax }),
  })
  .filter(({ issuer, subject }) => issuer !== subject)
  .map(({ issuer, subject, score, ...said }) => statement(issuer, subject, score, said));
const someStatements = fc.array(someStatement, { maxLength: 40 });

function graphOf(statements: readonly TrustStatement[], nowMs = 0): TrustGraph {
  const graph = new TrustGraph(me);
  for (const one of statements) graph.add(one, nowMs);
  return graph;
}

function scoresOf(graph: TrustGraph, nowMs: number): readonly number[] {
  return names.map((did) => graph.scoreOf(did, nowMs));
}

/** The rules of docs/protocol/trust.md, read off: the newest statement of each pair, then every path of up to three hops. */
function scoresByPaths(statements: readonly TrustStatement[], nowMs: number): readonly number[] {
  const newest = new Map<string, TrustStatement>();
  for (const one of statements) {
    const pair = `${one.issuer} ${one.subject}`;
    const held = newest.get(pair);
    const isNewer =
      held === undefined ||
      one.sequence > held.sequence ||
      (one.sequence === held.sequence && Buffer.compare(one.bytes, held.bytes) > 0);
    if (isNewer) newest.set(pair, one);
  }
  const counting = [...newest.values()].filter(({ expiresMs }) => expiresMs !== null && expiresMs > nowMs);
  const own = new Set(counting.filter(({ issuer }) => issuer === me).map(({ subject }) => subject));
  const best = new Map<Did, number>([[me, 1_000]]);
  const walk = (at: Did, score: number, hops: number): void => {
    best.set(at, Math.max(best.get(at) ?? 0, score));
    if (hops === 3) return;
    for (const { issuer, subject, score: said } of counting) {
      if (issuer !== at || subject === me || said === null) continue;
      if (at === me) walk(subject, said, 1);
      else if (!own.has(subject)) walk(subject, Math.floor((score * said * 6) / 10_000), hops + 1);
    }
  };
  walk(me, 1_000, 0);
  return names.map((did) => best.get(did) ?? 0);
}

describe('trust', () => {
  it('is what the best path of at most three hops gives, and each explanation adds up to it', () => {
    fc.assert(
      fc.property(someStatements, someTime, (statements, nowMs) => {
        const graph = graphOf(statements);
        expect(scoresOf(graph, nowMs)).toEqual(scoresByPaths(statements, nowMs));
        for (const did of names) assertAddsUp(graph, did, nowMs);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is 1 for the node itself, whatever anybody says', () => {
    fc.assert(
      fc.property(someStatements, someTime, (statements, nowMs) => {
        expect(graphOf(statements).scoreOf(me, nowMs)).toBe(1_000);
      }),
    );
  });

  it('is what the node says itself, where it says anything', () => {
    fc.assert(
      fc.property(
        someStatements,
        fc.constantFrom(...names.slice(1)),
        fc.nat(1_000),
        (statements, did, score) => {
          const own = statement(me, did, score, { sequence: 7, expiresMs: timeMax });
          const graph = graphOf([...statements, own]);
          expect(graph.scoreOf(did, 0)).toBe(score);
          expect(graph.explain(did, 0)).toMatchObject({ basis: 'own', path: [{ issuer: me, said: score }] });
        },
      ),
    );
  });

  it('is never lowered by the first statement of somebody else', () => {
    fc.assert(
      fc.property(someStatements, someStatement, someTime, (statements, one, nowMs) => {
        fc.pre(one.issuer !== me);
        fc.pre(!statements.some(({ issuer, subject }) => issuer === one.issuer && subject === one.subject));
        const graph = graphOf(statements);
        const before = scoresOf(graph, nowMs);
        graph.add(one, nowMs);
        const after = scoresOf(graph, nowMs);
        expect(after.filter((score, index) => score < before[index]!)).toEqual([]);
      }),
    );
  });

  it('stays below that of the only one who vouches: the Sybil bound', () => {
    const behind = Array.from({ length: 4 }, (_, index) => didOf(`fake ${index}`));
    const liar = names[1]!;
    const someLie = fc.record({
      issuer: fc.constantFrom(liar, ...behind),
      subject: fc.constantFrom(...behind, ...names),
      score: fc.constantFrom(1_000, 999, 500),
    });
    fc.assert(
      fc.property(
        someStatements,
        fc.array(someLie, { maxLength: 30 }),
        someTime,
        (statements, lies, nowMs) => {
          const said = lies.filter(({ issuer, subject }) => issuer !== subject);
          const graph = graphOf(statements);
          const honest = scoresOf(graph, nowMs);
          for (const { issuer, subject, score } of said)
            graph.add(statement(issuer, subject, score, { sequence: 7, expiresMs: timeMax + 2 }), 0);
          const bound = graph.scoreOf(liar, nowMs);
          for (const fake of behind) {
            const score = graph.scoreOf(fake, nowMs);
            expect(bound > 0 ? score < bound : score === 0).toBe(true);
          }
          // Nor do fakes raise anybody above the liar, who was not there without them.
          for (const [index, score] of scoresOf(graph, nowMs).entries())
            expect(score <= honest[index]! || score < bound).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('does not pass whom the node gives 0', () => {
    fc.assert(
      fc.property(
        someStatements,
        fc.constantFrom(...names.slice(1)),
        someTime,
        (statements, blocked, nowMs) => {
          const no = statement(me, blocked, 0, { sequence: 7, expiresMs: timeMax + 2 });
          const withoutHim = statements.filter(
            ({ issuer, subject }) => issuer !== blocked && subject !== blocked,
          );
          const graph = graphOf([...statements, no]);
          expect(scoresOf(graph, nowMs)).toEqual(scoresOf(graphOf(withoutHim), nowMs));
        },
      ),
    );
  });

  it('is a function of the set of statements and the time, in whatever order both come', () => {
    const shuffled = someStatements.chain((statements) =>
      fc.tuple(
        fc.constant(statements),
        fc.shuffledSubarray([...statements, ...statements], { minLength: 2 * statements.length }),
        fc.array(someTime, { minLength: 2 * statements.length, maxLength: 2 * statements.length }),
        someTime,
      ),
    );
    fc.assert(
      fc.property(shuffled, ([statements, again, times, nowMs]) => {
        const graph = new TrustGraph(me);
        // Asked in between, at times that go to and fro, so that every change is worked off on its own.
        for (const [index, one] of again.entries()) {
          graph.add(one, times[index]!);
          graph.scoreOf(one.subject, times[index]!);
        }
        const atOnce = graphOf(statements);
        expect(scoresOf(graph, nowMs)).toEqual(scoresOf(atOnce, nowMs));
        expect(names.map((did) => graph.explain(did, nowMs))).toEqual(
          names.map((did) => atOnce.explain(did, nowMs)),
        );
        expect(graph.nextChangeMs(nowMs)).toBe(atOnce.nextChangeMs(nowMs));
        expect(new Set(graph.statements())).toEqual(new Set(atOnce.statements()));
      }),
      { numRuns: 500 },
    );
  });

  it('keeps the newest statements of an issuer who says too much, in whatever order they came', () => {
    const talkative = fc
      .uniqueArray(fc.record({ subject: fc.constantFrom(...names.slice(2)), sequence: fc.nat(50) }), {
        selector: ({ sequence }) => sequence,
        maxLength: 20,
      })
      .chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })));
    fc.assert(
      fc.property(talkative, (orders) => {
        const [first, second] = orders.map((all) => {
          const graph = new TrustGraph(me, { statementsPerIssuerMax: 3 });
          for (const { subject, sequence } of all)
            graph.add(statement(names[1]!, subject, 500, { sequence }), 0);
          return new Set([...graph.statements()].map(({ bytes }) => Buffer.from(bytes).toString('hex')));
        });
        expect(first).toEqual(second);
        expect(first!.size).toBeLessThanOrEqual(3);
      }),
    );
  });

  it('changes by itself at the time that is told, and not before', () => {
    fc.assert(
      fc.property(someStatements, someTime, (statements, nowMs) => {
        const graph = graphOf(statements);
        const before = scoresOf(graph, nowMs);
        const nextMs = graph.nextChangeMs(nowMs) ?? timeMax + 5;
        expect(nextMs).toBeGreaterThan(nowMs);
        expect(scoresOf(graphOf(statements), nextMs - 1)).toEqual(before);
      }),
    );
  });
});

function assertAddsUp(graph: TrustGraph, did: Did, nowMs: number): void {
  const { score, path, basis } = graph.explain(did, nowMs);
  expect(path.length).toBeLessThanOrEqual(3);
  let at = me;
  let reached = 1_000;
  for (const [index, hop] of path.entries()) {
    expect(hop.issuer).toBe(at);
    reached = index === 0 ? hop.said : passOn(reached, hop.said);
    expect(hop.score).toBe(reached);
    expect(hop.expiresMs).toBeGreaterThan(nowMs);
    at = hop.subject;
  }
  expect(at).toBe(path.length === 0 ? me : did);
  expect(score).toBe(basis === 'none' ? 0 : reached);
}
