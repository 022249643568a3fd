import { readFrame, SeededRandom } from '@icn/gossip/sim';
import { toHex } from '@icn/identity';
import { exported, type CheckContext } from '../../check/check-context.js';
import { expect, expectSame } from '../../check/step-failure.js';
import type { Part } from '../../course.js';
import type { Arena } from '../arena.js';
import { expectAll } from './heal.js';
import { eachSeed } from './pull.js';

interface BloomFilter {
  readonly salt: bigint;
  readonly bytes: Uint8Array;
  add(id: string): void;
  mayHave(id: string): boolean;
}

interface BloomFilterClass {
  new (salt: bigint, bytes: Uint8Array): BloomFilter;
  withRoomFor(idCount: number, salt: bigint): BloomFilter;
}

const topics = [['lobby'], ['lobby']];
const bytesPerIdMax = 4;
/** Runs of 300 entries take a third of a second each. */
const recoverySeedsMax = 3;

const load = (context: CheckContext) => exported<BloomFilterClass>(context, 'bloom-filter', 'BloomFilter');

function idsOf(label: string, count: number): string[] {
  const random = new SeededRandom(label);
  return Array.from({ length: count }, () => toHex(random.bytes(32)));
}

function filterOf(BloomFilter: BloomFilterClass, ids: readonly string[], salt: bigint): BloomFilter {
  const filter = BloomFilter.withRoomFor(ids.length, salt);
  for (const id of ids) filter.add(id);
  return filter;
}

async function checkFilter(context: CheckContext): Promise<void> {
  const BloomFilter = await load(context);
  expect(
    !filterOf(BloomFilter, [], 1n).mayHave(idsOf('none', 1)[0]!),
    'an empty filter claims to have an id',
  );
  for (const count of [1, 7, 100, 1_000]) {
    const held = idsOf(`held ${count}`, count);
    const filter = filterOf(BloomFilter, held, BigInt(count));
    const denied = held.filter((id) => !filter.mayHave(id)).length;
    expect(denied === 0, `a filter must never deny an id that was added: of ${count} it denies ${denied}`);
    const bytesMax = Math.max(16, count * bytesPerIdMax);
    expect(
      filter.bytes.length <= bytesMax,
      `a filter of ${count} ids has ${filter.bytes.length} bytes; the names alone would take ${count * 32}, and ${bytesMax} must do`,
    );
    const claimed = idsOf(`absent ${count}`, 2_000).filter((id) => filter.mayHave(id)).length;
    expect(
      claimed <= 80,
      `of 2,000 ids that were never added, a filter with ${count} others in it claims ${claimed}: more than 4 % hides too much`,
    );
    const copy = new BloomFilter(filter.salt, Uint8Array.from(filter.bytes));
    expectSame(
      held.every((id) => copy.mayHave(id)),
      true,
      'salt and bytes are all that a peer gets: a filter made of them has the same ids',
    );
  }
}

async function checkSalt(context: CheckContext): Promise<void> {
  const BloomFilter = await load(context);
  const held = idsOf('salted', 300);
  const others = idsOf('hidden', 15_000);
  const first = filterOf(BloomFilter, held, 1n);
  const second = filterOf(BloomFilter, held, 2n);
  const hidden = others.filter((id) => first.mayHave(id));
  const hiddenAgain = hidden.filter((id) => second.mayHave(id));
  expect(
    hidden.length < 20 || hiddenAgain.length <= hidden.length / 4,
    `${hidden.length} of 15,000 ids are hidden by a filter with salt 1, and ${hiddenAgain.length} of these by one with salt 2 as well: another salt must hide other ids`,
  );
}

/** What B lacks of A, told by filters alone. */
function playSync(arena: Arena, held: number, lacking: number): void {
  const [a, b] = [arena.start().nodes[0]!, arena.nodes[1]!];
  for (let count = 0; count < held; count++) arena.publish(b, 'lobby', `b ${count}`);
  arena.run(2_000);
  const heal = arena.part([a], true);
  for (let count = 0; count < lacking; count++) arena.publish(a, 'lobby', `a ${count}`);
  arena.run(500);
  heal();
  arena.converge(12);
  expectAll(arena, { A: lacking, B: held });
}

function checkSync(context: CheckContext): Promise<void> {
  return eachSeed(context, { topics, summary: 'filter' }, (arena) => {
    playSync(arena, 4, 3);
    const clocks = arena.recorder.frames.filter(
      ({ message }) => message.type === 'AntiEntropy' && message.summary?.type !== 'filter',
    );
    if (clocks.length > 0)
      arena.fail(
        'the setup says summary "filter", and AntiEntropy carries a clock',
        (row) => row.type === 'frame' && clocks.includes(row),
      );
  });
}

