import { cp, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Lab } from './course.js';

/** The folder `labs` of the checkout. */
export const labsFolder = fileURLToPath(new URL('../', import.meta.url));

/** The checkout. */
export const checkout = fileURLToPath(new URL('../../', import.meta.url));

export const starterOf = (lab: Lab) => join(labsFolder, lab.id, 'starter');
export const solutionOf = (lab: Lab) => join(labsFolder, lab.id, 'solution');
export const wrongOf = (lab: Lab, wrong: string) => join(labsFolder, lab.id, 'wrong', wrong);

/** Where what is judged lies as JavaScript: below the labs, because it imports their packages. */
const runs = join(labsFolder, '.run');

/** Does something with a folder that is gone afterwards. */
export async function withRunFolder<Result>(action: (folder: string) => Promise<Result>): Promise<Result> {
  await mkdir(runs, { recursive: true });
  const folder = await mkdtemp(join(runs, `${process.pid}-`));
  try {
    return await action(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The learner's copies of labs. */
export class Workplace {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  folderOf(lab: Lab): string {
    return join(this.folder, lab.id);
  }

  async has(lab: Lab): Promise<boolean> {
    return isFolder(this.folderOf(lab));
  }

  /** Copies the starter, with what an editor needs to know the types; nothing that is there is touched. */
  async start(lab: Lab): Promise<readonly string[]> {
    const folder = this.folderOf(lab);
    await mkdir(folder, { recursive: true });
    await cp(starterOf(lab), folder, { recursive: true, force: false, errorOnExist: false });
    const learner = relative(folder, join(labsFolder, 'tsconfig.learner.json')).replaceAll('\\', '/');
    const config = { extends: learner, include: ['*.ts'] };
    await writeFile(join(folder, 'tsconfig.json'), `${JSON.stringify(config, undefined, 2)}\n`);
    return (await readdir(starterOf(lab))).toSorted();
  }

  /** Puts the copy aside, where nothing of it is lost, and returns where. */
  async putAside(lab: Lab): Promise<string> {
    const old = join(this.folder, 'old');
    await mkdir(old, { recursive: true });
    for (let number = 1; ; number++) {
      const place = join(old, `${lab.id}-${number}`);
      if (await isFolder(place)) continue;
      await rename(this.folderOf(lab), place);
      return place;
    }
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}
