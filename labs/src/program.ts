import { join } from 'node:path';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { Checkpoint, ITEMS, type Item } from './checkpoint/checkpoint.js';
import { LabError } from './lab-error.js';
import { COURSES } from './manifest.js';
import { check, type CheckOptions } from './commands/check.js';
import { demo } from './commands/demo.js';
import { hint } from './commands/hint.js';
import { solution } from './commands/solution.js';
import { reset, start } from './commands/start.js';
import { list, status } from './commands/status.js';
import { watch } from './commands/watch.js';
import { Learner } from './learner.js';
import { Terminal } from './show/terminal.js';
import { labsFolder } from './workplace.js';

/** Seeds that a check tries: enough that luck seldom passes one, few enough to wait for. */
const CHECK_SEEDS = 5;
/** What `labs verify` tries as part of the tests. */
const VERIFY_SEEDS = 3;
const STEP_SECONDS = 30;

interface CheckpointArguments {
  readonly seed?: number;
  readonly answers?: string;
  readonly file?: string;
}

/** The `labs` command line. Each command tells its exit code to `done`. */
export function createProgram(done: (exitCode: number) => void): Command {
  const terminal = new Terminal();
  const program = new Command('labs')
    .description('The labs of the course: where you are, what is next, and what your code does.')
    .addOption(
      new Option('--work <folder>', 'where your copies are')
        .env('ICN_LABS_WORK')
        .default(join(labsFolder, 'work'), 'labs/work'),
    )
    .exitOverride();
  const learner = () => new Learner(terminal, program.opts<{ work: string }>().work);
  program.action(async () => done(await status(learner())));
  addLabCommands(program, learner, done);
  addCheckpoint(program, learner, done);
  program
    .command('verify')
    .description('for authors: starters fail, solutions pass, each mistake is caught by its part')
    .addOption(seedsOption(VERIFY_SEEDS))
    .action(async ({ seeds }: { seeds: number }) => done(await verifyAll(terminal, seeds)));
  return program;
}

function addLabCommands(program: Command, learner: () => Learner, done: (exitCode: number) => void): void {
  const labArgument = () => new Argument('[lab]', 'its number, as 07; without, the one you are at');
  const command = (name: string, description: string, run: (lab: string | undefined) => Promise<number>) =>
    program
      .command(name)
      .description(description)
      .addArgument(labArgument())
      .action(async (lab: string | undefined) => done(await run(lab)));
  const checking = (
    name: string,
    description: string,
    run: (lab: string | undefined, options: CheckOptions) => Promise<number>,
  ) =>
    program
      .command(name)
      .description(description)
      .addArgument(labArgument())
      .addOption(seedsOption(CHECK_SEEDS))
      .addOption(
        new Option('--seconds <n>', 'how long one step may take')
          .argParser(wholeNumber)
          .default(STEP_SECONDS),
      )
      .action(async (lab: string | undefined, options: CheckOptions) => done(await run(lab, options)));

  program
    .command('list')
    .description('all courses and labs')
    .action(async () => done(await list(learner())));
  command('start', 'gives you your copy of a lab; without a number, of the next', (lab) =>
    start(learner(), lab),
  );
  checking('check', 'judges your copy, up to the part you are at', (lab, options) =>
    check(learner(), lab, options),
  );
  command('hint', 'a hint to the step that failed last; again for more, three in all', (lab) =>
    hint(learner(), lab),
  );
  command('demo', 'shows what the part is about, by a machine that gets it wrong', (lab) =>
    demo(learner(), lab),
  );
  checking('watch', 'checks again whenever you save', (lab, options) =>
    watchUntilStopped(learner(), lab, options),
  );
  command('solution', 'ours, of what you have passed', (lab) => solution(learner(), lab));
  command('reset', 'puts your copy aside and begins anew', (lab) => reset(learner(), lab));
}

function addCheckpoint(program: Command, learner: () => Learner, done: (exitCode: number) => void): void {
  program
    .command('checkpoint')
    .description('the checkpoint of a course, whose number is that of the course')
    .addArgument(new Argument('<course>', 'its number: 08'))
    .addArgument(new Argument('[item]', 'one of its items').choices(Object.keys(ITEMS)))
    .addOption(new Option('--seed <n>', 'the same questions again').argParser(wholeNumber))
    .option('--answers <list>', 'your answers with commas between them, instead of being asked')
    .option('--file <path>', 'your drawing, where it is not in your copy')
    .action(async (course: string, item: Item | undefined, options: CheckpointArguments) => {
      if (course.padStart(2, '0') !== '08') throw new LabError(checkpointMissing(course));
      const checkpoint = new Checkpoint(learner());
      const { answers, ...rest } = options;
      const given = { ...rest, ...(answers !== undefined && { answers: answers.split(',') }) };
      done(item === undefined ? await checkpoint.status() : await checkpoint.run(item, given));
    });
}

function checkpointMissing(course: string): string {
  const isCourse = COURSES.some(({ number }) => number === course.padStart(2, '0'));
  return `${isCourse ? `course ${course} has no checkpoint yet` : `no course ${JSON.stringify(course.slice(0, 40))}`}; there is: checkpoint 08`;
}

async function watchUntilStopped(
  learner: Learner,
  lab: string | undefined,
  options: CheckOptions,
): Promise<number> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  return watch(learner, lab, options, stop.signal);
}

async function verifyAll(terminal: Terminal, seeds: number): Promise<number> {
  const { verify } = await import('./verify.js');
  const results = await verify(seeds, ({ lab, what, faults }) => {
    terminal.line(`${faults.length === 0 ? terminal.good('✓') : terminal.bad('✗')} lab ${lab}: ${what}`);
    terminal.lines(faults, '    ');
  });
  const faulty = results.filter(({ faults }) => faults.length > 0).length;
  terminal.line(`${results.length - faulty} verified with ${seeds} seeds, ${faulty} at fault`);
  return faulty === 0 ? 0 : 1;
}

function seedsOption(count: number): Option {
  return new Option('--seeds <n>', 'how many seeds to try').argParser(wholeNumber).default(count);
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('It is a whole number from 1 to 999999.');
  return Number(text);
}
