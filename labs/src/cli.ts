import { CommanderError } from 'commander';
import { LabError } from './lab-error.js';
import { createProgram } from './program.js';

/** Runs one command of `labs`; returns its exit code: 0, 1 where something failed, 2 where it was called wrongly. */
export async function main(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  try {
    await createProgram((code) => (exitCode = code)).parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof LabError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
}
