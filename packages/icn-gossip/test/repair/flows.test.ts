import { describe, expect, it } from '@jest/globals';
import type { VerifiedEntry } from '../../src/entry/entry.js';
import { encodeMessage } from '../../src/wire/message-codec.js';
import type { AntiEntropy, GossipMessage, PullRequest, Summary } from '../../src/wire/messages.js';
import { keyPair, logOf, seededNumbers, TOPIC } from '../fixtures.js';
import { costOf, exchange, round, Side, type Said } from '../side.js';

/** Logs of so many authors, so many entries each: the authors take turns. */
function topicOf(authorCount: number, perAuthor: number): VerifiedEntry[] {
  const logs = Array.from({ length: authorCount }, (_, index) => logOf(keyPair(1_000 + index), perAuthor));
  return Array.from({ length: perAuthor }, (_, turn) => logs.map((log) => log[turn]!)).flat();
}

const without = (entries: readonly VerifiedEntry[], lacked: ReadonlySet<number>) =>
  entries.filter((_, index) => !lacked.has(index));

function drawIndices(count: number, length: number, seed: number): Set<number> {
  const draw = seededNumbers(seed);
  const indices = new Set<number>();
  while (indices.size < count) indices.add(Math.floor(draw() * length));
  return indices;
}

/** What was said of a strategy. */
function summaries(said: readonly Said[]): Summary['type'][] {
  return said.flatMap(({ message }) =>
    message.type === 'AntiEntropy' && message.summary !== null ? [message.summary.type] : [],
  );
}

const requests = (said: readonly Said[]): PullRequest[] =>
  said.flatMap(({ message }) => (message.type === 'PullRequest' ? [message] : []));

/** Both hold the same, by moving each entry that was missing once, and no other. */
function expectExact(a: Side, b: Side, said: readonly Said[], missingCount: number): void {
  expect(a.root()).toBe(b.root());
  expect(costOf(said).moved.length).toBe(missingCount);
  for (const side of [a, b])
    expect(Object.keys(side.gossip.counters).filter((name) => name !== 'duplicate')).toEqual([]);
  for (const side of [a, b]) expect(side.gossip.counters['duplicate'] ?? 0).toBe(0);
}

const many = topicOf(120, 3);
const few = topicOf(3, 40);

describe.each([
  ['of few authors', few],
  ['of many authors', many],
])('two sides of a topic %s move what is missing, each once', (_, entries) => {
  describe.each([
    ['who asks', true],
    ['who answers', false],
  ])('where %s is behind', (__, isAskerBehind) => {
    const meetWithout = (lacked: ReadonlySet<number>) => {
      const [behind, ahead] = [without(entries, lacked), entries];
      // 1 asks 2 on meeting: its DID is the smaller.
      const [first, second] = isAskerBehind ? [behind, ahead] : [ahead, behind];
      const sides = [
        new Side({ index: 1, entries: first }),
        new Side({ index: 2, entries: second }),
      ] as const;
      return { sides, said: exchange(...sides) };
    };

    it.each([0, 1, 10, 50])('the newest %d', (count) => {
      const lacked = new Set(Array.from({ length: count }, (_each, index) => entries.length - 1 - index));
      const { sides, said } = meetWithout(lacked);
      expectExact(...sides, said, count);
    });

    it.each([1, 10, 50])('%d holes', (count) => {
      for (let seed = 1; seed <= 3; seed++) {
        const { sides, said } = meetWithout(drawIndices(count, entries.length, seed));
        expectExact(...sides, said, count);
      }
    });

    it('all', () => {
      const { sides, said } = meetWithout(new Set(entries.keys()));
      expectExact(...sides, said, entries.length);
    });
  });

  it.each([1, 2, 3])('on both sides (seed %d)', (seed) => {
    const lackedByA = drawIndices(20, entries.length, seed);
    const lackedByB = new Set(
      [...drawIndices(30, entries.length, seed + 100)].filter((i) => !lackedByA.has(i)),
    );
    const a = new Side({ index: 1, entries: without(entries, lackedByA) });
    const b = new Side({ index: 2, entries: without(entries, lackedByB) });
    const said = exchange(a, b);
    for (let turn = 0; turn < 3 && a.root() !== b.root(); turn++)
      for (const [asker, other] of [
        [a, b],
        [b, a],
      ] as const)
        said.push(...round(asker, other));
    expectExact(a, b, said, lackedByA.size + lackedByB.size);
  });
});

