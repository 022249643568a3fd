import { SeededRandom } from '@icn/gossip/sim';
import { keyPairFromSeed, type Did } from '@icn/identity';
import { exported, type CheckContext } from '../../check/check-context.js';
import { expect, expectSame } from '../../check/step-failure.js';
import type { Part } from '../../course.js';

/** As the starter declares it. */
interface VectorClock {
  get(did: Did): number;
  increment(did: Did): number;
  merge(other: VectorClock): void;
  compare(other: VectorClock): string;
  entries(): readonly (readonly [Did, number])[];
}

type VectorClockClass = new (counts?: Iterable<readonly [Did, number]>) => VectorClock;

const names = ['A', 'B', 'C'] as const;
const dids: readonly Did[] = names.map((_, index) => keyPairFromSeed(new Uint8Array(32).fill(index + 1)).did);

/** `{A: 2, B: 0}` as the learner's clock. */
function clockOf(
  VectorClock: VectorClockClass,
  counts: Readonly<Partial<Record<'A' | 'B' | 'C', number>>>,
): VectorClock {
  return new VectorClock(
    names.flatMap((name, index) => (name in counts ? [[dids[index]!, counts[name]!] as const] : [])),
  );
}

function wordsOf(clock: VectorClock): string {
  return `{${names.map((name, index) => `${name}: ${clock.get(dids[index]!)}`).join(', ')}}`;
}

const load = (context: CheckContext) => exported<VectorClockClass>(context, 'vector-clock', 'VectorClock');

async function checkCounting(context: CheckContext): Promise<void> {
  const VectorClock = await load(context);
  const [a, b] = dids as [Did, Did];
  const clock = new VectorClock();
  expectSame(clock.get(a), 0, 'an author who was never counted has the count 0');
  expectSame(
    [clock.increment(a), clock.increment(a), clock.increment(b)],
    [1, 2, 1],
    'increment counts one more and returns the new count',
  );
  expectSame([clock.get(a), clock.get(b)], [2, 1], 'get gives what was counted');
  expectSame(
    new Map(clock.entries()),
    new Map([
      [a, 2],
      [b, 1],
    ]),
    'entries gives pairs of author and count',
  );
  const source: [Did, number][] = [[a, 5]];
  const copy = new VectorClock(source);
  copy.increment(a);
  expectSame(
    [copy.get(a), source[0]![1]],
    [6, 5],
    'a clock that was made from pairs starts there, and keeps counts of its own',
  );
}

async function checkMerge(context: CheckContext): Promise<void> {
  const VectorClock = await load(context);
  const [left, right] = [clockOf(VectorClock, { A: 3, B: 1 }), clockOf(VectorClock, { A: 2, B: 4, C: 1 })];
  left.merge(right);
  expectSame(
    wordsOf(left),
    '{A: 3, B: 4, C: 1}',
    'merging {A: 2, B: 4, C: 1} into {A: 3, B: 1} takes the greater count of each author',
  );
  expectSame(wordsOf(right), '{A: 2, B: 4, C: 1}', 'the clock that is merged from stays as it is');
}

async function checkCompare(context: CheckContext): Promise<void> {
  const VectorClock = await load(context);
  const cases = [
    [{ A: 1 }, { A: 2 }, 'before'],
    [{ A: 2, B: 1 }, { A: 2 }, 'after'],
    [{ A: 2, B: 1 }, { A: 1, B: 2 }, 'concurrent'],
    [{ A: 1 }, { B: 1 }, 'concurrent'],
    [{ A: 1, B: 1 }, { B: 1, A: 1 }, 'equal'],
    [{ A: 0 }, {}, 'equal'],
    [{}, { A: 0 }, 'equal'],
    [{ A: 1, B: 0 }, { A: 1 }, 'equal'],
    [{}, { C: 1 }, 'before'],
  ] as const;
  for (const [one, other, wanted] of cases) {
    const actual = clockOf(VectorClock, one).compare(clockOf(VectorClock, other));
    expectSame(actual, wanted, `${JSON.stringify(one)} compared with ${JSON.stringify(other)}`);
  }
}

