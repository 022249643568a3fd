import { join, relative } from 'node:path';
import type { Diagnostic } from '../check/transpile.js';
import type { PartReport } from '../check/report.js';
import type { Course, Lab, Part, Reading, Step } from '../course.js';
import type { LabProgress, Progress } from '../progress.js';
import { checkout } from '../workplace.js';
import type { Terminal } from './terminal.js';

/** What the type checker says beyond this is left for the editor to show. */
const DIAGNOSTICS_SHOWN = 5;

/** The part to work on: the first that has not passed; undefined when all have. */
export function currentPart(lab: Lab, progress: LabProgress | undefined): Part | undefined {
  return lab.parts.find(({ id }) => progress?.passed[id] === undefined);
}

export function numberOf(lab: Lab, part: Part): number {
  return lab.parts.indexOf(part) + 1;
}

/** A path as it is typed from where the learner stands. */
export function shownPath(path: string): string {
  return relative(checkout, path).replaceAll('\\', '/');
}

export function showParts(terminal: Terminal, lab: Lab, progress: LabProgress): void {
  const current = currentPart(lab, progress);
  for (const part of lab.parts) {
    const isPassed = progress.passed[part.id] !== undefined;
    const mark = isPassed ? terminal.good('✓') : part === current ? '→' : '·';
    const title = part === current ? terminal.strong(part.title) : part.title;
    terminal.line(`  ${mark} ${numberOf(lab, part)} ${title}`);
  }
}

/** What a part is about, and what to do. */
export function showPart(terminal: Terminal, lab: Lab, part: Part, folder: string): void {
  terminal.line(terminal.strong(`Part ${numberOf(lab, part)}: ${part.title}`));
  terminal.line(`  ${part.goal}`);
  terminal.line();
  for (const [index, step] of part.steps.entries())
    terminal.line(`  ${index + 1}. ${step.title}${step.file === undefined ? '' : ` (${step.file})`}`);
  terminal.line();
  terminal.line(`  write in  ${shownPath(join(folder, part.file))}`);
  for (const { path, lookFor } of readBefore(part)) terminal.line(`  read      ${path}: ${lookFor}`);
  terminal.line(`  question  ${part.question}`);
  if (part.demonstration !== undefined)
    terminal.line(`  first     see what it is about fail: ${terminal.command('demo')}`);
}

export function showDiagnostics(
  terminal: Terminal,
  diagnostics: readonly Diagnostic[],
  folder: string,
): void {
  for (const { file, line, column, message } of diagnostics.slice(0, DIAGNOSTICS_SHOWN))
    terminal.line(`  ${shownPath(join(folder, file))}:${line}:${column}  ${message}`);
  if (diagnostics.length > DIAGNOSTICS_SHOWN)
    terminal.line(`  … and ${diagnostics.length - DIAGNOSTICS_SHOWN} more`);
}

/** The first failure: what happened, drawn; the file to open and the question it raises. */
export function showFailure(terminal: Terminal, part: Part, report: PartReport, folder: string): void {
  const step = stepOf(part, report.failedStep);
  terminal.line();
  terminal.line(terminal.bad(report.failure?.message ?? ''));
  if ((report.failure?.evidence.length ?? 0) > 0) terminal.line();
  terminal.lines(report.failure?.evidence ?? [], '  ');
  terminal.line();
  terminal.line(`  open      ${shownPath(join(folder, step?.file ?? part.file))}`);
  for (const { path, lookFor } of readBefore(part).slice(0, 1))
    terminal.line(`  read      ${path}: ${lookFor}`);
  terminal.line(`  ask       ${step?.hints[0] ?? part.question}`);
  terminal.line(`  stuck?    ${terminal.command('hint')}`);
}

export function stepOf(part: Part, id: string | undefined): Step | undefined {
  return part.steps.find((step) => step.id === id);
}

export function showCourses(terminal: Terminal, courses: readonly Course[], progress: Progress): void {
  for (const { number, title, page, labs } of courses) {
    terminal.line(`${terminal.strong(`Course ${number}: ${title}`)} (${page})`);
    for (const lab of labs) {
      const passed = Object.keys(progress.labs[lab.number]?.passed ?? {}).length;
      const state =
        progress.labs[lab.number] === undefined ? 'not started' : `${passed} of ${lab.parts.length} parts`;
      terminal.line(`  lab ${lab.number}  ${lab.title} (${state}): ${lab.about}`);
    }
  }
}

function readBefore({ read }: Part): readonly Reading[] {
  return read.filter(({ isAfter }) => isAfter !== true);
}

/** What a part that has passed opens: the file of the packages that does the same. */
export function showAfter(terminal: Terminal, { read }: Part): void {
  for (const { path, lookFor, isAfter } of read)
    if (isAfter === true) terminal.line(`      compare with ${path}: ${lookFor}`);
}
