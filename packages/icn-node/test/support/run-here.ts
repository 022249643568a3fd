import { jest } from '@jest/globals';
import type { ProgramOptions } from '../../src/cli/program.js';
import { run } from '../../src/cli/run.js';
import type { Finished } from '../../src/demo/icn-process.js';

/** Runs one `icn` command to its end as a process would, in this one: for what needs none of its own. One at a time. */
export async function runHere(args: readonly string[], options?: ProgramOptions): Promise<Finished> {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    jest.spyOn(process[name], 'write').mockImplementation((text) => {
      written[name] += String(text);
      return true;
    }),
  );
  try {
    return { exitCode: await run(args, options), ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
