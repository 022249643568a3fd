/** One thing in a run: a message from column to column, or a note at one. */
export type DiagramRow =
  | { readonly type: 'note'; readonly atMs: number; readonly at: number | undefined; readonly text: string }
  | {
      readonly type: 'arrow';
      readonly atMs: number;
      readonly from: number;
      readonly to: number;
      readonly text: string;
      readonly lost: boolean;
    };

const TIME_WIDTH = 9;
const LINE_WIDTH_MAX = 100;

/** Draws a run as a message sequence diagram in text: a column for each node, time going down. */
export function drawSequence(names: readonly string[], rows: readonly DiagramRow[]): string[] {
  const gap =
    names.length === 2 ? 46 : Math.max(24, Math.floor((LINE_WIDTH_MAX - 16) / Math.max(1, names.length - 1)));
  const columnOf = (index: number) => TIME_WIDTH + 2 + index * gap;
  const width = columnOf(names.length - 1) + 1;
  const blank = (): string[] => {
    const line = Array.from<string>({ length: width }).fill(' ');
    names.forEach((_, index) => (line[columnOf(index)] = '│'));
    return line;
  };
  const header = Array.from<string>({ length: width }).fill(' ');
  put(header, TIME_WIDTH - 3, 'ms');
  names.forEach((name, index) => put(header, columnOf(index), name));
  const lines = rows.map((row) => {
    const line = blank();
    put(line, 0, String(Math.round(row.atMs)).padStart(TIME_WIDTH - 1));
    if (row.type === 'note') {
      if (row.at === undefined) put(line, columnOf(0) + 2, `— ${row.text} —`);
      else putNote(line, columnOf(row.at), row.text, width);
    } else putArrow(line, columnOf(row.from), columnOf(row.to), row.text, row.lost);
    return line.join('').trimEnd();
  });
  return [header.join('').trimEnd(), ...lines];
}

function putNote(line: string[], column: number, text: string, width: number): void {
  line[column] = '●';
  const at =
    column + 2 + text.length <= width || column < width / 2
      ? column + 2
      : Math.max(TIME_WIDTH, column - 1 - text.length);
  put(line, at, text);
}

function putArrow(line: string[], from: number, to: number, text: string, lost: boolean): void {
  const [left, right] = [Math.min(from, to), Math.max(from, to)];
  for (let at = left + 1; at < right; at++) if (line[at] !== '│') line[at] = '─';
  const room = right - left - 9;
  const words = ` ${text.length > room ? `${text.slice(0, room - 1)}…` : text} `;
  const start = left + 1 + Math.floor((right - left - 1 - words.length) / 2);
  put(line, start, words);
  const isRight = to > from;
  if (lost) line[isRight ? right - 2 : left + 2] = '✕';
  else line[isRight ? right - 1 : left + 1] = isRight ? '▶' : '◀';
  if (lost) line[isRight ? right - 1 : left + 1] = ' ';
}

function put(line: string[], at: number, text: string): void {
  for (const [offset, character] of Array.from(text).entries()) line[at + offset] = character;
}
