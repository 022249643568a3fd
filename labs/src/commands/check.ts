import { join } from 'node:path';
import type { PartReport } from '../check/report.js';
import { BOUNDS, judge, type Bounds } from '../check/sandbox.js';
import { transpile } from '../check/transpile.js';
import { typeCheck } from '../check/type-check.js';
import type { Lab, Part } from '../course.js';
import type { Learner } from '../learner.js';
import { progressIn, type Progress } from '../progress.js';
import { currentPart, numberOf, showAfter, showDiagnostics, showFailure, stepOf } from '../show/screens.js';
import { withRunFolder } from '../workplace.js';
import { sourcesOf } from './solution.js';
import { showNext } from './status.js';

export interface CheckOptions {
  readonly seeds: number;
  /** For one step. */
  readonly seconds: number;
}

/** Judges the parts up to the one to work on. */
export async function check(
  learner: Learner,
  name: string | undefined,
  options: CheckOptions,
): Promise<number> {
  const { terminal, workplace } = learner;
  const progress = await learner.readProgress();
  const lab = await learner.startedLab(name, progress);
  const own = progressIn(progress, lab.number);
  const target = currentPart(lab, own);
  const parts = target === undefined ? lab.parts : lab.parts.slice(0, numberOf(lab, target));
  const folder = workplace.folderOf(lab);
  terminal.line(`Lab ${lab.number}: ${terminal.strong(lab.title)}`);
  return withRunFolder(async (run) => {
    const faults = await transpile([folder], run);
    if (faults.length > 0) {
      terminal.line(terminal.bad('This is not TypeScript yet, so nothing was run:'));
      showDiagnostics(terminal, faults, folder);
      return 1;
    }
    const bounds: Bounds = { ...BOUNDS, stepMs: options.seconds * 1_000 };
    const names = Object.keys(await sourcesOf(folder, lab)).map((file) => join(folder, file));
    const task = {
      lab: lab.id,
      folder: run,
      parts: parts.map(({ id }) => id),
      seeds: seedsUpTo(options.seeds),
      goesOn: false,
    };
    const [report, types] = await Promise.all([judge(task, bounds), typeCheck(names, run)]);
    const isPassed = await tell(learner, lab, parts, report.parts, progress);
    if (report.printed.trim() !== '') {
      terminal.line();
      terminal.line(terminal.dim('Your code printed:'));
      terminal.lines(report.printed.trimEnd().split('\n'), '  ');
    }
    if (types.length > 0) {
      terminal.line();
      terminal.line('The TypeScript compiler remarks (that alone fails nothing):');
      showDiagnostics(
        terminal,
        types.map((fault) => ({ ...fault, file: fault.file.split('/').at(-1) ?? '' })),
        folder,
      );
    }
    return isPassed ? 0 : 1;
  });
}

async function tell(
  learner: Learner,
  lab: Lab,
  parts: readonly Part[],
  reports: readonly PartReport[],
  progress: Progress,
): Promise<boolean> {
  const { terminal } = learner;
  const own = progressIn(progress, lab.number);
  const isNew = (part: Part) => own.passed[part.id] === undefined;
  let isPassed = true;
  for (const part of parts) {
    const report = reports.find(({ part: id }) => id === part.id);
    const words = `${numberOf(lab, part)} ${part.title}`;
    if (report === undefined) throw new Error(`part ${part.id} was not judged`);
    if (report.failure === undefined) {
      terminal.line(`  ${terminal.good('✓')} ${words}`);
      terminal.lines(report.notes, '      ');
      if (isNew(part)) showAfter(terminal, part);
      if (isNew(part)) own.passed[part.id] = new Date().toISOString();
      continue;
    }
    isPassed = false;
    const step = stepOf(part, report.failedStep);
    terminal.line(`  ${terminal.bad('✗')} ${words}, step "${step?.id}": ${step?.title}`);
    // The first hint is the question that stands with the failure.
    if (step !== undefined) own.hints[`${part.id}/${step.id}`] ??= 1;
    own.failed = `${part.id}/${report.failedStep}`;
    showFailure(terminal, part, report, learner.workplace.folderOf(lab));
    break;
  }
  if (isPassed) delete own.failed;
  await learner.writeProgress(progress);
  if (isPassed) showNext(learner, lab, progress);
  return isPassed;
}

function seedsUpTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
