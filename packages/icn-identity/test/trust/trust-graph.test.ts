import { describe, expect, it } from '@jest/globals';

import {
  TrustGraph,
  trustClassOf,
  formatScore,
  parseScore,
  type TrustStatement,
} from '../../src/trust/index.js';
import { passOn } from '../../src/trust/trust-score.js';
import { didOf, me, statement, type Said } from './support.js';

const [ada, bob, cem, dora, eve] = [
  didOf('ada'),
  didOf('bob'),
  didOf('cem'),
  didOf('dora'),
  didOf('eve'),
] as const;

function graphOf(...statements: readonly TrustStatement[]): TrustGraph {
  const graph = new TrustGraph(me);
  for (const one of statements) graph.add(one, 0);
  return graph;
}

describe('a score', () => {
  it('loses four tenths of what is left at each hop after the first, and ends after three', () => {
    const graph = graphOf(
      statement(me, ada, 1_000),
      statement(ada, bob, 1_000),
      statement(bob, cem, 1_000),
      statement(cem, dora, 1_000),
    );
    expect([me, ada, bob, cem, dora].map((did) => graph.scoreOf(did, 0))).toEqual([
      1_000, 1_000, 600, 360, 0,
    ]);
    expect([me, ada, bob, cem, dora].map((did) => graph.classOf(did, 0))).toEqual([
      'federated',
      'federated',
      'partner',
      'known',
      'isolated',
    ]);
  });

  it('that is passed on is below that of whoever passes it on, down to 1', () => {
    const scores = Array.from({ length: 1_000 }, (_, index) => index + 1);
    expect(scores.filter((score) => passOn(score, 1_000) >= score)).toEqual([]);
    expect(passOn(0, 1_000)).toBe(0);
  });

  it('goes by a weaker path where the stronger one has used up its hops', () => {
    // ada–bob–cem gives cem 360 in three hops; dora gives him 240 in two, and only so does eve get any.
    const graph = graphOf(
      statement(me, ada, 1_000),
      statement(ada, bob, 1_000),
      statement(bob, cem, 1_000),
      statement(me, dora, 400),
      statement(dora, cem, 1_000),
      statement(cem, eve, 1_000),
    );
    expect(graph.scoreOf(cem, 0)).toBe(360);
    expect(graph.scoreOf(eve, 0)).toBe(144);
    expect(graph.explain(eve, 0)).toEqual({
      did: eve,
      score: 144,
      trustClass: 'known',
      basis: 'path',
      path: [
        { issuer: me, subject: dora, said: 400, score: 400, expiresMs: 1_000_000 },
        { issuer: dora, subject: cem, said: 1_000, score: 240, expiresMs: 1_000_000 },
        { issuer: cem, subject: eve, said: 1_000, score: 144, expiresMs: 1_000_000 },
      ],
      voucherCount: 1,
    });
  });

  it('is explained by as few hops as give it, and else by the first DID', () => {
    const middle = [ada, bob].sort()[0];
    const graph = graphOf(
      statement(me, ada, 1_000),
      statement(me, bob, 1_000),
      statement(bob, cem, 500),
      statement(ada, cem, 500),
    );
    expect(graph.explain(cem, 0).path.map(({ issuer }) => issuer)).toEqual([me, middle]);
  });

  it('of who is met nowhere is 0, without a path', () => {
    const graph = graphOf(statement(ada, bob, 1_000));
    expect(graph.explain(bob, 0)).toMatchObject({ score: 0, basis: 'none', path: [], voucherCount: 1 });
    expect(graph.explain(eve, 0)).toMatchObject({ score: 0, basis: 'none', path: [], voucherCount: 0 });
    expect(graph.explain(me, 0)).toMatchObject({ score: 1_000, basis: 'self', path: [] });
    expect(graph.trusted(0)).toEqual([]);
  });

  it('is listed with the others, the most trusted first, and a 0 of mine with them', () => {
    const graph = graphOf(statement(me, ada, 1_000), statement(ada, bob, 1_000), statement(me, eve, 0));
    expect(graph.trusted(0)).toEqual([
      { did: ada, score: 1_000, trustClass: 'federated', isOwn: true },
      { did: bob, score: 600, trustClass: 'partner', isOwn: false },
      { did: eve, score: 0, trustClass: 'isolated', isOwn: true },
    ]);
    expect([ada, bob, eve].map((did) => graph.hasOwn(did, 0))).toEqual([true, false, true]);
  });

  it('is read and written with three decimals', () => {
    expect(['0', '1', '0.5', '0.05', '0.999', '1.000'].map(parseScore)).toEqual([
      0, 1_000, 500, 50, 999, 1_000,
    ]);
    const wrong = ['', '1.001', '2', '.5', '0.1234', '-0', '1e-1', '0,5', ' 1', '0.', 'NaN'];
    expect(wrong.map(parseScore)).toEqual(wrong.map(() => undefined));
    expect([0, 1_000, 500, 50, 999].map(formatScore)).toEqual(['0', '1', '0.5', '0.05', '0.999']);
  });

  it.each([
    [0, 'isolated'],
    [99, 'isolated'],
    [100, 'known'],
    [399, 'known'],
    [400, 'partner'],
    [699, 'partner'],
    [700, 'federated'],
    [1_000, 'federated'],
  ])('of %i thousandths is %s', (score, trustClass) => {
    expect(trustClassOf(score)).toBe(trustClass);
  });
});

