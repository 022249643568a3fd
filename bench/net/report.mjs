/** From rounds to medians, ratios and what the targets say of them. */
import { comparisons, figureNames, figures } from './figures.mjs';

/** @typedef {import('./contender.mjs').ContenderName} ContenderName */
/** @typedef {import('./figures.mjs').FigureName} FigureName */
/** @typedef {import('./figures.mjs').MeasureName} MeasureName */

/** @typedef {{ contender: ContenderName, measure: MeasureName, figures: Partial<Record<FigureName, number>> }} Success */
/** @typedef {{ contender: ContenderName, measure: MeasureName, reason: string }} Failure */
/** @typedef {Success | Failure} Outcome Of one round of one measure of one contender. */

/**
 * @typedef {object} Cell
 * @property {number | null} median Of the rounds that came to a result; `null` where none did.
 * @property {readonly number[]} rounds
 * @property {readonly string[]} failures Why the other rounds came to none.
 */

/**
 * @typedef {object} Ratio
 * @property {FigureName} figure
 * @property {ContenderName} of
 * @property {ContenderName} to
 * @property {number | null} ratio How many times as good `of` is as `to`.
 * @property {number | null} target
 * @property {boolean | null} isMet `null` without a target or without both figures.
 */

/** @typedef {{ cells: Partial<Record<FigureName, Partial<Record<ContenderName, Cell>>>>, ratios: readonly Ratio[] }} Report */

/**
 * @param {readonly Outcome[]} outcomes
 * @returns {Report}
 */
export function reportOf(outcomes) {
  /** @type {Report['cells']} */
  const cells = {};
  for (const name of figureNames) {
    const ofFigure = outcomes.filter(({ measure }) => measure === figures[name].measure);
    if (ofFigure.length > 0)
      cells[name] = Object.fromEntries(
        [...new Set(ofFigure.map(({ contender }) => contender))].map((contender) => [
          contender,
          cellOf(
            name,
            ofFigure.filter((outcome) => outcome.contender === contender),
          ),
        ]),
      );
  }
  const ratios = comparisons.flatMap(({ of, to, targets }) =>
    figureNames.flatMap((figure) => {
      const [ours, theirs] = [cells[figure]?.[of], cells[figure]?.[to]];
      if (ours === undefined || theirs === undefined) return [];
      const target = targets[figure] ?? null;
      const ratio = ratioOf(figure, ours.median, theirs.median);
      return [{ figure, of, to, ratio, target, isMet: ratio && target ? ratio >= target : null }];
    }),
  );
  return { cells, ratios };
}

/**
 * @param {FigureName} name
 * @param {readonly Outcome[]} outcomes
 * @returns {Cell}
 */
function cellOf(name, outcomes) {
  const rounds = outcomes.flatMap((outcome) => ('figures' in outcome ? (outcome.figures[name] ?? []) : []));
  const failures = outcomes.flatMap((outcome) => ('reason' in outcome ? outcome.reason : []));
  return { median: rounds.length === 0 ? null : median(rounds), rounds, failures };
}

/**
 * @param {FigureName} figure
 * @param {number | null} ours
 * @param {number | null} theirs
 */
function ratioOf(figure, ours, theirs) {
  if (ours === null || theirs === null) return null;
  const ratio = figures[figure].better === 'more' ? ours / theirs : theirs / ours;
  // Memory can come out as zero or less, where what was freed outweighs what was taken.
  return Number.isFinite(ratio) && ratio > 0 ? ratio : null;
}

/**
 * @param {Report} report
 * @param {readonly ContenderName[]} contenders
 */
export function textOf({ cells, ratios }, contenders) {
  const shown = figureNames.filter((name) => cells[name] !== undefined);
  const medians = shown.map((name) => [
    figures[name].title,
    ...contenders.map((contender) => valueOf(name, cells[name]?.[contender])),
  ]);
  const pairs = comparisons.filter(({ of, to }) => contenders.includes(of) && contenders.includes(to));
  const compared = shown.map((name) => [
    figures[name].title,
    ...pairs.map(({ of, to }) =>
      verdictOf(ratios.find((ratio) => ratio.figure === name && ratio.of === of && ratio.to === to)),
    ),
  ]);
  return [
    ...tableOf(['median', ...contenders], medians),
    ...(pairs.length === 0
      ? []
      : ['', ...tableOf(['times as good', ...pairs.map(({ of, to }) => `${of} / ${to}`)], compared)]),
    ...failuresOf(cells),
  ].join('\n');
}

/**
 * @param {FigureName} name
 * @param {Cell | undefined} cell
 */
function valueOf(name, cell) {
  if (cell === undefined) return '';
  return cell.median === null ? 'failed' : cell.median.toFixed(figures[name].digits);
}

/** @param {Ratio | undefined} ratio */
function verdictOf(ratio) {
  if (ratio === undefined) return '';
  const value = ratio.ratio === null ? '–' : ratio.ratio.toFixed(2);
  if (ratio.target === null) return value;
  const verdict = { true: 'pass', false: 'FAIL', null: 'open' }[String(ratio.isMet)];
  return `${value} ${verdict} (≥ ${ratio.target})`;
}

/**
 * Who failed at what; the figures of one measure fail together, and are named once.
 *
 * @param {Report['cells']} cells
 */
function failuresOf(cells) {
  const lines = figureNames.flatMap((name) =>
    Object.entries(cells[name] ?? {}).flatMap(([contender, { rounds, failures }]) => {
      const roundCount = rounds.length + failures.length;
      const what = `${contender}, ${figures[name].measure}: ${failures.length} of ${roundCount} rounds failed`;
      return failures.length === 0 ? [] : `${what}: ${failures[0]}`;
    }),
  );
  return lines.length === 0 ? [] : ['', ...new Set(lines)];
}

/**
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 */
function tableOf(head, rows) {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (/** @type {readonly string[]} */ cells) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(head), line(rule), ...rows.map(line)];
}

/** @param {readonly number[]} values */
export function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