/** Nodes that write and tell each other all they know: what happened before what is known from sets of events. */
async function checkHistories(context: CheckContext): Promise<void> {
  const VectorClock = await load(context);
  for (const seed of context.seeds) {
    const random = new SeededRandom(seed).fork('history');
    const nodes = dids.map((did) => ({ did, clock: new VectorClock(), events: new Set<string>() }));
    const story: string[] = [];
    for (let step = 0; step < 12; step++) {
      const index = random.below(3);
      const node = nodes[index]!;
      if (random.chance(0.5)) {
        node.events.add(`${index}/${node.clock.increment(node.did)}`);
        story.push(`${names[index]} writes`);
      } else {
        const from = (index + 1 + random.below(2)) % 3;
        node.clock.merge(nodes[from]!.clock);
        for (const event of nodes[from]!.events) node.events.add(event);
        story.push(`${names[index]} hears all that ${names[from]} knows`);
      }
      for (const [one, other] of [
        [0, 1],
        [1, 2],
        [0, 2],
      ] as const) {
        const [left, right] = [nodes[one]!, nodes[other]!];
        const hasMore = [...left.events].some((event) => !right.events.has(event));
        const hasLess = [...right.events].some((event) => !left.events.has(event));
        const wanted = hasMore ? (hasLess ? 'concurrent' : 'after') : hasLess ? 'before' : 'equal';
        const actual = left.clock.compare(right.clock);
        expect(
          actual === wanted,
          `seed ${seed}: what ${names[one]} knows is ${wanted} to what ${names[other]} knows, and compare says ${actual}`,
          [
            ...story,
            `${names[one]} has ${wordsOf(left.clock)}`,
            `${names[other]} has ${wordsOf(right.clock)}`,
          ],
        );
      }
    }
  }
}

export const clock: Part = {
  id: 'clock',
  title: 'Vector clock',
  goal: 'Count the events of each author, so that two nodes can tell who knows more, or that each knows something the other does not.',
  file: 'vector-clock.ts',
  read: [
    {
      path: 'packages/icn-gossip/src/topic/vector-clock.ts',
      lookFor: 'the docstring: what a clock alone cannot say.',
      isAfter: true,
    },
  ],
  question: 'Two clocks are concurrent. Which of the two nodes has to tell the other something?',
  steps: [
    {
      id: 'count',
      title: 'Counting: get, increment, entries',
      hints: [
        'A clock is a map from an author to a number. What stands for an author nobody has counted?',
        'Keep `readonly #counts = new Map<Did, number>()`, filled from `counts` in the constructor. `get` is a lookup with `?? 0`.',
        '`increment`: `const count = this.get(did) + 1; this.#counts.set(did, count); return count;` and `entries`: `return [...this.#counts];`',
      ],
      check: checkCounting,
    },
    {
      id: 'merge',
      title: 'Merging: the least clock that knows what both know',
      hints: [
        'If I know 3 entries of A and you know 2, how many do we know together?',
        'Go over `other.entries()` and keep the greater count of each author. Do not touch `other`.',
        '`for (const [did, count] of other.entries()) if (count > this.get(did)) this.#counts.set(did, count);`',
      ],
      check: checkMerge,
    },
    {
      id: 'compare',
      title: 'Comparing: before, after, equal, concurrent',
      hints: [
        'Ask two questions: do I know something that you do not? Do you know something that I do not? Four answers follow.',
        'An author who is missing counts 0, so go over the entries of one clock and use `get` of the other; then the other way round.',
        'With `isAhead = mine.some(([did, count]) => count > other.get(did))` and `isBehind` the other way: both true is `concurrent`, only the first `after`, only the second `before`, none `equal`.',
      ],
      check: checkCompare,
    },
    {
      id: 'histories',
      title: 'On generated histories, compare tells who knows what',
      hints: [
        'The story above the two clocks is what happened. Play it on paper: which counts should stand there in the end?',
        'If the clocks are right and the answer is not, it is `compare`. If the clocks are wrong, look at `merge`: does it change the other clock, or forget an author that it did not have?',
        'Two clocks must not share one Map: the constructor and `merge` copy numbers, never the map itself.',
      ],
      check: checkHistories,
    },
  ],
};
