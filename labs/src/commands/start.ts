import type { Lab } from '../course.js';
import { LabError } from '../lab-error.js';
import { labNamed, type Learner } from '../learner.js';
import { LABS } from '../manifest.js';
import { progressIn, type Progress } from '../progress.js';
import { currentPart, shownPath } from '../show/screens.js';
import { status } from './status.js';

/** Gives the learner a copy of the starter; one that is there stays as it is. */
export async function start(learner: Learner, name: string | undefined): Promise<number> {
  const { terminal } = learner;
  const progress = await learner.readProgress();
  const lab = name === undefined ? nextLab(progress) : labNamed(name);
  const wasThere = await learner.workplace.has(lab);
  const files = await learner.workplace.start(lab);
  progress.current = lab.number;
  progressIn(progress, lab.number);
  await learner.writeProgress(progress);
  const folder = shownPath(learner.workplace.folderOf(lab));
  terminal.line(
    wasThere
      ? `Lab ${lab.number} is in ${folder}; nothing of it was changed.`
      : `Lab ${lab.number} is yours, in ${folder}: ${files.join(', ')}`,
  );
  terminal.line();
  return status(learner);
}

/** Puts the copy aside, and starts anew. */
export async function reset(learner: Learner, name: string | undefined): Promise<number> {
  const progress = await learner.readProgress();
  const lab = await learner.startedLab(name, progress);
  const place = await learner.workplace.putAside(lab);
  delete progress.labs[lab.number];
  await learner.writeProgress(progress);
  learner.terminal.line(`Your copy of lab ${lab.number} lies in ${shownPath(place)} now.`);
  return start(learner, lab.number);
}

function nextLab(progress: Progress): Lab {
  const lab = LABS.find((candidate) => currentPart(candidate, progress.labs[candidate.number]) !== undefined);
  if (lab === undefined) throw new LabError('all labs are done', 1);
  return lab;
}