describe('a statement', () => {
  const newer: Said = { sequence: 2 };

  it('is replaced by a newer one, and an older one cannot come back', () => {
    const [first, second] = [statement(me, ada, 900), statement(me, ada, 200, newer)];
    const graph = graphOf(first);
    expect(graph.add(first, 0).outcome).toBe('known');
    expect(graph.add(second, 0).outcome).toBe('renewed');
    expect(graph.add(first, 0).outcome).toBe('outdated');
    expect(graph.scoreOf(ada, 0)).toBe(200);
  });

  it('that was taken back cannot come back either, nor one that outlives a newer one', () => {
    const graph = graphOf(statement(me, ada, 900), statement(me, ada, null, newer));
    expect(graph.add(statement(me, ada, 900), 0).outcome).toBe('outdated');
    expect(graph.explain(ada, 0)).toMatchObject({ score: 0, basis: 'none' });
    graph.add(statement(me, bob, 100, { ...newer, expiresMs: 10 }), 0);
    graph.add(statement(me, bob, 900, { expiresMs: 20 }), 0);
    expect([9, 10, 11].map((nowMs) => graph.scoreOf(bob, nowMs))).toEqual([100, 0, 0]);
    expect(graph.statementCount).toBe(2);
  });

  it('of two with one sequence is the same for everybody', () => {
    const twins = [statement(me, ada, 900), statement(me, ada, 100)];
    const scores = [twins, twins.toReversed()].map((order) => graphOf(...order).scoreOf(ada, 0));
    expect(scores[0]).toBe(scores[1]);
  });

  it('ends at its time, and counts again where the clock was set back', () => {
    const graph = graphOf(
      statement(me, ada, 1_000, { expiresMs: 100 }),
      statement(ada, bob, 1_000, { expiresMs: 50 }),
    );
    expect(graph.nextChangeMs(0)).toBe(50);
    expect(graph.scoreOf(bob, 49)).toBe(600);
    expect(graph.scoreOf(bob, 50)).toBe(0);
    expect(graph.nextChangeMs(50)).toBe(100);
    expect(graph.scoreOf(ada, 100)).toBe(0);
    expect(graph.nextChangeMs(100)).toBeUndefined();
    expect(graph.scoreOf(bob, 49)).toBe(600);
    expect(graph.nextChangeMs(49)).toBe(50);
  });

  it('that was renewed a thousand times leaves nothing behind', () => {
    const graph = new TrustGraph(me);
    for (let sequence = 1; sequence <= 1_000; sequence += 1)
      graph.add(statement(me, ada, 500, { sequence, expiresMs: 2_000 - sequence }), 0);
    expect(graph.statementCount).toBe(1);
    expect(graph.nextChangeMs(0)).toBe(1_000);
  });
});

