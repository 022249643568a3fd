import { CommanderError } from 'commander';
import { NodeError } from '../errors.js';
import { reportError } from './commands.js';
import { takePassphraseVariable } from './passphrases.js';
import { createProgram, type ProgramOptions } from './program.js';

/** Exit codes besides 0: part of the CLI's contract. */
const EXIT = { failed: 1, usage: 2, noNode: 3 } as const;

/** Runs one command line, without the name of the program, and resolves with its exit code. */
export async function run(argv: readonly string[], options: ProgramOptions = {}): Promise<number> {
  takePassphraseVariable();
  let exitCode = 0;
  const isJson = argv.includes('--json');
  try {
    await createProgram((code) => (exitCode = code), isJson, options).parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      if (isJson) reportError(usageError(error), true);
      return EXIT.usage;
    }
    reportError(error, isJson);
    return error instanceof NodeError && error.code === 'node-unreachable' ? EXIT.noNode : EXIT.failed;
  }
}

function usageError({ message }: CommanderError): { code: string; message: string } {
  return { code: 'usage', message: message.replace(/^error: /, '') };
}
