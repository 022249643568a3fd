import { SeededRandom } from '@icn/gossip/sim';
import { Arena, isAbout } from '../lab-07/arena.js';
import { nameOf } from '../lab-07/recorder.js';
import { referenceMachine } from './reference.js';

/** A message between two nodes, drawn or recorded. */
export interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly message: string;
  readonly isLost: boolean;
}

export interface TracedRun {
  readonly seed: number;
  /** What happens, but for the messages. */
  readonly story: readonly string[];
  readonly arrows: readonly Arrow[];
  /** The run as it was, drawn. */
  readonly drawn: readonly string[];
}

const MESSAGES = ['Announcement', 'PullRequest', 'PullResponse'] as const;

/** One entry on its way: pushed, pulled, and repaired after one message of its way was lost. */
export async function traceRun(seed: number): Promise<TracedRun> {
  const random = new SeededRandom(seed).fork('trace');
  const lost = random.pick(MESSAGES);
  const [author, other] = random.shuffled([0, 1]) as [number, number];
  const machine = await referenceMachine();
  const arena = new Arena({ seed, machine, summary: 'filter', topics: [['lobby'], ['lobby']] });
  arena.start().run(5_000 * random.float());
  const [from, to] = [arena.nodes[author]!, arena.nodes[other]!];
  const firstRow = arena.recorder.rows.length;
  arena.loseNext(({ type }) => type === lost);
  arena.publish(from, 'lobby', 'the entry');
  arena.converge();
  const rows = arena.recorder.rows.slice(firstRow);
  const entry = `${nameOf(from)}/1`;
  const delivered = rows.findIndex(
    (row) => row.type === 'note' && row.node === to && row.text === `delivers ${entry}`,
  );
  const way = rows.slice(0, delivered).filter((row) => {
    if (row.type !== 'frame') return false;
    return row.message.type === 'AntiEntropy' ? row.from === to : isAbout(row, arena.recorder, entry);
  });
  return {
    seed,
    story: [
      `${nameOf(from)} and ${nameOf(to)} follow "lobby" and are connected. ${nameOf(from)} publishes ${entry}.`,
      `The first ${lost} of ${entry} is lost on its way. Every 5 s each node tells what it holds by a filter.`,
      `Draw the messages by which ${entry} comes to ${nameOf(to)}: push, pull, and the anti-entropy of ${nameOf(to)} that repairs it.`,
    ],
    arrows: way.flatMap((row) =>
      row.type === 'frame'
        ? [
            {
              from: nameOf(row.from),
              to: nameOf(row.to),
              message: row.message.type,
              isLost: row.arrivals === 0,
            },
          ]
        : [],
    ),
    drawn: arena.draw(rows.slice(0, delivered + 1)),
  };
}

/** The file that the learner draws in: a Mermaid sequence diagram. */
export function traceTemplate({ seed, story }: TracedRun): string {
  return [
    'sequenceDiagram',
    `  %% seed ${seed}`,
    ...story.map((line) => `  %% ${line}`),
    '  %% An arrow that arrives: A->>B: Announcement',
    '  %% An arrow that is lost: A-xB: Announcement',
    '  %% The messages are Announcement, PullRequest, PullResponse and AntiEntropy. Draw below.',
    '',
  ].join('\n');
}

export function seedIn(text: string): number | undefined {
  const seed = /(?:%%|#) seed (\d{1,9})\b/.exec(text)?.[1];
  return seed === undefined ? undefined : Number(seed);
}

/** Where the drawing parts from the run, in words; nothing where it does not. */
export function differences(text: string, { arrows }: TracedRun): readonly string[] {
  const drawn = arrowsIn(text);
  if (drawn.arrows.length === 0 && drawn.faults.length === 0) return ['there is no arrow in it yet'];
  const faults = [...drawn.faults];
  for (let index = 0; index < Math.max(arrows.length, drawn.arrows.length); index++) {
    const [mine, theirs] = [drawn.arrows[index], arrows[index]];
    if (mine !== undefined && theirs !== undefined && words(mine) === words(theirs)) continue;
    const has =
      theirs === undefined
        ? 'the entry has arrived by then'
        : `the run goes on with a message from ${theirs.from}`;
    faults.push(`arrow ${index + 1}: you drew ${mine === undefined ? 'nothing' : words(mine)}, and ${has}`);
    break;
  }
  return faults;
}

function arrowsIn(text: string): { readonly arrows: readonly Arrow[]; readonly faults: readonly string[] } {
  const arrows: Arrow[] = [];
  const faults: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const words = line.trim();
    if (
      words === '' ||
      words.startsWith('%%') ||
      /^(?:sequenceDiagram|participant|actor|autonumber|note)\b/i.test(words)
    )
      continue;
    const found = /^(\w+)\s*(-{1,2}(?:>>|>|x|\)))\s*(\w+)\s*:\s*(\w+)/.exec(words);
    const [, from = '', arrow = '', to = '', message = ''] = found ?? [];
    if (found === null) faults.push(`line ${index + 1} is no arrow: ${JSON.stringify(words.slice(0, 60))}`);
    else arrows.push({ from, to, message, isLost: arrow.endsWith('x') });
  }
  return { arrows, faults };
}

function words({ from, to, message, isLost }: Arrow): string {
  return `${from}${isLost ? '-x' : '->>'}${to}: ${message}`;
}