describe('a full graph', () => {
  const limits = { statementsMax: 3, statementsPerIssuerMax: 2 };

  it('takes no first statement of whom it trusts no more than others', () => {
    const graph = new TrustGraph(me, limits);
    for (const issuer of [bob, cem, dora]) graph.add(statement(issuer, eve, 500), 0);
    expect(graph.add(statement(ada, eve, 500), 0)).toEqual({ outcome: 'full', dropped: [] });
    // What renews is no more than there was.
    expect(graph.add(statement(bob, eve, 600, { sequence: 2 }), 0).outcome).toBe('renewed');
  });

  it('drops statements of those it trusts least for one of a more trusted one', () => {
    const graph = new TrustGraph(me, limits);
    graph.add(statement(me, ada, 1_000), 0);
    graph.add(statement(ada, bob, 500), 0);
    const ofStranger = statement(dora, eve, 1_000);
    graph.add(ofStranger, 0);
    expect(graph.add(statement(bob, cem, 500), 0)).toEqual({ outcome: 'added', dropped: [ofStranger] });
    expect(graph.statementCount).toBe(3);
    expect(graph.scoreOf(cem, 0)).toBe(90);
    // cem is trusted less than anybody who says something.
    expect(graph.add(statement(cem, eve, 500), 0).outcome).toBe('full');
  });

  it('drops anybody for a statement of its own, and never that one', () => {
    const graph = new TrustGraph(me, limits);
    graph.add(statement(me, ada, 1_000), 0);
    graph.add(statement(ada, bob, 500), 0);
    graph.add(statement(ada, cem, 500, { sequence: 2 }), 0);
    for (const did of [bob, cem]) expect(graph.add(statement(me, did, 0), 0).outcome).toBe('added');
    expect(graph.statementsOf(me)).toHaveLength(3);
    expect(graph.statementsOf(ada)).toHaveLength(0);
    expect(graph.add(statement(me, dora, 0), 0).outcome).toBe('full');
    expect(graph.statementsOf(me)).toHaveLength(3);
  });

  it('has an issuer who says too much give up his oldest', () => {
    const graph = new TrustGraph(me, { statementsPerIssuerMax: 2 });
    const oldest = statement(ada, bob, 1, { sequence: 1 });
    graph.add(oldest, 0);
    graph.add(statement(ada, cem, 1, { sequence: 3 }), 0);
    expect(graph.add(statement(ada, dora, 1, { sequence: 2 }), 0)).toEqual({
      outcome: 'added',
      dropped: [oldest],
    });
    expect(graph.add(oldest, 0).outcome).toBe('issuer-full');
  });
});

describe('ten thousand fakes', () => {
  const fakes = Array.from({ length: 10_000 }, (_, index) => didOf(index));
  const everybody = { statementsPerIssuerMax: 100_000 };

  it.each([
    ['in a star around the liar', (index: number) => [[eve, index]]],
    ['in chains', (index: number) => [index % 100 === 0 ? [eve, index] : [index - 1, index]]],
    [
      'that all praise each other and the liar',
      (index: number) => [
        [eve, index],
        [index, (index * 7 + 1) % 10_000],
        [index, eve],
        [index, bob],
      ],
    ],
  ] as const)('%s stay below the liar and lift nobody above him', (_, praise) => {
    const graph = new TrustGraph(me, everybody);
    graph.add(statement(me, ada, 900), 0);
    graph.add(statement(ada, eve, 800), 0);
    const liar = graph.scoreOf(eve, 0);
    expect(liar).toBe(432);
    const did = (one: number | typeof me) => (typeof one === 'number' ? fakes[one]! : one);
    for (const index of fakes.keys())
      for (const [from, to] of praise(index)) {
        const [issuer, subject] = [did(from!), did(to!)];
        if (issuer !== subject) graph.add(statement(issuer, subject, 1_000), 0);
      }
    expect(graph.statementCount).toBeGreaterThanOrEqual(10_000);
    const scores = fakes.map((fake) => graph.scoreOf(fake, 0));
    expect(Math.max(...scores)).toBe(259);
    expect(graph.scoreOf(eve, 0)).toBe(liar);
    expect(graph.scoreOf(bob, 0)).toBeLessThan(liar);
    // One word of mine, and all of it is gone; nobody else is touched.
    graph.add(statement(me, eve, 0), 0);
    expect(graph.trusted(0).map((one) => one.did)).toEqual([ada, eve]);
    expect(graph.scoreOf(ada, 0)).toBe(900);
  });

  it('from outside push out nothing that counts', () => {
    const graph = new TrustGraph(me, { statementsMax: 1_000, statementsPerIssuerMax: 100 });
    graph.add(statement(me, ada, 900), 0);
    graph.add(statement(ada, bob, 800), 0);
    const outcomes = fakes.map((fake, index) => {
      return graph.add(statement(fake, fakes[(index + 1) % 10_000]!, 1_000), 0).outcome;
    });
    expect(outcomes.filter((outcome) => outcome === 'full')).toHaveLength(10_000 - 998);
    expect([ada, bob].map((did) => graph.scoreOf(did, 0))).toEqual([900, 432]);
    expect(graph.add(statement(bob, cem, 1_000), 0).outcome).toBe('added');
    expect(graph.scoreOf(cem, 0)).toBe(259);
  });
});
