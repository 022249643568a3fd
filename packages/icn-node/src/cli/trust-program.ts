import { lifetimeDaysMax, parseScore } from '@icn/identity/trust';
import { Argument, type Command } from 'commander';
import { DEFAULT_DAYS } from '../trust/trust-record.js';
import { checked, command, didArgument } from './arguments.js';
import type { CommandOptions } from './commands.js';

function parseSaidScore(text: string): void {
  if (parseScore(text) === undefined)
    throw new Error('A score is a number from 0 to 1 with at most three decimals.');
}

function parseDays(text: string): void {
  if (!/^[1-9][0-9]{0,3}$/.test(text) || Number(text) > lifetimeDaysMax)
    throw new Error(`A statement counts for 1 to ${lifetimeDaysMax} whole days.`);
}

/** `icn trust …` */
export function addTrust(program: Command, done: (exitCode: number) => void): void {
  const trust = program.command('trust').description('whom this node trusts, and by whose word');
  const run = () => import('./trust.js');

  command(trust, 'set', 'say how far this node trusts somebody: 0 not at all, 1 as itself')
    .addArgument(didArgument('who is trusted'))
    .addArgument(new Argument('<score>', '0 to 1').argParser(checked(parseSaidScore)))
    .option('--days <count>', 'for how long it counts', checked(parseDays), String(DEFAULT_DAYS))
    .action(async (did: string, score: string, options: CommandOptions & { days: string }) =>
      done(await (await run()).setTrust(did, score, options)),
    );

  command(trust, 'revoke', 'take back what this node said, so that what others say counts again')
    .addArgument(didArgument('of whom'))
    .action(async (did: string, options: CommandOptions) =>
      done(await (await run()).revokeTrust(did, options)),
    );

  command(trust, 'show', 'everybody whom this node trusts, or says something of').action(
    async (options: CommandOptions) => done(await (await run()).showTrust(options)),
  );

  command(trust, 'explain', 'by whose word this node trusts somebody, or why it does not')
    .addArgument(didArgument('whom to explain'))
    .action(async (did: string, options: CommandOptions) =>
      done(await (await run()).explainTrust(did, options)),
    );

  command(trust, 'export', 'write the statements that this node holds, a line each')
    .argument('[file]', 'a new file; without one or with -, standard output')
    .option('--own', 'only what this node said itself', false)
    .action(async (file: string | undefined, options: CommandOptions & { own: boolean }) =>
      done(await (await run()).exportTrust(file, options)),
    );

  command(trust, 'import', 'take statements from a file that was exported')
    .argument('[file]', 'without one or with -, standard input')
    .action(async (file: string | undefined, options: CommandOptions) =>
      done(await (await run()).importTrust(file, options)),
    );
}
