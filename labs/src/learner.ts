import { join } from 'node:path';
import type { Lab } from './course.js';
import { LabError } from './lab-error.js';
import { COURSES, findLab, LABS } from './manifest.js';
import { ProgressFile, type Progress } from './progress.js';
import { shownPath } from './show/screens.js';
import type { Terminal } from './show/terminal.js';
import { Workplace } from './workplace.js';

/** Somebody who works through the labs: a terminal to speak to, copies to work in, a record of what was done. */
export class Learner {
  readonly terminal: Terminal;
  readonly workplace: Workplace;
  readonly #progressFile: ProgressFile;

  constructor(terminal: Terminal, folder: string) {
    this.terminal = terminal;
    this.workplace = new Workplace(folder);
    this.#progressFile = new ProgressFile(join(folder, 'progress.json'));
  }

  async readProgress(): Promise<Progress> {
    return this.#progressFile.read((path) => {
      this.terminal.line(
        `The record of your progress was damaged. It is kept as ${shownPath(path)}, and a new one begins; your files are as they were.`,
      );
    });
  }

  writeProgress(progress: Progress): Promise<void> {
    return this.#progressFile.write(progress);
  }

  /** The lab that was named, or the current one; throws `LabError` where there is no copy of it. */
  async startedLab(name: string | undefined, progress: Progress): Promise<Lab> {
    if (name === undefined && progress.current === undefined)
      throw new LabError(`no lab is started yet: npx -y pnpm@12 labs start ${LABS[0]?.number}`, 1);
    const lab = labNamed(name ?? progress.current ?? '');
    if (!(await this.workplace.has(lab)))
      throw new LabError(`lab ${lab.number} is not started yet: npx -y pnpm@12 labs start ${lab.number}`, 1);
    return lab;
  }
}

/** The lab of that number. A course's number is a frequent slip, and answered. */
export function labNamed(name: string): Lab {
  const lab = findLab(name);
  if (lab !== undefined) return lab;
  const there = LABS.map(({ number, title }) => `${number} (${title})`).join(', ');
  const course = COURSES.find(({ number }) => number === name.padStart(2, '0'));
  const ofCourse =
    course === undefined
      ? ''
      : `; ${course.number} is a course, and its lab is ${course.labs.map(({ number }) => number).join(', ')}`;
  throw new LabError(`no lab ${JSON.stringify(name.slice(0, 40))}: there are ${there}${ofCourse}`);
}
