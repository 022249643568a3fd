#!/usr/bin/env node
import { CommanderError } from 'commander';
import { reportError } from './cli/commands.js';
import { onOutputLost } from './cli/output.js';
import { createProgram } from './cli/program.js';
import { NodeError } from './errors.js';

/** Exit codes besides 0: part of the CLI's contract. */
const EXIT = { failed: 1, usage: 2, noNode: 3 } as const;

async function main(argv: readonly string[]): Promise<number> {
  onOutputLost('end');
  let exitCode = 0;
  const isJson = argv.includes('--json');
  try {
    await createProgram((code) => (exitCode = code), isJson).parseAsync([...argv], { from: 'user' });
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

process.exitCode = await main(process.argv.slice(2));
