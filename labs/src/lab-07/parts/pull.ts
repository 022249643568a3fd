import { exported, type CheckContext } from '../../check/check-context.js';
import { expectSame } from '../../check/step-failure.js';
import type { Part } from '../../course.js';
import { Arena, type ArenaOptions } from '../arena.js';
import type { MachineClass } from '../host.js';

export const loadMachine = (context: CheckContext) =>
  exported<MachineClass>(context, 'machine', 'GossipMachine');

/** Plays a story with each seed. */
export async function eachSeed(
  context: CheckContext,
  options: Omit<ArenaOptions, 'seed' | 'machine'>,
  play: (arena: Arena) => void,
): Promise<void> {
  const machine = await loadMachine(context);
  for (const seed of context.seeds) play(new Arena({ ...options, machine, seed }));
}

const twoNodes = [['lobby'], ['lobby']];

function checkSubscribe(context: CheckContext): Promise<void> {
  return eachSeed(context, { topics: twoNodes }, (arena) => {
    arena.start();
    for (const node of arena.nodes) {
      const said = arena.recorder.frames.some(({ from, message }) => {
        return (
          from === node && message.type === 'Subscribe' && message.topics.some((topic) => topic === 'lobby')
        );
      });
      if (!said)
        arena.fail('both nodes follow "lobby" and are connected, and one never says Subscribe to the other');
    }
  });
}

function checkAnnounce(context: CheckContext): Promise<void> {
  return eachSeed(context, { topics: twoNodes }, (arena) => {
    const [a, b] = [arena.start().nodes[0]!, arena.nodes[1]!];
    arena.publish(a, 'lobby', 'hello');
    arena.run(1_000);
    if (arena.delivered(a, 'lobby').length !== 1) arena.fail('A has not delivered its own entry');
    const kinds = arena.recorder.frames.map(({ message }) => message.type);
    for (const kind of ['Announcement', 'PullRequest', 'PullResponse'] as const)
      if (!kinds.includes(kind)) arena.fail(`A publishes one entry, and nobody says ${kind}`);
    if (arena.delivered(b, 'lobby').length !== 1)
      arena.fail('A has published A/1, and B has not delivered it a second later');
    arena.publish(b, 'lobby', 'hello back');
    arena.publish(a, 'lobby', 'again');
    arena.run(1_000);
    for (const node of [a, b])
      expectSame(
        arena.delivered(node, 'lobby').toSorted(),
        ['A/1', 'A/2', 'B/1'],
        'both publish, and both deliver all three entries',
      );
  });
}

function checkTopics(context: CheckContext): Promise<void> {
  return eachSeed(context, { topics: [['lobby', 'notes'], ['lobby']] }, (arena) => {
    const [a, b] = [arena.start().nodes[0]!, arena.nodes[1]!];
    arena.publish(a, 'notes', 'for those who follow notes');
    arena.publish(a, 'lobby', 'for all');
    arena.run(1_000);
    expectSame(
      arena.delivered(b, 'lobby'),
      ['A/1'],
      'B follows "lobby" alone, and delivers what A published there',
    );
    expectSame(arena.delivered(a, 'notes'), ['A/1'], 'A delivers its own entry in "notes"');
    const stray = arena.recorder.frames.find(
      ({ message }) => 'topic' in message && message.topic === 'notes',
    );
    if (stray !== undefined)
      arena.fail(`B does not follow "notes", and is told of it: ${arena.recorder.words(stray)}`);
  });
}

function checkPassOn(context: CheckContext): Promise<void> {
  return eachSeed(context, { topics: [['lobby'], ['lobby'], ['lobby']], inALine: true }, (arena) => {
    const [a, b, c] = [arena.start().nodes[0]!, arena.nodes[1]!, arena.nodes[2]!];
    arena.publish(a, 'lobby', 'from one end');
    arena.publish(c, 'lobby', 'from the other');
    arena.run(1_000);
    for (const node of [a, b, c])
      if (arena.delivered(node, 'lobby').length !== 2)
        arena.fail(
          'A and C know each other through B alone: B must announce what it pulled to its other readers',
        );
  });
}

