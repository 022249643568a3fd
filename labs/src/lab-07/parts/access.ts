import type { Topic } from '@icn/gossip';
import type { SimNode } from '@icn/gossip/sim';
import type { Did } from '@icn/identity';
import type { CheckContext } from '../../check/check-context.js';
import { expectSame } from '../../check/step-failure.js';
import type { Part } from '../../course.js';
import { Arena, isAbout } from '../arena.js';
import type { Access, EntryName, Message } from '../contract.js';
import { nameOf } from '../recorder.js';
import { Stranger } from '../stranger.js';
import { loadMachine } from './pull.js';

/** A and B run the learner's machine, C is played by the check. All are connected; `council` is for A and B alone. */
interface Council {
  readonly arena: Arena;
  readonly a: SimNode;
  readonly b: SimNode;
  readonly c: SimNode;
  readonly stranger: Stranger;
}

const topics = [
  ['lobby', 'council'],
  ['lobby', 'council'],
];

type AccessOf = (members: readonly Did[]) => { access: Access; trustOf?: (did: Did, self: Did) => number };

const byInvitation: AccessOf = (members) => ({ access: { type: 'Private', allowed: members } });

async function eachCouncil(
  context: CheckContext,
  play: (council: Council) => void,
  accessOf = byInvitation,
): Promise<void> {
  const machine = await loadMachine(context);
  for (const seed of context.seeds) {
    const stranger = new Stranger();
    let rule: ReturnType<AccessOf> | undefined;
    const arena = new Arena({
      seed,
      machine,
      topics,
      accessOf: (topic) => (topic === 'council' && rule !== undefined ? rule.access : { type: 'Public' }),
      trustOf: (did, self) => rule?.trustOf?.(did, self) ?? 1,
    });
    const c = arena.world.add({
      isHonest: false,
      topics: ['lobby', 'council'] as Topic[],
      machineOf: stranger.factory,
    });
    const [a, b] = [arena.nodes[0]!, arena.nodes[1]!];
    rule = accessOf([a.did, b.did]);
    play({ arena, a, b, c, stranger });
  }
}

function nameFor({ arena }: Council, node: SimNode, seq: number): EntryName {
  const id = [...node.disk.ids('council' as Topic)].find((known) => {
    const { name } = arena.world.ledger.get(known)!;
    return name.author === node.did && name.seq === seq;
  })!;
  return arena.world.ledger.get(id)!.name;
}

/** Fails where anything of the council went to C. */
function expectNothingTold({ arena, c }: Council, why: string): void {
  const leak = arena.recorder.frames.find(({ from, to, message }) => {
    if (to !== c || from === c) return false;
    return message.type === 'Subscribe'
      ? message.topics.includes('council' as Topic)
      : 'topic' in message && message.topic === 'council';
  });
  if (leak === undefined) return;
  const what = leak.message.type === 'Subscribe' ? 'Even the name of a topic tells something' : why;
  arena.fail(
    `"council" is for A and B alone, and ${nameOf(leak.from)} says to C: ${arena.recorder.words(leak)}. ${what}`,
    (row) => {
      return row.type === 'frame' ? row.from === c || row.to === c : row.node !== c;
    },
  );
}

function checkSend(context: CheckContext): Promise<void> {
  return eachCouncil(context, (council) => {
    const { arena, a, b, c, stranger } = council;
    arena.start();
    stranger.say(arena.world, c, [a, b], { type: 'Subscribe', topics: ['lobby', 'council'] });
    arena.run(500);
    arena.publish(a, 'council', 'between us');
    arena.publish(a, 'lobby', 'for all');
    arena.run(11_000);
    expectSame(
      arena.delivered(b, 'council'),
      ['A/1'],
      'B is invited to "council", and delivers what A published there',
    );
    expectNothingTold(council, 'C may not read it');
    const open = arena.recorder.frames.some(
      (row) =>
        row.to === c &&
        row.message.type === 'Announcement' &&
        isAbout(row, arena.recorder, 'A/1') &&
        row.message.topic === 'lobby',
    );
    if (!open)
      arena.fail('C may read "lobby" like anybody, subscribed to it, and was told nothing of A/1 there');
  });
}

function checkServe(context: CheckContext): Promise<void> {
  return eachCouncil(context, (council) => {
    const { arena, a, b, c, stranger } = council;
    arena.start();
    arena.publish(a, 'council', 'between us');
    arena.run(1_000);
    const name = nameFor(council, a, 1);
    const questions: readonly Message[] = [
      { type: 'PullRequest', topic: 'council', missing: [name] },
      { type: 'AntiEntropy', topic: 'council', summary: { type: 'clock', counts: [] } },
      { type: 'Announcement', topic: 'council', name: { ...name, id: 'ab'.repeat(32), seq: 2 } },
    ];
    for (const question of questions) {
      stranger.say(arena.world, c, [a, b], question);
      arena.run(500);
      expectNothingTold(
        council,
        `C never subscribed: it just sent ${question.type}, and whoever may not read gets no answer to anything`,
      );
    }
    arena.run(6_000);
    expectNothingTold(council, 'C sent messages about it, which makes it no reader');
    arena.publish(b, 'council', 'still between us');
    arena.run(1_000);
    expectSame(arena.delivered(a, 'council').toSorted(), ['A/1', 'B/1'], 'A and B go on as before');
  });
}

