import { exported, type CheckContext } from '../../check/check-context.js';
import { StepFailure, expectSame } from '../../check/step-failure.js';
import type { Part } from '../../course.js';
import type { Arena } from '../arena.js';
import { expectAll } from './heal.js';
import { eachSeed } from './pull.js';

interface HaveSet {
  readonly linkedMax: number;
  has(seq: number): boolean;
  add(seq: number): void;
}

const topics = [['lobby'], ['lobby']];

async function checkSeen({ load }: CheckContext): Promise<void> {
  const { claimedByB, lostSeq } = await load('seen-failing');
  if (claimedByB === 0 || lostSeq === 0)
    throw new StepFailure(
      'watch the machine of the original lesson lose an entry, `labs demo`, and write down what you saw',
    );
  expectSame(claimedByB, 3, 'what the clock of B says of the entries of A, in its last AntiEntropy');
  expectSame(lostSeq, 2, 'the seq of the entry of A that B never gets');
}

async function checkHaveSet(context: CheckContext): Promise<void> {
  const HaveSet = await exported<new () => HaveSet>(context, 'have-set', 'HaveSet');
  const set = new HaveSet();
  expectSame([set.linkedMax, set.has(1)], [0, false], 'an empty set');
  for (const [seq, linkedMax] of [
    [1, 1],
    [3, 1],
    [5, 1],
    [3, 1],
    [2, 3],
    [4, 5],
    [1, 5],
  ] as const) {
    set.add(seq);
    expectSame(
      set.linkedMax,
      linkedMax,
      `after adding ${seq} (of 1, 3, 5, 3, 2, 4, 1): up to which seq is there no hole?`,
    );
  }
  expectSame(
    [1, 2, 3, 4, 5, 6, 0].map((seq) => set.has(seq)),
    [true, true, true, true, true, false, false],
    'has, for 1 to 6 and 0',
  );
  const gap = new HaveSet();
  gap.add(7);
  expectSame(
    [gap.linkedMax, gap.has(7), gap.has(6)],
    [0, true, false],
    'with 7 alone nothing is without a hole, and 7 is held',
  );
}

/** A publishes three entries; the response that carries the second one is lost. */
function playLostPull(arena: Arena): void {
  const a = arena.start().nodes[0]!;
  for (let count = 1; count <= 3; count++) {
    if (count === 2) arena.loseNext((message) => message.type === 'PullResponse');
    arena.publish(a, 'lobby', `entry ${count}`);
    arena.run(200);
  }
  arena.converge();
  expectAll(arena, { A: 3 });
}

function checkLostPull(context: CheckContext): Promise<void> {
  return eachSeed(context, { topics }, playLostPull);
}

function checkBadLinks(context: CheckContext): Promise<void> {
  const links = {
    lossRate: 0.3,
    reorderRate: 0.3,
    jitterMs: { type: 'uniform', minMs: 0, maxMs: 30 },
  } as const;
  return eachSeed(context, { topics, links }, (arena) => {
    arena.start().run(4_000);
    const heal = arena.part([arena.nodes[0]!]);
    arena.run(7_000);
    for (let count = 0; count < 4; count++) {
      for (const node of arena.nodes) arena.publish(node, 'lobby', `apart ${count}`);
      arena.run(100);
    }
    heal();
    for (let count = 0; count < 8; count++) {
      for (const node of arena.nodes) arena.publish(node, 'lobby', `together ${count}`);
      arena.run(400);
    }
    arena.run(4_000);
    arena.world.note('no more loss');
    arena.world.wire.conditions = { ...arena.world.wire.conditions, lossRate: 0, reorderRate: 0 };
    arena.converge();
    expectAll(arena, { A: 12, B: 12 });
  });
}

export const order: Part = {
  id: 'order',
  title: 'Out of order',
  goal: 'Entries may come with holes between them. A clock that takes the maximum claims the holes and loses them for ever: see it fail, then mend it with a have-set.',
  file: 'machine.ts',
  demonstration: 'max-merge',
  read: [
    {
      path: 'packages/icn-gossip/src/topic/have-set.ts',
      lookFor: 'linked and parked: the two words for what is below and above the first hole.',
    },
    { path: 'docs/invariants.md', lookFor: 'I6: what a clock may never do.' },
  ],
  question:
    'The original lesson merges clocks by maximum when an entry arrives. On which day does that go unnoticed, and on which does it lose entries?',
  steps: [
    {
      id: 'seen',
      title: 'See it fail first',
      file: 'seen-failing.ts',
      hints: [
        'Run `labs demo`: it plays the machine of the original lesson and draws what happens.',
        'One message is crossed out (✕): which entry did it carry? Then look at the last AntiEntropy that B sends: what does its clock say of A?',
        'B’s clock says {A: 3}, so A has nothing to announce to it; and A/2 never came. So `claimedByB` is 3 and `lostSeq` is 2.',
      ],
      check: checkSeen,
    },
    {
      id: 'have-set',
      title: 'A have-set: exactly what is held',
      file: 'have-set.ts',
      hints: [
        'Below the first hole one number says it all. What is above it has to be kept one by one.',
        'A number `#linkedMax` and a `Set` of the seqs above it. Each `add` may close a hole: then `#linkedMax` moves up, perhaps by several.',
        '`this.#above.add(seq); while (this.#above.delete(this.#linkedMax + 1)) this.#linkedMax++;` and nothing at all if `has(seq)` already.',
      ],
      check: checkHaveSet,
    },
    {
      id: 'lost-pull',
      title: 'One lost reply loses no entry',
      hints: [
        'What may your clock tell of an author when you hold 1 and 3? Who would send you 2 otherwise?',
        'Keep a HaveSet of each author; the clock that you tell has its `linkedMax`, never the maximum. And an entry above a hole is kept, but delivered only when the hole is closed: one `add` may make several entries ready.',
        'In `take`: `const before = haveSet.linkedMax; haveSet.add(entry.seq);` then deliver the entries with seq `before + 1` to `haveSet.linkedMax`, found by author and seq. Summary: `[...haveSets].map(([author, { linkedMax }]) => [author, linkedMax])`.',
      ],
      check: checkLostPull,
    },
    {
      id: 'bad-links',
      title: 'Converges after loss, reordering and a partition',
      hints: [
        'A third of all messages is lost here, each kind of them. Which of yours, once lost, is never said again?',
        'A lost Subscribe makes you no reader until the link comes up anew; a lost request blocks an entry if you remember that you asked. Whatever can be lost has to be said again, or asked for again, in a later round.',
        'Send Subscribe again in each round to all peers (who already knows it takes no harm), or let an `AntiEntropy` count as one: who tells you what it holds of a topic follows it. If you keep a set of what you asked for, clear it in each round.',
      ],
      check: checkBadLinks,
    },
  ],
};
