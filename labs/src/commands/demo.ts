import { judge } from '../check/sandbox.js';
import { transpile } from '../check/transpile.js';
import type { Lab } from '../course.js';
import { LabError } from '../lab-error.js';
import type { Learner } from '../learner.js';
import { progressIn } from '../progress.js';
import { currentPart, numberOf } from '../show/screens.js';
import { solutionOf, withRunFolder, wrongOf } from '../workplace.js';

/** Plays a wrong solution that shows what the part is about. */
export async function demo(learner: Learner, name: string | undefined): Promise<number> {
  const { terminal } = learner;
  const progress = await learner.readProgress();
  const lab = await learner.startedLab(name, progress);
  const own = progressIn(progress, lab.number);
  const part =
    currentPart(lab, own)?.demonstration === undefined
      ? lab.parts.find(({ demonstration, id }) => demonstration !== undefined && own.passed[id] !== undefined)
      : currentPart(lab, own);
  const shown = part?.demonstration;
  if (part === undefined || shown === undefined)
    throw new LabError(
      `this part of lab ${lab.number} has no demonstration; there is one in ${demonstratingParts(lab)}`,
      1,
    );
  return withRunFolder(async (run) => {
    await transpile([solutionOf(lab), wrongOf(lab, shown)], run);
    const report = await judge({ lab: lab.id, folder: run, parts: [part.id], seeds: [1], goesOn: false });
    const failure = report.parts[0]?.failure;
    terminal.line(`The mistake: ${lab.wrong.find(({ id }) => id === shown)?.mistake}.`);
    terminal.line();
    terminal.line(failure?.message ?? 'nothing');
    terminal.lines(failure?.evidence ?? [], '  ');
    return 0;
  });
}

function demonstratingParts(lab: Lab): string {
  const parts = lab.parts.filter(({ demonstration }) => demonstration !== undefined);
  return parts.length === 0 ? 'none' : parts.map((part) => `part ${numberOf(lab, part)}`).join(', ');
}
