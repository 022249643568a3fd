import type { Lab } from '../course.js';
import type { Learner } from '../learner.js';
import { COURSES, findLab, LABS } from '../manifest.js';
import { progressIn, type Progress } from '../progress.js';
import { currentPart, showCourses, showPart, showParts } from '../show/screens.js';

/** Where am I, what next. */
export async function status(learner: Learner): Promise<number> {
  const { terminal } = learner;
  const progress = await learner.readProgress();
  const lab = progress.current === undefined ? undefined : findLab(progress.current);
  if (lab === undefined) {
    showCourses(terminal, COURSES, progress);
    terminal.line();
    terminal.line(`Begin with ${terminal.command(`start ${LABS[0]?.number}`)}`);
    return 0;
  }
  const course = COURSES.find(({ labs }) => labs.includes(lab));
  terminal.line(`Course ${course?.number}, lab ${lab.number}: ${terminal.strong(lab.title)}`);
  terminal.line(`  ${course?.page}`);
  const own = progressIn(progress, lab.number);
  showParts(terminal, lab, own);
  terminal.line();
  const part = currentPart(lab, own);
  if (part === undefined) showDone(learner, lab, progress);
  else {
    showPart(terminal, lab, part, learner.workplace.folderOf(lab));
    terminal.line();
    terminal.line(`Then ${terminal.command('check')}`);
  }
  return 0;
}

export async function list(learner: Learner): Promise<number> {
  showCourses(learner.terminal, COURSES, await learner.readProgress());
  return 0;
}

/** What comes after a part that passed. */
export function showNext(learner: Learner, lab: Lab, progress: Progress): void {
  const { terminal } = learner;
  const next = currentPart(lab, progressIn(progress, lab.number));
  terminal.line();
  if (next === undefined) return showDone(learner, lab, progress);
  terminal.line('Passed. The next one:');
  terminal.line();
  showPart(terminal, lab, next, learner.workplace.folderOf(lab));
}

function showDone(learner: Learner, lab: Lab, progress: Progress): void {
  const { terminal } = learner;
  terminal.line(terminal.good(`Lab ${lab.number} is done.`));
  terminal.line('What the packages do beyond it:');
  for (const { path, beyond } of lab.production) terminal.line(`  ${path}: ${beyond}`);
  const next = LABS.find(
    (other) => other !== lab && currentPart(other, progress.labs[other.number]) !== undefined,
  );
  const course = COURSES.find(({ labs }) => labs.includes(lab));
  terminal.line();
  if (course?.number === '08' || next === undefined)
    terminal.line(`The checkpoint of course 08: ${terminal.command('checkpoint 08')}`);
  terminal.line(`Compare with ours: ${terminal.command(`solution ${lab.number}`)}`);
  if (next !== undefined) terminal.line(`Next: ${terminal.command(`start ${next.number}`)}`);
}
