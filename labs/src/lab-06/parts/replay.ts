import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SeededRandom } from '@icn/gossip/sim';
import { exported, type CheckContext } from '../../check/check-context.js';
import { expect, expectSame } from '../../check/step-failure.js';
import type { Part } from '../../course.js';
import type { Envelope, Receiver } from '../contract.js';
import { loadEnvelope } from '../envelope-module.js';
import { ada, atBobs, bob, eve, letter } from '../people.js';

interface ReplayGuard {
  accept(sender: string, sequence: number): boolean;
}

type ReplayGuardClass = new (window?: number) => ReplayGuard;
type Receive = (envelope: Envelope, receiver: Receiver, guard: ReplayGuard) => boolean;

const load = (context: CheckContext) => exported<ReplayGuardClass>(context, 'replay-guard', 'ReplayGuard');

async function checkOnce(context: CheckContext): Promise<void> {
  const ReplayGuard = await load(context);
  const guard = new ReplayGuard();
  expectSame(guard.accept(ada.did, 0), true, 'the first envelope of a sender has sequence 0, and is taken');
  expectSame(guard.accept(ada.did, 0), false, 'the same again is refused');
  for (const sequence of [1, 2, 3])
    expectSame(guard.accept(ada.did, sequence), true, `sequence ${sequence}, which is new`);
  for (const sequence of [3, 0, 1, 2])
    expectSame(guard.accept(ada.did, sequence), false, `sequence ${sequence} again`);
  expectSame(guard.accept(bob.did, 2), true, 'sequence 2 of another sender is another envelope');
}

async function checkOutOfOrder(context: CheckContext): Promise<void> {
  const ReplayGuard = await load(context);
  const guard = new ReplayGuard();
  expectSame(
    [5, 0, 3, 4, 1, 2].map((sequence) => guard.accept(ada.did, sequence)),
    Array<boolean>(6).fill(true),
    'the sequences 5, 0, 3, 4, 1, 2 come in this order, each is new',
  );
  expectSame(
    [5, 0, 3, 4, 1, 2].map((sequence) => guard.accept(ada.did, sequence)),
    Array<boolean>(6).fill(false),
    'and again, each is refused',
  );
  for (const seed of context.seeds) {
    const random = new SeededRandom(seed).fork('replay');
    const blocks = Array.from({ length: 20 }, (_, block) =>
      random.shuffled(Array.from({ length: 32 }, (__, index) => block * 32 + index)),
    );
    const sequences = blocks.flat();
    const shuffled = new ReplayGuard(64);
    const counts = new Map<number, number>();
    for (const [index, sequence] of sequences.entries()) {
      const old = random.pick(sequences.slice(Math.max(0, index - 20), index + 1));
      for (const next of [sequence, old])
        if (shuffled.accept(ada.did, next)) counts.set(next, (counts.get(next) ?? 0) + 1);
    }
    const wrong = sequences.filter((sequence) => counts.get(sequence) !== 1);
    expect(
      wrong.length === 0,
      `seed ${seed}: 640 sequences come shuffled and doubled, and ${wrong.length} are not taken exactly once, first of all ${wrong[0]}`,
    );
  }
}

async function checkWindow(context: CheckContext): Promise<void> {
  const ReplayGuard = await load(context);
  const guard = new ReplayGuard(64);
  guard.accept(ada.did, 100);
  expectSame(
    guard.accept(ada.did, 37),
    true,
    'the window is 64 and the highest is 100: 37 is the oldest that may still come',
  );
  expectSame(
    guard.accept(ada.did, 36),
    false,
    'the window is 64 and the highest is 100: 36 is too old to know whether it came',
  );
  expectSame(guard.accept(ada.did, 1_000_000), true, 'a leap to 1,000,000');
  expectSame(guard.accept(ada.did, 100), false, '100 is far below the window now');
  expectSame(guard.accept(ada.did, Number.MAX_SAFE_INTEGER), true, 'the greatest sequence there is');
  expectSame(guard.accept(ada.did, Number.MAX_SAFE_INTEGER), false, 'the greatest sequence again');
  const small = new ReplayGuard(8);
  expectSame(
    [20, 13, 12].map((sequence) => small.accept(ada.did, sequence)),
    [true, true, false],
    'with a window of 8: 20, then 13, then 12',
  );
  for (const sequence of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])
    expectSame(new ReplayGuard().accept(ada.did, sequence), false, `${sequence} is no sequence`);
}

