import { ControlClient } from '../control/control-client.js';
import type { SessionJson } from '../json.js';
import type { CommandOptions } from './commands.js';
import { plural, print, printable, printJson, shortDid } from './output.js';

/** Prints what the recent reconciliation sessions of a topic cost, and why each went as it did. */
export async function explainSync(
  topic: string,
  { dataDir, json, peer }: CommandOptions & { peer?: string },
): Promise<number> {
  const answer = await new ControlClient(dataDir).sessions(topic, peer);
  if (json) await printJson(answer);
  else for (const line of sessionLines(answer.sessions, Date.now())) await print(line);
  return 0;
}

const TITLES = [
  'peer',
  'role',
  'began',
  'took',
  'outcome',
  'strategy',
  'sent',
  'received',
  'trips',
  'differ',
];
/** Columns of numbers stand at their right. */
const RIGHT_FROM = TITLES.indexOf('sent');

/** A table, oldest first, with a sentence below each row. */
export function* sessionLines(sessions: readonly SessionJson[], nowMs: number): Generator<string> {
  if (sessions.length === 0) {
    yield 'no sessions yet: nothing was compared with a peer since the node started';
    return;
  }
  const rows = sessions.map((session) => cellsOf(session, nowMs));
  const widths = TITLES.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  );
  const align = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        column < RIGHT_FROM ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      )
      .join('  ')
      .trimEnd();
  yield align(TITLES);
  for (const [index, session] of sessions.entries()) {
    yield align(rows[index]!);
    yield `    ${sentenceOf(session)}`;
  }
}

function cellsOf(session: SessionJson, nowMs: number): string[] {
  const { peer, role, startedAtMs, endedAtMs, outcome, strategy, roundTrips, differenceCount } = session;
  return [
    shortDid(peer),
    role,
    `${seconds(nowMs - startedAtMs)} ago`,
    endedAtMs === null ? '-' : seconds(endedAtMs - startedAtMs),
    outcome,
    strategy,
    `${session.sentBytes} B`,
    `${session.receivedBytes} B`,
    String(roundTrips),
    String(differenceCount),
  ];
}

/** Why the strategy was chosen, and what it cost against what no protocol can go below. */
function sentenceOf(session: SessionJson): string {
  const { strategy, why, sentBytes, receivedBytes, entriesReceived, entriesSent } = session;
  const { differenceCount, boundBytes } = session;
  const bytes = sentBytes + receivedBytes;
  const moved = `${plural(entriesReceived, 'entry', 'entries')} came, ${entriesSent} went`;
  const cost = `${strategy}: ${printable(why)}; ${moved}; ${plural(bytes, 'byte')} to tell which`;
  if (differenceCount === 0) return `${cost}, where nothing differed.`;
  if (boundBytes === 0) return `${cost}, where all that there is differed.`;
  return `${cost}, ${(bytes / boundBytes).toFixed(1)} times the ${plural(boundBytes, 'byte')} that no protocol can go below.`;
}

function seconds(ms: number): string {
  return `${(Math.max(0, ms) / 1_000).toFixed(ms < 10_000 ? 2 : 0)} s`;
}