describe('of many authors', () => {
  it('new logs are asked for by their heads alone, and come whole', () => {
    const news = logOf(keyPair(3_000), 50);
    const a = new Side({ index: 1, entries: many });
    const b = new Side({ index: 2, entries: [...many, ...news] });
    const said = exchange(a, b);
    expectExact(a, b, said, 50);
    expect(summaries(said)).toContain('sketch');
    expect(requests(said)).toMatchObject([
      { missing: [], ranges: [], heads: { wants: [expect.anything()] } },
    ]);
  });

  it('a log that is longer on the other side is asked for above what is held of it', () => {
    const lacked = new Set([many.length - 1]);
    const [a, b] = [
      new Side({ index: 1, entries: without(many, lacked) }),
      new Side({ index: 2, entries: many }),
    ];
    const said = exchange(a, b);
    expect(requests(said).map(({ heads }) => heads)).toMatchObject([
      { wants: [expect.anything()], haves: [expect.anything()] },
    ]);
    expectExact(a, b, said, 1);
  });

  it('what the answerer does not know of the asker is no reason to send what the asker holds', () => {
    // The asker has a branch of its own on one of the logs: its hash is found nowhere on the other side.
    const [trunk, ...others] = [logOf(keyPair(3_000), 5), many].flat();
    const shared = [trunk!, ...others];
    const last = shared[4]!;
    const a = new Side({ index: 1, entries: [...shared, ...logOf(keyPair(3_000), 1, last.name, 'a')] });
    const b = new Side({ index: 2, entries: [...shared, ...logOf(keyPair(3_000), 3, last.name, 'b')] });
    const said = exchange(a, b);
    for (const [asker, other] of [
      [b, a],
      [a, b],
    ] as const)
      said.push(...round(asker, other));
    expect(a.root()).toBe(b.root());
    // Where a branch begins is not known: a stretch too many repeats what is held at its seqs, and nothing else.
    const repeats = costOf(said).moved.length - 4;
    expect(repeats).toBeLessThanOrEqual(4);
    expect((a.gossip.counters['duplicate'] ?? 0) + (b.gossip.counters['duplicate'] ?? 0)).toBe(repeats);
  });

  it('64 heads of logs that are long on both sides are answered by what is above alone', () => {
    const logs = Array.from({ length: 64 }, (_, index) => logOf(keyPair(2_000 + index), 12));
    const a = new Side({ index: 1, entries: logs.flatMap((log) => log.slice(0, 10)) });
    const b = new Side({ index: 2, entries: logs.flat(), reconcile: 'sketch' });
    const said = exchange(a, b);
    expect(requests(said)).toMatchObject([{ heads: { wants: { length: 64 }, haves: { length: 64 } } }]);
    expectExact(a, b, said, 128);
  });

  it('a sketch that is too short goes on', () => {
    // As many entries on both sides: the counts tell nothing of the difference.
    const lacked = [drawIndices(30, many.length, 1), drawIndices(30, many.length, 2)].map(
      (all, index) => new Set([...all].filter((each) => each % 2 === index).slice(0, 8)),
    ) as [Set<number>, Set<number>];
    const a = new Side({ index: 1, entries: without(many, lacked[0]), reconcile: 'sketch' });
    const b = new Side({ index: 2, entries: without(many, lacked[1]), reconcile: 'sketch' });
    const said = exchange(a, b);
    const told = summaries(said);
    expect(told.filter((type) => type === 'sketch').length).toBeGreaterThan(1);
    expect(told).toContain('sketch-request');
    let first = 0;
    for (const { message } of said) {
      if (message.type !== 'AntiEntropy' || message.summary?.type !== 'sketch') continue;
      if (message.summary.first === 0) first = 0;
      expect(message.summary.first).toBe(first);
      first += message.summary.symbols.length / 12;
    }
  });
});

describe('the delta clock', () => {
  /** Two sides that are equal, and know it of each other. */
  function agreed() {
    const [a, b] = [new Side({ index: 1, entries: many }), new Side({ index: 2, entries: many })];
    exchange(a, b);
    round(b, a);
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const)
      expect(one.gossip.status()[0]!.inSync).toEqual([other.did]);
    return { a, b };
  }

  const news = (author: number, label: string) =>
    logOf(
      keyPair(1_000 + author),
      1,
      many.findLast(({ name }) => name.author === keyPair(1_000 + author).did)!.name,
      label,
    );

  it('tells only the heads that changed since both had one root', () => {
    const { a, b } = agreed();
    b.hold(...news(5, 'x'), ...news(6, 'x'));
    const said = round(a, b);
    const clocks = said.flatMap(({ message }) =>
      message.type === 'AntiEntropy' && message.summary?.type === 'clock' ? [message.summary] : [],
    );
    expect(clocks).toMatchObject([{ clock: { length: 2 }, base: { length: 8 } }]);
    expectExact(a, b, said, 2);
  });

  it('tells nothing of a base to a peer that was never equal', () => {
    const [a, b] = [new Side({ index: 1 }), new Side({ index: 2, entries: few })];
    const said = exchange(a, b);
    for (const { message } of said)
      if (message.type === 'AntiEntropy' && message.summary?.type === 'clock')
        expect(message.summary.base).toBeNull();
    expectExact(a, b, said, few.length);
  });

  it.each([
    ['lost its memory', () => new Side({ index: 1, entries: without(many, new Set([7])) })],
    ['came back with less than it had', () => new Side({ index: 1, entries: many.slice(0, 200) })],
  ])('heals where the base is unknown: the asker %s', (_, restart) => {
    const { b } = agreed();
    b.hold(...news(5, 'x'));
    const again = restart();
    // The other side did not notice: the link stayed, and its memory with it.
    const said = exchange(again, b, { from: again, frames: again.tell({ type: 'peer-up', peer: b.did }) });
    for (let turn = 0; turn < 2; turn++) said.push(...round(again, b), ...round(b, again));
    expect(again.root()).toBe(b.root());
  });

  it('heals where the base is wrong: who is told too little asks for the whole clock the next time', () => {
    const { a, b } = agreed();
    const entries = news(5, 'x');
    b.hold(...entries);
    // The delta of a liar, or of a base that stands for another state: it leaves out what changed.
    const empty = (message: GossipMessage): GossipMessage =>
      message.type === 'AntiEntropy' && message.summary?.type === 'clock' && message.summary.base !== null
        ? { ...message, summary: { ...message.summary, clock: [] } }
        : message;
    const said = round(a, b, { changed: empty });
    expect(a.root()).not.toBe(b.root());
    for (let turn = 0; turn < 3 && a.root() !== b.root(); turn++)
      said.push(...round(a, b, { changed: empty }));
    expect(a.root()).toBe(b.root());
    expect(summaries(said)).toContain('clock-request');
  });
});

