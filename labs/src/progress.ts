import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';

const when = z.string();

const schema = z.object({
  version: z.literal(1),
  /** The number of the lab that is being worked on. */
  current: z.string().optional(),
  labs: z.record(
    z.string(),
    z.object({
      /** Parts that passed, with when. */
      passed: z.record(z.string(), when),
      /** The step that failed last, `part/step`. */
      failed: z.string().optional(),
      /** How many hints were shown of each step. */
      hints: z.record(z.string(), z.int().min(0).max(3)),
    }),
  ),
  /** Items of checkpoints that were met, by course. */
  checkpoints: z.record(z.string(), z.record(z.string(), when)),
});

export type Progress = z.infer<typeof schema>;
export type LabProgress = Progress['labs'][string];

/** What the learner has done, in one file of the learner's copy. A damaged file is put aside, never overwritten. */
export class ProgressFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** `putAside` is called with where a damaged file went. */
  async read(putAside: (path: string) => void): Promise<Progress> {
    const text = await readFile(this.#path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (text === undefined) return nothingYet();
    try {
      return schema.parse(JSON.parse(text));
    } catch {
      const aside = `${this.#path}.damaged-${Date.now()}`;
      await rename(this.#path, aside);
      putAside(aside);
      return nothingYet();
    }
  }

  /** Whole or not at all: whoever is interrupted finds the old file or the new one. */
  async write(progress: Progress): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true });
    const temporary = `${this.#path}.${process.pid}.tmp`;
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(`${JSON.stringify(progress, undefined, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, this.#path);
  }
}

function nothingYet(): Progress {
  return { version: 1, labs: {}, checkpoints: {} };
}

/** What was done in a lab; made where there is nothing yet. */
export function progressIn(progress: Progress, lab: string): LabProgress {
  return (progress.labs[lab] ??= { passed: {}, hints: {} });
}