function checkReceive(context: CheckContext): Promise<void> {
  return eachCouncil(context, (council) => {
    const { arena, a, b, c, stranger } = council;
    arena.start();
    const forged = stranger.publish(arena.world, c, 'council', 'let me in');
    stranger.say(arena.world, c, [a, b], { type: 'Announcement', topic: 'council', name: forged });
    arena.run(500);
    const asked = arena.recorder.frames.find(({ to, message }) => to === c && message.type === 'PullRequest');
    if (asked !== undefined)
      arena.fail(
        `C may not write in "council", and ${nameOf(asked.from)} pulls from it: ${arena.recorder.words(asked)}`,
      );
    stranger.say(arena.world, c, [a, b], { type: 'PullResponse', topic: 'council', entries: [forged] });
    arena.run(500);
    for (const node of [a, b])
      expectSame(
        arena.delivered(node, 'council'),
        [],
        `C sent an entry that nobody asked for, and it is not C’s to write: ${nameOf(node)} has delivered`,
      );
    stranger.becomes(b);
    stranger.say(arena.world, c, [a], { type: 'PullResponse', topic: 'council', entries: [forged] });
    arena.run(500);
    stranger.becomes(undefined);
    expectSame(
      arena.delivered(a, 'council'),
      [],
      'the entry of C comes through B, who may speak in "council": its author is still C, and A has delivered',
    );
    arena.publish(b, 'council', 'between us');
    arena.run(1_000);
    expectSame(arena.delivered(a, 'council'), ['B/1'], 'what B wrote itself A takes');
  });
}

function checkTrust(context: CheckContext): Promise<void> {
  const byTrust: AccessOf = (members) => ({
    access: { type: 'TrustGated', minTrust: 0.4 },
    trustOf: (did, self) => (did === self ? 0 : members.includes(did) ? 0.4 : 0.39),
  });
  return eachCouncil(
    context,
    (council) => {
      const { arena, a, b, c, stranger } = council;
      arena.start();
      stranger.say(arena.world, c, [a, b], { type: 'Subscribe', topics: ['council'] });
      arena.publish(a, 'council', 'mine');
      arena.run(500);
      expectSame(
        arena.delivered(a, 'council'),
        ['A/1'],
        'A publishes in a topic of its own: a node passes its own gate, whatever its table of trust says of itself',
      );
      expectNothingTold(council, 'C is trusted 0.39, and 0.4 is asked');
      const said = arena.recorder.frames.some(
        (row) => row.from === a && row.to === b && isAbout(row, arena.recorder, 'A/1'),
      );
      if (!said) arena.fail('B is trusted 0.4, and 0.4 is asked: A must announce A/1 to it');
    },
    byTrust,
  );
}

export const access: Part = {
  id: 'access',
  title: 'Access control',
  goal: 'A topic for some alone: checked where you subscribe, where you send, where you serve and where you receive.',
  file: 'machine.ts',
  read: [
    { path: 'packages/icn-gossip/src/gossip.ts', lookFor: 'AccessControl: public, private, trust-gated.' },
  ],
  question:
    'C never subscribes and asks for an entry by its id. At how many places in your machine would it have to be stopped?',
  steps: [
    {
      id: 'send',
      title: 'Nothing of the topic goes to who may not read it',
      hints: [
        'Write one function that says whether a DID may use a topic. Then look for each place where you send.',
        '`Private`: only `allowed`; `Public`: all. Check it where a peer subscribes, and before you name a topic in your own Subscribe: its name alone tells something.',
        'In `Subscribe` to a peer: only the topics it may use. On a `Subscribe` from a peer: add it to the readers only of topics it may use; announcements and rounds go to readers alone.',
      ],
      check: checkSend,
    },
    {
      id: 'serve',
      title: 'No answer to who may not read, whatever it asks',
      hints: [
        'C did not subscribe this time; it knows an id and asks. Which of your answers look at who asks?',
        'PullRequest, AntiEntropy and Announcement all make you speak. A check at the top of `received` covers what you have and what you will add.',
        'First lines for messages with a topic: `const topic = this.#topics.get(message.topic); if (topic === undefined || !this.#mayUse(topic, from)) return;` An unknown topic and one that the peer may not read look the same from outside.',
      ],
      check: checkServe,
    },
    {
      id: 'receive',
      title: 'Nothing is taken from who may not write',
      hints: [
        'Two questions on receipt: may the peer who sends it? May the author who wrote it? They differ when a member passes on what a stranger wrote.',
        'Check the peer where messages come in, and the author where entries are taken and where announcements are answered.',
        'In `take`: `if (!this.#mayUse(topic, entry.author)) return;` and for an Announcement the same with `name.author`, before you pull.',
      ],
      check: checkReceive,
    },
    {
      id: 'trust',
      title: 'Trust-gated, and a node passes its own gate',
      hints: [
        'How far does a node trust itself? The table may not say so.',
        '`TrustGated`: `setup.trustOf(did) >= minTrust`. And `did === setup.self` may always.',
        "`if (access.type === 'Public' || did === this.#setup.self) return true;` then the two others.",
      ],
      check: checkTrust,
    },
  ],
};