describe('every session', () => {
  const [entries, lacked] = [many, new Set([0, 5, 9])];

  it('ends in the root check, and says so on the bill', () => {
    const a = new Side({ index: 1, entries: without(entries, lacked) });
    const b = new Side({ index: 2, entries });
    const said = exchange(a, b);
    expectExact(a, b, said, 3);
    const [bill] = a.gossip.sessions(TOPIC);
    expect(bill).toMatchObject({ role: 'asked', outcome: 'repaired', entriesReceived: 3, entriesSent: 0 });
    expect(bill!.strategy).toBe('sketch');
    expect(a.gossip.status()[0]!.inSync).toEqual([b.did]);
  });

  it('bills each byte once, on both sides', () => {
    const a = new Side({ index: 1, entries: without(entries, lacked) });
    const b = new Side({ index: 2, entries });
    const said = exchange(a, b);
    const { bytes } = costOf(said);
    for (const side of [a, b]) {
      const bills = side.gossip.sessions(TOPIC);
      expect(bills.reduce((sum, { sentBytes, receivedBytes }) => sum + sentBytes + receivedBytes, 0)).toBe(
        bytes,
      );
    }
  });

  it('of a pair that cannot agree costs less and less', () => {
    const limits = { entriesPerTopicMax: without(entries, lacked).length };
    const a = new Side({ index: 1, entries: without(entries, lacked), limits });
    const b = new Side({ index: 2, entries });
    exchange(a, b);
    const bytesIn = (count: number) => {
      let bytes = 0;
      for (let turn = 0; turn < count; turn++)
        for (const said of [round(a, b), round(b, a)]) bytes += costOf(said).bytes;
      return bytes;
    };
    const early = bytesIn(5);
    bytesIn(60);
    const late = bytesIn(60);
    expect(late / 12).toBeLessThan(early / 2);
    expect(late).toBeLessThan(60 * 120); // two questions of roots, or one and its answer
    expect(a.root()).not.toBe(b.root());
    // What changes is looked at in the next round.
    b.hold(...logOf(keyPair(4_001), 1));
    bytesIn(1);
    expect(a.gossip.sessions(TOPIC).at(-1)).toMatchObject({ strategy: 'sketch' });
  });

  it('repairs at once what can be had again, however long it could not', () => {
    const a = new Side({ index: 1, entries: without(entries, lacked) });
    const b = new Side({ index: 2, entries });
    const isLost = ({ type }: GossipMessage) => type === 'PullResponse';
    exchange(a, b, { isLost });
    for (let turn = 0; turn < 5; turn++) round(a, b, { isLost });
    expect(a.root()).not.toBe(b.root());
    const said = [...round(a, b), ...round(b, a), ...round(a, b)];
    expect(a.root()).toBe(b.root());
    expect(costOf(said).moved.length).toBe(3);
  });

  it.each(['question', 'answer'] as const)('may be lost, repeated and late: each %s twice', (kind) => {
    const a = new Side({ index: 1, entries: without(entries, lacked) });
    const b = new Side({ index: 2, entries });
    const twice = (message: GossipMessage) =>
      message.type === 'AntiEntropy' && message.answer === (kind === 'answer') ? 2 : 1;
    const said = exchange(a, b, { copies: twice });
    for (let turn = 0; turn < 2 && a.root() !== b.root(); turn++) said.push(...round(a, b), ...round(b, a));
    expect(a.root()).toBe(b.root());
    expect(costOf(said).moved.length).toBe(3);
  });
});

it('a stranger to sketches is told the clock, and is not asked for symbols', () => {
  const a = new Side({ index: 1, entries: many });
  const b = new Side({ index: 2, entries: many.slice(0, 300) });
  const plain = (message: GossipMessage): GossipMessage =>
    message.type === 'Hello' ? { ...message, extensions: [] } : message;
  const said = exchange(a, b, { changed: plain });
  expect(new Set(summaries(said)).has('sketch')).toBe(false);
  expectExact(a, b, said, 60);
  const question = said.find(({ message }) => message.type === 'AntiEntropy')!.message as AntiEntropy;
  expect(encodeMessage(question).length).toBeLessThan(100);
});
