import { VectorClock } from '@icn/gossip';
import { SeededRandom } from '@icn/gossip/sim';
import { keyPairFromSeed } from '@icn/identity';
import type { Ask, Question } from './item.js';

const names = ['A', 'B', 'C'] as const;
const dids = names.map((_, index) => keyPairFromSeed(new Uint8Array(32).fill(index + 1)).did);
const ORDERS = ['before', 'after', 'equal', 'concurrent'] as const;
const STEPS = 9;
const ARRIVALS = 4;

/** Histories of three nodes, of which each order is asked at least once, and arrivals of which some are duplicates. */
export function clockQuestion(seed: number): Question {
  const random = new SeededRandom(seed).fork('clocks');
  const asks: Ask[] = [];
  for (const wanted of random.shuffled([...ORDERS, random.pick(ORDERS), random.pick(ORDERS)]))
    asks.push(comparison(random, wanted));
  asks.push(...arrivals(random));
  return {
    text: [
      'Three nodes write entries and tell each other all they know. Compare what is known:',
      'is the first clock before, after, equal to, or concurrent with the second?',
      'Then entries arrive at a node: does it have to take them (new), or are they duplicates (held)?',
    ],
    asks,
    afterwards: [
      'Clocks say who knows more, in a few numbers. Which entries are held they do not say: a clock of maxima cannot tell',
      'an entry in a hole from one that came. So what is processed is decided by the id, once; the clock decides what to tell.',
    ],
  };
}

function comparison(random: SeededRandom, wanted: string): Ask {
  for (let attempt = 0; ; attempt++) {
    const story: string[] = [];
    const clocks = names.map(() => new VectorClock());
    for (let step = 0; step < STEPS; step++) {
      const at = random.below(names.length);
      if (random.chance(0.55)) {
        clocks[at]!.increment(dids[at]!);
        story.push(`${names[at]} writes`);
      } else {
        const from = (at + 1 + random.below(names.length - 1)) % names.length;
        clocks[at]!.merge(clocks[from]!);
        story.push(`${names[at]} hears ${names[from]}`);
      }
    }
    const [one, other] = random.sample([0, 1, 2], 2) as [number, number];
    const answer = clocks[one]!.compare(clocks[other]!);
    if (answer !== wanted && attempt < 1_000) continue;
    return {
      text: [`${story.join(', ')}.`, `What ${names[one]} knows is … to what ${names[other]} knows`],
      choices: ORDERS,
      answer,
      because: `${names[one]} has ${words(clocks[one]!)}, ${names[other]} has ${words(clocks[other]!)}: that is ${answer}.`,
    };
  }
}

/** A node holds 1 to n of an author, one beyond a hole, and hears of more. */
function arrivals(random: SeededRandom): Ask[] {
  const linked = 2 + random.below(3);
  const above = linked + 2 + random.below(2);
  const idOf = (seq: number) => random.fork(`id ${seq}`).uint32().toString(16).padStart(8, '0').slice(0, 4);
  const held = [...Array.from({ length: linked }, (_, index) => index + 1), above];
  const listed = held.map((seq) => `A/${seq} (${idOf(seq)})`).join(', ');
  const intro = `B holds ${listed}. Its clock says {A: ${linked}}.`;
  const hole = linked + 1;
  const cases = [
    {
      seq: 1 + random.below(linked),
      id: undefined,
      answer: 'held',
      because: 'The id is there: the entry was processed.',
    },
    {
      seq: above,
      id: undefined,
      answer: 'held',
      because: `A/${above} lies beyond a hole, so the clock does not count it; its id is there all the same.`,
    },
    {
      seq: hole,
      id: undefined,
      answer: 'new',
      because: `A/${hole} is the hole. A clock of maxima would say {A: ${above}} and refuse it for ever.`,
    },
    {
      seq: linked,
      id: 'ffff',
      answer: 'new',
      because: `Another id is another entry: A signed two entries with the number ${linked}. The clock cannot see that.`,
    },
  ];
  return random
    .shuffled(cases)
    .slice(0, ARRIVALS)
    .map(({ seq, id, answer, because }) => ({
      text: [intro, `Now A/${seq} with the id ${id ?? idOf(seq)} arrives: it is …`],
      choices: ['new', 'held'],
      answer,
      because,
    }));
}

function words(clock: VectorClock): string {
  return `{${names.map((name, index) => `${name}: ${clock.get(dids[index]!)}`).join(', ')}}`;
}