function checkOnce(context: CheckContext): Promise<void> {
  const links = { duplicationRate: 0.6, jitterMs: { type: 'uniform', minMs: 0, maxMs: 20 } } as const;
  return eachSeed(context, { topics: twoNodes, links }, (arena) => {
    const [a, b] = [arena.start().nodes[0]!, arena.nodes[1]!];
    for (let count = 0; count < 6; count++) {
      arena.publish(a, 'lobby', `a ${count}`);
      arena.publish(b, 'lobby', `b ${count}`);
      arena.run(200);
    }
    arena.run(1_000);
    const wanted = ['A', 'B'].flatMap((name) => [1, 2, 3, 4, 5, 6].map((seq) => `${name}/${seq}`));
    for (const node of [a, b])
      expectSame(
        arena.delivered(node, 'lobby').toSorted(),
        wanted,
        'links double messages, and each entry is delivered once',
      );
  });
}

export const pull: Part = {
  id: 'pull',
  title: 'Push and pull',
  goal: 'Two nodes in memory: A announces an entry by name, B pulls it, both deliver it once.',
  file: 'machine.ts',
  read: [
    {
      path: 'packages/icn-gossip/src/machine.ts',
      lookFor: 'the contract: events in, effects out. Why may a machine not read a clock?',
    },
    {
      path: 'labs/src/lab-07/contract.ts',
      lookFor: 'the events you are told, the effects you may order, the messages.',
    },
  ],
  question:
    'B hears the same announcement from two peers. What is the least it must remember to deliver the entry once?',
  steps: [
    {
      id: 'subscribe',
      title: 'Say which topics you follow',
      hints: [
        'A peer cannot know what you follow. Which event tells you that there is somebody to say it to?',
        'On `joined` remember the topic, on `peer-up` remember the peer; send the peer a `Subscribe` with all topics you follow. A topic may be joined after the peer came up, too.',
        "In `peer-up`: `effects.push({ type: 'send', to: event.peer, message: { type: 'Subscribe', topics: [...this.#topics.keys()] } })`, and the same to each connected peer in `joined`. In `received` of a `Subscribe`: remember for each topic which peers read it.",
      ],
      check: checkSubscribe,
    },
    {
      id: 'announce',
      title: 'A announces, B pulls, both deliver',
      hints: [
        'Follow one entry: `submitted` at A, three messages, `deliver` at B. Which node sends which?',
        'A delivers its own entry first (so that it is on disk), then announces its name to the readers. B answers an `Announcement` with a `PullRequest` to the peer who announced it, A answers that with a `PullResponse` of the entries it holds, B delivers them.',
        "Keep `entries: Map<id, Entry>` a topic. `take(entry)`: set it, push `{ type: 'deliver', entry }`, announce it to each reader. Call it for `submitted` and for each entry of a `PullResponse`; serve a `PullRequest` with `message.missing.flatMap(({ id }) => entries.get(id) ?? [])`.",
      ],
      check: checkAnnounce,
    },
    {
      id: 'topics',
      title: 'Nothing of a topic to who does not follow it',
      hints: [
        'Two peers, two topics: who reads which? One list of peers is not enough.',
        'Keep the readers by topic, filled from the `Subscribe` messages. Announce to the readers of the entry’s topic alone, and ignore messages about topics that you do not follow.',
        '`interface TopicState { entries: Map<string, Entry>; readers: Set<Did> }` and `#topics: Map<string, TopicState>`; in `peer-down` delete the peer from all `readers`.',
      ],
      check: checkTopics,
    },
    {
      id: 'pass-on',
      title: 'Pass on what you pulled',
      hints: [
        'A and C are not connected. How can C learn of an entry of A?',
        'What B pulled from A is as good as its own: announce it to its readers, but not back to the peer it came from.',
        'Give `take(entry, from)` the sender: `for (const reader of readers) if (reader !== from) announce(reader, entry)`.',
      ],
      check: checkPassOn,
    },
    {
      id: 'once',
      title: 'Once, whatever is doubled',
      hints: [
        'Links double messages: an announcement may come twice, and a response too. Which of the two do you guard?',
        'Two requests for one entry may be under way before the first answer comes, so looking when the announcement comes is not enough: look again when the entry comes.',
        'First line of `take`: `if (entries.has(entry.id)) return;` The id decides: two entries are the same if and only if their ids are.',
      ],
      check: checkOnce,
    },
  ],
};
