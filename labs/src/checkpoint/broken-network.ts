import type { Topic } from '@icn/gossip';
import { SeededRandom, type SimNode } from '@icn/gossip/sim';
import { Arena } from '../lab-07/arena.js';
import type { Access } from '../lab-07/contract.js';
import { nameOf, type RecordedRow } from '../lab-07/recorder.js';
import type { Ask, Question } from './item.js';
import { referenceMachine } from './reference.js';

/** Why an entry does not come to B, each with what it means. */
export const CAUSES = {
  'no-link': 'A and B are not connected',
  'not-subscribed': 'B does not follow the topic',
  'no-access': 'B may not read the topic, says A',
  'clock-claims-hole': 'B’s clock claims the entry, though B lacks it',
  'filter-hides': 'B’s filters claim the entry, the same way in every round',
  'holder-silent': 'who is left holds the entry, and tells only what it wrote itself',
} as const;

export type Cause = keyof typeof CAUSES;

interface Case {
  readonly arena: Arena;
  readonly topic: string;
  readonly story: string;
}

const NETWORKS = 3;
/** One entry in 120 is hidden: that none of so many is happens once in 280,000 networks. */
const ENTRIES_TRIED = 1_500;

/** Fresh broken networks, each with a cause of its own, and the evidence that an operator would have. */
export async function diagnosisQuestion(seed: number): Promise<Question> {
  const random = new SeededRandom(seed).fork('diagnosis');
  const causes = random.sample(Object.keys(CAUSES) as Cause[], NETWORKS);
  const asks: Ask[] = [];
  for (const cause of causes) asks.push(askOf(await CASES[cause](random.below(1_000_000)), cause));
  return {
    text: [
      'In each of these networks an entry never comes to B. From what the nodes say of themselves, and from the messages,',
      'tell the cause. The causes that there may be:',
      ...Object.entries(CAUSES).map(([cause, meaning]) => `  ${cause.padEnd(18)} ${meaning}`),
    ],
    asks,
    afterwards: [
      'The same three looks work on a real node: who is connected (icn peers), what is held (icn status), what differs and why (icn sync TOPIC --explain).',
    ],
  };
}

const CASES: Readonly<Record<Cause, (seed: number) => Promise<Case>>> = {
  'no-link': (seed) => plain(seed, {}, (arena) => void arena.part([arena.nodes[0]!])),
  'not-subscribed': (seed) => plain(seed, { topics: [['lobby', 'notes'], ['lobby']] }),
  'no-access': (seed) => plain(seed, { isClosed: true }),
  'clock-claims-hole': async (seed) => {
    const arena = new Arena({
      seed,
      machine: await referenceMachine('max-merge'),
      topics: lobbies(2),
      isJudged: false,
    });
    const a = arena.start().nodes[0]!;
    for (let count = 1; count <= 4; count++) {
      if (count === 2) arena.loseNext(({ type }) => type === 'PullResponse');
      arena.publish(a, 'lobby', `entry ${count}`);
      arena.run(200);
    }
    return { arena: arena.run(16_000), topic: 'lobby', story: 'A/2 never comes to B.' };
  },
  'filter-hides': hiddenByFilter,
  'holder-silent': async (seed) => {
    const arena = new Arena({
      seed,
      machine: await referenceMachine('own-entries-only'),
      topics: lobbies(3),
      isJudged: false,
    });
    const [a, b, c] = [arena.nodes[0]!, arena.nodes[1]!, arena.nodes[2]!];
    a.contacts.add(c);
    b.contacts.add(c);
    for (const node of [a, c]) arena.world.boot(node);
    arena.run(1_000);
    arena.publish(a, 'lobby', 'before I go');
    arena.run(1_000);
    arena.world.note('A is gone');
    arena.world.crash(a);
    arena.world.boot(b);
    return { arena: arena.run(14_000), topic: 'lobby', story: 'A/1 never comes to B.' };
  },
};

function lobbies(count: number): string[][] {
  return Array.from({ length: count }, () => ['lobby']);
}