/** How often a filter of B claimed an entry of A that had not been sent to B yet. */
export function falsePositivesIn(arena: Arena, BloomFilter: BloomFilterClass): number {
  const [a, b] = [arena.nodes[0]!, arena.nodes[1]!];
  const sentToB = new Set<string>();
  let hidden = 0;
  for (const { from, to, frame, message } of arena.recorder.frames) {
    if (to === b) for (const id of readFrame(frame).payloads) sentToB.add(id);
    if (from !== b || message.type !== 'AntiEntropy' || message.summary?.type !== 'filter') continue;
    const filter = new BloomFilter(message.summary.salt, message.summary.bytes);
    for (const id of a.disk.ids(message.topic)) {
      const isOfA = arena.world.ledger.get(id)!.name.author === a.did;
      if (isOfA && !sentToB.has(id) && filter.mayHave(id)) hidden++;
    }
  }
  return hidden;
}

async function checkRecovered(context: CheckContext): Promise<void> {
  const BloomFilter = await load(context);
  const salts = new Set<bigint>();
  let [told, hidden] = [0, 0];
  await eachSeed(
    { ...context, seeds: context.seeds.slice(0, recoverySeedsMax) },
    { topics, summary: 'filter' },
    (arena) => {
      playSync(arena, 150, 150);
      hidden += falsePositivesIn(arena, BloomFilter);
      for (const { message } of arena.recorder.frames) {
        if (message.type !== 'AntiEntropy' || message.summary?.type !== 'filter') continue;
        told++;
        salts.add(message.summary.salt);
      }
    },
  );
  expect(
    salts.size === told,
    `${told} filters were sent with ${salts.size} different salts: an id that one filter hides must be seen by the next`,
  );
  context.note?.(
    `false positives: ${hidden} (a filter claimed an entry that B did not have); each entry came with a later filter`,
  );
}

export const bloom: Part = {
  id: 'bloom',
  title: 'Anti-entropy with a salted Bloom filter',
  goal: 'Tell what you hold in about 10 bits an entry, whoever wrote it; and see to it that what one filter hides the next one shows.',
  file: 'bloom-filter.ts',
  read: [
    { path: 'docs/protocol/bloom-filter.md', lookFor: 'how many bits and hashes, and what the salt is for.' },
    {
      path: 'packages/icn-gossip/src/repair/bloom-filter.ts',
      lookFor: 'two halves of one hash in place of seven hashes.',
      isAfter: true,
    },
  ],
  question:
    'A filter wrongly claims one id in a hundred. What becomes of that entry, with a fresh salt in each round, and without?',
  steps: [
    {
      id: 'filter',
      title: 'A filter never denies what it holds, and seldom claims what it does not',
      hints: [
        'Ten bits for each id, seven of them set by it. Which seven? Whatever decides must be the same on the other side, from id and salt alone.',
        'From `hash64(id, salt)` take the low and the high 32 bits, h1 and h2 (make h2 odd): bit number i is `(h1 + i · h2) mod bits`, for i from 0 to 6. Bit n is bit `n & 7` of byte `n >> 3`. Give small filters at least 8 bytes. `Number()` of all 64 bits at once loses the low ones, so mask first.',
        '`const low = Number(hash & 0xffffffffn), high = Number(hash >> 32n) | 1;` then `(low + i * (high >>> 0)) % (bytes.length * 8)`. `add` sets them with `|= 1 << (bit & 7)`; `mayHave` is true if all are set.',
      ],
      check: checkFilter,
    },
    {
      id: 'salt',
      title: 'Another salt hides other ids',
      hints: [
        'What goes into the hash besides the id?',
        'Give the salt to `hash64` as its second argument, in `add` and in `mayHave`. Mixing it in afterwards (adding it to the bit number) moves all ids alike: what collided still collides.',
        '`const hash = hash64(id, this.salt);` is the one place where the bits come from.',
      ],
      check: checkSalt,
    },
    {
      id: 'sync',
      title: 'Two nodes converge by filters',
      file: 'machine.ts',
      hints: [
        'Where does your machine make its summary, and where does it ask whether a summary has an entry? Two places, two kinds.',
        '`setup.summary` says which kind to send. Fill a filter with the ids of all that you hold, its salt drawn from `setup.random(8)`. On receipt, announce each entry that the filter does not have.',
        '`const salt = new DataView(Uint8Array.from(this.#setup.random(8)).buffer).getBigUint64(0);` and on receipt `new BloomFilter(summary.salt, summary.bytes).mayHave(entry.id)`.',
      ],
      check: checkSync,
    },
    {
      id: 'recovered',
      title: 'What one filter hides, the next one shows',
      file: 'machine.ts',
      hints: [
        '150 entries against a filter of 150: on the average one of them is hidden. How many rounds should it take until it comes?',
        'Draw a fresh salt for each filter, not one for each node and not one for ever.',
        'Draw it inside the function that makes the summary, with `setup.random(8)`; keep no filter between two rounds.',
      ],
      check: checkRecovered,
    },
  ],
};
