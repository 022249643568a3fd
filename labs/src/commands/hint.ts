import { LabError } from '../lab-error.js';
import type { Learner } from '../learner.js';
import { progressIn } from '../progress.js';
import { currentPart, numberOf, stepOf } from '../show/screens.js';

/** One level more of the step that failed last. */
export async function hint(learner: Learner, name: string | undefined): Promise<number> {
  const { terminal } = learner;
  const progress = await learner.readProgress();
  const lab = await learner.startedLab(name, progress);
  const own = progressIn(progress, lab.number);
  const part = currentPart(lab, own);
  if (part === undefined) throw new LabError(`all parts of lab ${lab.number} have passed`, 1);
  const [failedPart, failedStep] = own.failed?.split('/') ?? [];
  const step = (failedPart === part.id ? stepOf(part, failedStep) : undefined) ?? part.steps[0]!;
  const key = `${part.id}/${step.id}`;
  const level = Math.min((own.hints[key] ?? 0) + 1, step.hints.length);
  own.hints[key] = level;
  await learner.writeProgress(progress);
  terminal.line(`Part ${numberOf(lab, part)} (${part.title}), step "${step.id}": ${step.title}`);
  for (const [index, text] of step.hints.slice(0, level).entries()) terminal.line(`  ${index + 1}. ${text}`);
  if (level < step.hints.length)
    terminal.line(terminal.dim(`  (level ${level} of ${step.hints.length}; again for more)`));
  return 0;
}