async function plain(
  seed: number,
  {
    topics = [
      ['lobby', 'notes'],
      ['lobby', 'notes'],
    ],
    isClosed = false,
  }: { topics?: string[][]; isClosed?: boolean },
  play: (arena: Arena) => void = () => {},
): Promise<Case> {
  let closed: Access | undefined;
  const arena = new Arena({
    seed,
    machine: await referenceMachine(),
    topics,
    isJudged: false,
    // Only A knows the rule: B was told nothing of being left out.
    accessOf: (topic, self) =>
      topic === 'notes' && self === arena.nodes[0]?.did && closed !== undefined ? closed : { type: 'Public' },
  });
  if (isClosed) closed = { type: 'Private', allowed: [arena.nodes[0]!.did] };
  arena.start();
  arena.publish(arena.nodes[1]!, 'lobby', 'all is well');
  arena.run(500);
  play(arena);
  arena.run(6_000);
  arena.publish(arena.nodes[0]!, 'notes', 'for all');
  return { arena: arena.run(14_000), topic: 'notes', story: 'A/1 of "notes" never comes to B.' };
}

/** Publishes one entry after another, of which nobody hears but by repair, until a filter of one salt hides one. */
async function hiddenByFilter(seed: number): Promise<Case> {
  const machine = await referenceMachine('unsalted-filter');
  const arena = new Arena({ seed, machine, topics: lobbies(2), summary: 'filter', isJudged: false });
  const [a, b] = [arena.start().nodes[0]!, arena.nodes[1]!];
  for (let seq = 1; seq <= ENTRIES_TRIED; seq++) {
    arena.loseNext(({ type }) => type === 'Announcement');
    arena.publish(a, 'lobby', `entry ${seq}`);
    arena.run(6_000);
    if (b.disk.positionCount('lobby' as Topic) === seq) continue;
    return { arena: arena.run(15_000), topic: 'lobby', story: `A/${seq} never comes to B.` };
  }
  throw new Error(`no entry of ${ENTRIES_TRIED} was hidden with seed ${seed}`);
}

function askOf({ arena, topic, story }: Case, cause: Cause): Ask {
  const last = arena.recorder.rows.filter((row) => isEvidence(row, topic)).slice(-10);
  return {
    text: [
      story,
      ...arena.nodes.map((node) => `  ${statusOf(arena, node, topic)}`),
      '',
      ...arena.draw(last).map((line) => `  ${line}`),
      '',
      'The cause is …',
    ],
    choices: Object.keys(CAUSES),
    answer: cause,
    because:
      'Look at the links, at who follows what, at what each node holds, and at what B tells in its AntiEntropy.',
  };
}

function isEvidence(row: RecordedRow, topic: string): boolean {
  if (row.type === 'note')
    return row.text.endsWith('is gone') || row.text.includes('link') || row.text.includes('publish');
  return row.message.type === 'Subscribe' || ('topic' in row.message && row.message.topic === topic);
}

/** What a node says of itself: its links, what it follows, what it holds. */
function statusOf(arena: Arena, node: SimNode, topic: string): string {
  const name = nameOf(node);
  if (!node.isUp) return `${name} is down; on its disk: ${holding(arena, node, topic)}`;
  const peers = [...node.links.keys()].map((did) => nameOf(arena.world.nodeOf(did)));
  const links = peers.length === 0 ? 'no links' : `linked to ${peers.join(' and ')}`;
  return `${name} is up, ${links}; follows ${node.topics.join(', ')}; holds of "${topic}" ${holding(arena, node, topic)}`;
}

function holding(arena: Arena, node: SimNode, topic: string): string {
  const authors = arena.nodes.flatMap((author) => {
    const ids = [...node.disk.ids(topic as Topic)].map((id) => arena.world.ledger.get(id)!.name);
    const seqs = ids.filter((entry) => entry.author === author.did).map(({ seq }) => seq);
    return seqs.length === 0
      ? []
      : [`${nameOf(author)}: ${rangesOf(seqs.toSorted((one, other) => one - other))}`];
  });
  return authors.length === 0 ? 'nothing' : authors.join('; ');
}

function rangesOf(seqs: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const seq of seqs) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === seq - 1) last[1] = seq;
    else ranges.push([seq, seq]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
}
