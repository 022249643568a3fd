import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import type { Lab } from './course.js';
import { BOUNDS, judge } from './check/sandbox.js';
import { transpile } from './check/transpile.js';
import { typeCheck } from './check/type-check.js';
import { COURSES, LABS } from './manifest.js';
import { checkout, solutionOf, starterOf, withRunFolder, wrongOf } from './workplace.js';

/** Nobody waits for an author's check, and many seeds take long. */
const stepMs = 600_000;

/** One thing that was verified: a starter, a solution, a wrong solution, or what the manifest says. */
export interface Verified {
  readonly lab: string;
  readonly what: string;
  /** Empty: it is as it should be. */
  readonly faults: readonly string[];
}

interface Candidate {
  readonly lab: Lab;
  readonly what: string;
  readonly folders: readonly string[];
  /** Which parts are to fail: all, none, or one. */
  readonly fails: (part: string) => boolean;
}

/**
 * The author's check: starters compile and fail every part, solutions pass every part, each wrong solution fails exactly
 * the part that is meant to catch it, every step has its hints, and what the manifest names is there.
 */
export async function verify(
  seedCount: number,
  tell: (result: Verified) => void,
): Promise<readonly Verified[]> {
  const seeds = Array.from({ length: seedCount }, (_, index) => index + 1);
  const candidates = LABS.flatMap(candidatesOf);
  const tasks = [
    () => Promise.resolve(checkPages()),
    ...LABS.map((lab) => () => Promise.resolve(checkManifest(lab))),
    ...LABS.map((lab) => () => checkFolders(lab)),
    () => checkTypes(candidates),
    ...candidates.map((candidate) => () => checkCandidate(candidate, seeds)),
  ];
  const results: Verified[] = [];
  await Promise.all(
    Array.from({ length: Math.min(availableParallelism(), tasks.length) }, async () => {
      for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
        const result = await task();
        results.push(result);
        tell(result);
      }
    }),
  );
  return results;
}

function candidatesOf(lab: Lab): readonly Candidate[] {
  return [
    { lab, what: 'solution', folders: [solutionOf(lab)], fails: () => false },
    { lab, what: 'starter', folders: [starterOf(lab)], fails: () => true },
    ...lab.wrong.map(({ id, caughtBy }) => ({
      lab,
      what: `wrong: ${id}`,
      folders: [solutionOf(lab), wrongOf(lab, id)],
      fails: (part: string) => part === caughtBy,
    })),
  ];
}

/** Exported for its test: what is found of a candidate that is not as it is said to be. */
export async function checkCandidate(candidate: Candidate, seeds: readonly number[]): Promise<Verified> {
  const { lab, what, folders, fails } = candidate;
  const faults = await withRunFolder(async (folder) => {
    const diagnostics = await transpile(folders, folder);
    if (diagnostics.length > 0)
      return diagnostics.map(({ file, line, message }) => `${file}:${line} ${message}`);
    const parts = lab.parts.map(({ id }) => id);
    const report = await judge({ lab: lab.id, folder, parts, seeds, goesOn: true }, { ...BOUNDS, stepMs });
    return parts.flatMap((part) => {
      const failure = report.parts.find((judged) => judged.part === part)?.failure;
      const wasRun = report.parts.some((judged) => judged.part === part);
      if (!wasRun) return [`part ${part} was not judged`];
      if (fails(part)) return failure === undefined ? [`passes part ${part}, and must not`] : [];
      return failure === undefined ? [] : [`fails part ${part}: ${failure.message}`, ...failure.evidence];
    });
  });
  return { lab: lab.number, what, faults };
}

/** All that learners are given and shown compiles, by the rules for learners. */
async function checkTypes(candidates: readonly Candidate[]): Promise<Verified> {
  const faults = await withRunFolder(async (folder) => {
    const groups = await Promise.all(
      candidates.map(async ({ folders }) => {
        const last = folders.at(-1) ?? '';
        const names = (await readdir(last)).filter((name) => name.endsWith('.ts'));
        // A wrong solution imports the right files beside it; only starters and solutions stand by themselves.
        return folders.length === 1 ? names.map((name) => join(last, name)) : [];
      }),
    );
    return (await typeCheck(groups.flat(), folder)).map(
      ({ file, line, message }) => `${file}:${line} ${message}`,
    );
  });
  return { lab: 'all', what: 'starters and solutions compile', faults };
}

function checkPages(): Verified {
  const missing = COURSES.filter(({ page }) => !existsSync(join(checkout, page)));
  return {
    lab: 'all',
    what: 'pages of the courses',
    faults: missing.map(({ page }) => `${page} is not there`),
  };
}

function checkManifest(lab: Lab): Verified {
  const faults: string[] = [];
  const parts = lab.parts.map(({ id }) => id);
  if (new Set(parts).size < parts.length) faults.push('two parts have one id');
  for (const part of lab.parts) {
    const steps = part.steps.map(({ id }) => id);
    if (steps.length === 0 || new Set(steps).size < steps.length)
      faults.push(`part ${part.id} has no steps, or two of one id`);
    for (const { id, hints, file } of part.steps) {
      if (hints.some((hint) => hint.trim() === '') || new Set(hints).size < hints.length)
        faults.push(`step ${part.id}/${id} has no three hints`);
      if (!existsSync(join(starterOf(lab), file ?? part.file)))
        faults.push(`step ${part.id}/${id} names ${file ?? part.file}, which is no file of the starter`);
    }
    if (part.question === '' || part.goal === '') faults.push(`part ${part.id} has no goal or question`);
    if (part.demonstration !== undefined && !lab.wrong.some(({ id }) => id === part.demonstration))
      faults.push(`part ${part.id} demonstrates ${part.demonstration}, which is no wrong solution`);
  }
  for (const path of [...lab.parts.flatMap(({ read }) => read), ...lab.production].map(
    (reading) => reading.path,
  ))
    if (!existsSync(join(checkout, path))) faults.push(`${path} is not there`);
  return { lab: lab.number, what: 'hints, files and links', faults };
}

/** What lies in the folders is what the manifest names; and each part has a wrong solution to catch. */
async function checkFolders(lab: Lab): Promise<Verified> {
  const faults: string[] = [];
  const folders = await readdir(join(solutionOf(lab), '..', 'wrong'));
  const named = lab.wrong.map(({ id }) => id);
  for (const name of folders.filter((folder) => !named.includes(folder)))
    faults.push(`wrong/${name} is in no manifest`);
  for (const { id, caughtBy } of lab.wrong) {
    if (!folders.includes(id)) faults.push(`wrong/${id} is not there`);
    if (!lab.parts.some((part) => part.id === caughtBy))
      faults.push(`wrong/${id} is to be caught by ${caughtBy}, which is no part`);
  }
  for (const { id } of lab.parts)
    if (!lab.wrong.some(({ caughtBy }) => caughtBy === id))
      faults.push(`no wrong solution is caught by part ${id}`);
  const [starter, solution] = await Promise.all([readdir(starterOf(lab)), readdir(solutionOf(lab))]);
  if (starter.toSorted().join() !== solution.toSorted().join())
    faults.push('starter and solution have different files');
  return { lab: lab.number, what: `folders of ${basename(join(solutionOf(lab), '..'))}`, faults };
}
