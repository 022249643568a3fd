import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab, Part } from '../course.js';
import type { Learner } from '../learner.js';
import { progressIn } from '../progress.js';
import { numberOf, shownPath } from '../show/screens.js';
import { solutionOf } from '../workplace.js';

/** Shows the solution, file by file, as far as the parts that need it have passed. */
export async function solution(learner: Learner, name: string | undefined): Promise<number> {
  const { terminal } = learner;
  const progress = await learner.readProgress();
  const lab = await learner.startedLab(name, progress);
  const { passed } = progressIn(progress, lab.number);
  const sources = await sourcesOf(solutionOf(lab), lab);
  let openCount = 0;
  for (const [file, source] of Object.entries(sources)) {
    const waitsFor = lab.parts
      .filter((part) => passed[part.id] === undefined && filesOf(part).includes(file))
      .at(-1);
    if (waitsFor !== undefined) {
      terminal.line(`${file} opens when part ${numberOf(lab, waitsFor)} (${waitsFor.title}) has passed`);
      continue;
    }
    openCount++;
    terminal.line(terminal.strong(shownPath(join(solutionOf(lab), file))));
    terminal.lines(source.trimEnd().split('\n'), '  ');
    terminal.line();
  }
  return openCount > 0 ? 0 : 1;
}

/** The files of a lab in a folder, in the order in which parts need them; what else lies there is not the lab's. */
export async function sourcesOf(folder: string, lab: Lab): Promise<Readonly<Record<string, string>>> {
  const names = new Set(lab.parts.flatMap(filesOf));
  const sources = await Promise.all(
    [...names].map(
      async (name) => [name, await readFile(join(folder, name), 'utf8').catch(() => undefined)] as const,
    ),
  );
  return Object.fromEntries(sources.filter((pair): pair is [string, string] => pair[1] !== undefined));
}

function filesOf(part: Part): readonly string[] {
  return [part.file, ...part.steps.map(({ file }) => file ?? part.file)];
}
