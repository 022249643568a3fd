import type { CheckContext } from '../../check/check-context.js';
import { expectSame } from '../../check/step-failure.js';
import type { Part } from '../../course.js';
import type { Arena } from '../arena.js';
import { eachSeed } from './pull.js';

const topics = [['lobby'], ['lobby']];

/** Both hold so many entries of each. */
export function expectAll(arena: Arena, counts: Readonly<Record<string, number>>): void {
  const wanted = Object.entries(counts).flatMap(([name, count]) => {
    return Array.from({ length: count }, (_, index) => `${name}/${index + 1}`);
  });
  for (const node of arena.nodes)
    expectSame(
      arena.delivered(node, 'lobby').toSorted(),
      wanted.toSorted(),
      'in the end both have delivered all that was published',
    );
}

function publishSome(arena: Arena, count: number): void {
  for (let index = 0; index < count; index++) {
    for (const node of arena.nodes) arena.publish(node, 'lobby', `entry ${index}`);
    arena.run(300);
  }
}

function checkLate(context: CheckContext): Promise<void> {
  return eachSeed(context, { topics }, (arena) => {
    const [a, b] = [arena.nodes[0]!, arena.nodes[1]!];
    a.contacts.add(b);
    arena.world.boot(a);
    for (let count = 0; count < 3; count++) arena.publish(a, 'lobby', `before B was there ${count}`);
    arena.run(2_000);
    arena.world.boot(b);
    arena.run(4_900);
    if (arena.delivered(b, 'lobby').length < 3)
      arena.fail(
        'A had published before B came; they met, and B still lacks entries. Nobody will announce them again by itself',
      );
    arena.converge();
  });
}

function checkPartition(context: CheckContext): Promise<void> {
  return eachSeed(context, { topics }, (arena) => {
    arena.start();
    publishSome(arena, 2);
    const heal = arena.part([arena.nodes[0]!]);
    arena.run(7_000);
    publishSome(arena, 3);
    heal();
    arena.run(3_000).converge();
    expectAll(arena, { A: 5, B: 5 });
  });
}

function checkUnnoticed(context: CheckContext): Promise<void> {
  return eachSeed(context, { topics }, (arena) => {
    arena.start();
    publishSome(arena, 2);
    const heal = arena.part([arena.nodes[0]!], true);
    arena.run(500);
    publishSome(arena, 3);
    heal();
    arena.converge();
    expectAll(arena, { A: 5, B: 5 });
  });
}

/** B learns from A, then A is gone; C meets B alone. */
function checkCarrier(context: CheckContext): Promise<void> {
  return eachSeed(context, { topics: [['lobby'], ['lobby'], ['lobby']] }, (arena) => {
    const [a, b, c] = [arena.nodes[0]!, arena.nodes[1]!, arena.nodes[2]!];
    a.contacts.add(b);
    b.contacts.add(c);
    arena.world.boot(a);
    arena.world.boot(b);
    arena.run(1_000);
    arena.publish(a, 'lobby', 'before I go');
    arena.run(1_000);
    arena.world.note('A is gone for good');
    arena.world.crash(a);
    arena.world.boot(c);
    arena.run(12_000);
    if (arena.delivered(c, 'lobby').length !== 1)
      arena.fail('A wrote A/1, told B, and is gone. C meets B, which holds A/1, and never gets it');
  });
}

export const heal: Part = {
  id: 'heal',
  title: 'Partition and healing',
  goal: 'Two nodes that were apart tell each other their clocks, and each announces what the other lacks. Done when they converge after the partition has healed.',
  file: 'machine.ts',
  read: [
    {
      path: 'packages/icn-gossip/src/sim/scenarios/original.ts',
      lookFor:
        'how the simulator parts two halves and lets them meet again: the same `cut` and `heal` judge you here.',
    },
  ],
  question: 'Neither node keeps a list of what it failed to send. Why is that no loss?',
  steps: [
    {
      id: 'late',
      title: 'Who comes late is told what there is',
      hints: [
        'Announcements are said once. Who was not there needs somebody to compare notes with: what does B hold, and what does A?',
        'When a peer subscribes, send it an `AntiEntropy` with your clock of that topic. Who receives one announces what the clock lacks; the pull is there already. Let the clock follow what you hold, for now as the original lesson does: on each entry the maximum of its seq and what was there.',
        "`clock.merge(new VectorClock([[entry.author, entry.seq]]))` in `take`; summary: `{ type: 'clock', counts: clock.entries() }`; on `AntiEntropy`: `const theirs = new VectorClock(summary.counts)`, and announce each entry with `entry.seq > theirs.get(entry.author)` to the sender.",
      ],
      check: checkLate,
    },
    {
      id: 'partition',
      title: 'Two nodes converge after a partition heals',
      hints: [
        'What is each node told when the network parts, and when it heals? Look at the notes in the trace.',
        'The link goes down and comes up again, so `peer-down` and `peer-up` come, and both say Subscribe again: that is the moment to compare clocks. Does your `peer-down` forget the reader, and does a second `Subscribe` still send the clock?',
        'In `received` of `Subscribe`: `readers.add(from)`, then send the `AntiEntropy`, whether the reader is new or not. Announce in the order in which you took the entries, so that they arrive in order.',
      ],
      check: checkPartition,
    },
    {
      id: 'unnoticed',
      title: 'Also when nobody noticed that they were apart',
      hints: [
        'This time frames vanish and the link stays up: no `peer-down`, no `peer-up`. What else can make a node compare clocks?',
        'Time. `wakeAtMs` asks for a `woke` event: every `roundMs`, send your clock to the readers of each topic.',
        'Keep `#nextRoundAtMs`, returned by `wakeAtMs`: set it to `nowMs + roundMs` on the first `peer-up` and at each `woke`; a machine that is woken and does not move it is woken for ever.',
      ],
      check: checkUnnoticed,
    },
    {
      id: 'carrier',
      title: 'Who holds an entry tells it, whoever wrote it',
      hints: [
        'The author may be gone when somebody asks. Who else has what it wrote?',
        'On `AntiEntropy`, announce all that you hold and the summary lacks: yours and everybody’s. Serve pulls from all that you hold, too.',
        'Go over all `entries` of the topic; do not look at `entry.author` but to find its count in the clock.',
      ],
      check: checkCarrier,
    },
  ],
};