async function checkBounded(context: CheckContext): Promise<void> {
  const ReplayGuard = await load(context);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const guard = new ReplayGuard(64);
  guard.accept(ada.did, 0);
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let sequence = 1; sequence <= 200_000; sequence++) guard.accept(ada.did, sequence);
  collect();
  const grownKb = Math.round((process.memoryUsage().heapUsed - before) / 1_024);
  expect(!guard.accept(ada.did, 200_000), 'the last of 200,000 sequences is taken twice');
  expect(
    grownKb < 2_000,
    `200,000 envelopes of one sender later the guard takes ${grownKb} KB more: it must remember a window, not a history`,
  );
}

async function checkReceive(context: CheckContext): Promise<void> {
  const ReplayGuard = await load(context);
  const receive = await exported<Receive>(context, 'mailbox', 'receive');
  const { seal } = await loadEnvelope(context);
  const guard = new ReplayGuard(64);
  const take = (envelope: Envelope) => receive(envelope, atBobs, guard);
  expectSame(take(seal(ada, letter({ sequence: 0 }))), true, 'the first letter of Ada');
  const forged = { ...seal(eve, letter({ sequence: 1_000_000 })), sender: ada.did };
  expectSame(take(forged), false, 'a letter of Eve with Ada’s name');
  expectSame(
    take(seal(ada, letter({ sequence: 1 }))),
    true,
    'Eve’s forgery said sequence 1,000,000, and now Ada’s next letter comes, with sequence 1',
  );
  expectSame(take(seal(ada, letter({ sequence: 1 }))), false, 'the same letter of Ada again');
}

export const replay: Part = {
  id: 'replay',
  title: 'Replay guard',
  goal: 'An envelope counts once, also when envelopes come out of order, and the guard remembers a window, not a history.',
  file: 'replay-guard.ts',
  read: [
    {
      path: 'packages/icn-identity/src/replay/replay-state.ts',
      lookFor: 'the same rule as a plain value, with bounds on how many senders are remembered.',
      isAfter: true,
    },
  ],
  question:
    'An old envelope may be new and late, or a replay. What do you lose when you refuse it, and what when you take it?',
  steps: [
    {
      id: 'once',
      title: 'Each sequence once, from zero on',
      hints: [
        'What do you remember of a sender who never wrote?',
        'Not "the highest is 0": then the sequence 0 is refused for ever. Nothing was seen, so the highest is below zero.',
        '`const seen = this.#senders.get(sender) ?? { highest: -1, recent: new Set<number>() };`',
      ],
      check: checkOnce,
    },
    {
      id: 'out-of-order',
      title: 'Out of order, once',
      hints: [
        'Envelopes overtake each other. The highest sequence does not say which of those below came.',
        'Keep, beside the highest, the set of those that came. Refuse what is in the set, not what is below the highest.',
        '`if (seen.recent.has(sequence)) return false; seen.recent.add(sequence);`',
      ],
      check: checkOutOfOrder,
    },
    {
      id: 'window',
      title: 'What is older than the window is refused',
      hints: [
        'You cannot remember everything. Where do you stop, and what do you say to what is older?',
        'With a window of 64 and the highest at 100, 37 to 100 may come. Refuse what is at or below `highest - window`, and what is no whole number from 0 to 2^53 − 1.',
        '`if (!Number.isSafeInteger(sequence) || sequence < 0) return false;` and `if (sequence <= seen.highest - this.#window) return false;` If it does not finish: a loop from the old highest to the new one takes for ever on a leap to 2^53 − 1.',
      ],
      check: checkWindow,
    },
    {
      id: 'bounded',
      title: 'It remembers a window, not a history',
      hints: [
        'What is below the window is refused anyway. What is it remembered for?',
        'When the highest moves up, forget what falls out of the window.',
        '`for (const old of seen.recent) if (old <= seen.highest - this.#window) seen.recent.delete(old);`',
      ],
      check: checkBounded,
    },
    {
      id: 'receive',
      title: 'First the signature, then the guard',
      file: 'mailbox.ts',
      hints: [
        'Anybody can write a sequence on an envelope. When do you believe it?',
        'A guard that sees an envelope before its signature is checked can be moved by a forgery, and then the real ones are too old.',
        '`return open(envelope, receiver) && guard.accept(envelope.sender, envelope.sequence);` in this order.',
      ],
      check: checkReceive,
    },
  ],
};
