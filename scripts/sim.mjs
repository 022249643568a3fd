// `pnpm sim`: runs scenarios of the simulator with many seeds, and says which invariants broke. See `usage`.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { build } from './build.mjs';

/** @typedef {import('../packages/icn-gossip/src/sim/index.js').SeedReport} SeedReport */
/** @typedef {{ scenario: string, machine: string, nodes: number | undefined }} Task */

const failuresShown = 3;
const linesShown = 40;
/** Most of what a run makes is garbage soon: with more room for it, runs of 100 nodes took a fifth less time. */
const youngSpace = ['--max-semi-space-size=64'];

const usage = `usage: pnpm sim [--scenario NAME] [--nodes N] [--seeds N] [--json]
       pnpm sim [--scenario NAME] [--nodes N] --seed N [--trace] [--mermaid] [--json]
       pnpm sim --help

Runs seeds 1 to N (100), or the one seed. Exits with 1 where an invariant broke, with 2 where it was called wrongly.
  --trace      every event and effect of the one run
  --mermaid    the frames before the first fault, or the last ones, as a sequence diagram
  --json       one object, as the last line of standard output
  --machine M  another machine than ours in the same world`;

const [first, ...rest] = process.argv.slice(2);
if (first === '--worker') work(/** @type {Task} */ (JSON.parse(rest[0] ?? '')));
else await main();

/**
 * Runs the seeds that the parent names, one after another, until it lets go.
 *
 * @param {Task} task
 */
function work(task) {
  process.on(
    'message',
    (/** @type {number} */ seed) => void runSeed(task, seed).then((report) => process.send?.(report)),
  );
  process.send?.(null);
}

/**
 * @param {Task} task
 * @param {number} seed
 * @param {(line: string) => void} [print]
 */
async function runSeed({ scenario: name, machine, nodes }, seed, print) {
  const { SCENARIOS, MACHINES, simulate } = await simulator();
  const [scenario, machineOf] = [SCENARIOS.get(name), MACHINES.get(machine)];
  if (scenario === undefined || machineOf === undefined)
    throw new Error(`no scenario ${name} or machine ${machine}`);
  return simulate(scenario, {
    seed,
    machineOf,
    ...(nodes !== undefined && { nodeCount: nodes }),
    ...(print && { print }),
  });
}

async function main() {
  const values = parse();
  if (values === undefined) return;
  const { succeeded, output } = await build('--filter=@icn/gossip');
  if (!succeeded) throw new Error(output);
  if (values.help) return console.log(await help());
  const complaint = await complaintOf(values);
  if (complaint !== undefined) return misused(complaint);

  const reports = await run(values);
  const failed = reports.filter(({ violationCount }) => violationCount > 0);
  for (const report of failed.slice(0, failuresShown)) console.error(failureOf(report, values.machine));
  const seeds = failed.slice(0, 50).map(({ seed }) => seed);
  if (failed.length > 1) console.error(`${failed.length} seeds failed: ${seeds.join(' ')}`);
  if (values.mermaid) console.log((failed[0] ?? reports[0])?.mermaid);
  const { summarize } = await simulator();
  const result = summarize(reports);
  if (values.json) console.log(JSON.stringify(result));
  else for (const [name, value] of Object.entries(result)) console.log(`${name.padEnd(26)}${value ?? '-'}`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}

/**
 * One report for each seed, in their order.
 *
 * @param {Task & { seed: number | undefined, seeds: number, trace: boolean }} values
 */
async function run({ scenario, machine, nodes, seed, seeds, trace }) {
  const task = { scenario, machine, nodes };
  if (seed === undefined) return runSeeds(task, seeds);
  return [await runSeed(task, seed, trace ? (line) => void process.stdout.write(`${line}\n`) : undefined)];
}

/**
 * Gives seeds to one process for each core as they get free.
 *
 * @param {Task} task
 * @param {number} seeds
 */
async function runSeeds(task, seeds) {
  /** @type {SeedReport[]} */
  const reports = [];
  let [next, failures] = [1, 0];
  const workers = Array.from({ length: Math.min(availableParallelism(), seeds) }, () => {
    const worker = fork(fileURLToPath(import.meta.url), ['--worker', JSON.stringify(task)], {
      execArgv: youngSpace,
    });
    worker.on('message', (/** @type {SeedReport | null} */ report) => {
      if (report !== null) {
        reports.push(report);
        const isFailure = report.violationCount > 0;
        if (isFailure) failures++;
        const isTenth = reports.length % Math.ceil(seeds / 10) === 0 || reports.length === seeds;
        const last = isFailure ? `, seed ${report.seed} the last` : '';
        progress(`${reports.length} of ${seeds} seeds, ${failures} failed${last}`, isFailure || isTenth);
      }
      if (next <= seeds) worker.send(next++);
      else worker.disconnect();
    });
    return worker;
  });
  await Promise.all(workers.map((worker) => once(worker, 'exit')));
  if (reports.length < seeds)
    throw new Error(`a worker ended early: ${reports.length} of ${seeds} seeds are done`);
  return reports.toSorted((a, b) => a.seed - b.seed);
}

/**
 * On a terminal one line that changes; else a line for each tenth of the way and each failure.
 *
 * @param {string} text
 * @param {boolean} isStep
 */
function progress(text, isStep) {
  if (process.stderr.isTTY) process.stderr.write(`\r${text}${isStep ? '\n' : ''}`);
  else if (isStep) process.stderr.write(`${text}\n`);
}

/**
 * @param {SeedReport} report
 * @param {string} machine
 */
function failureOf({ scenario, seed, nodes, violations, violationCount, lastLines }, machine) {
  const broken = violations.slice(0, 5).map(({ invariant, atMs, node, detail }) => {
    return `  ${invariant} at ${Math.round(atMs)} ms, ${node}: ${detail}`;
  });
  const foreign = machine === 'gossip' ? '' : ` --machine ${machine}`;
  return [
    '',
    `seed ${seed} of ${scenario} with ${nodes} nodes breaks ${violationCount} times:`,
    ...broken,
    'what led to the first:',
    ...lastLines.slice(-linesShown).map((line) => `  ${line.slice(0, 220)}`),
    'replay:',
    `  pnpm sim --scenario ${scenario} --nodes ${nodes} --seed ${seed} --trace${foreign}`,
  ].join('\n');
}

function parse() {
  try {
    const { values } = parseArgs({
      options: {
        scenario: { type: 'string', default: 'faults' },
        seeds: { type: 'string', default: '100' },
        seed: { type: 'string' },
        nodes: { type: 'string' },
        machine: { type: 'string', default: 'gossip' },
        trace: { type: 'boolean', default: false },
        mermaid: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const seed = values.seed === undefined ? undefined : count(values.seed, 'seed', 0);
    const nodes = values.nodes === undefined ? undefined : count(values.nodes, 'nodes', 1);
    if (values.trace && seed === undefined) throw new Error('--trace is of one run: give --seed N too');
    return { ...values, seeds: count(values.seeds, 'seeds', 1), seed, nodes };
  } catch (error) {
    misused(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

/**
 * @param {string} text
 * @param {string} name
 * @param {number} min
 */
function count(text, name, min) {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= min) return value;
  throw new Error(`--${name} is a whole number from ${min} on, not ${text}`);
}

/** @param {Task} task */
async function complaintOf({ scenario, machine }) {
  const { SCENARIOS, MACHINES } = await simulator();
  if (!SCENARIOS.has(scenario))
    return `no scenario ${scenario}; there are: ${[...SCENARIOS.keys()].join(', ')}`;
  if (!MACHINES.has(machine)) return `no machine ${machine}; there are: ${[...MACHINES.keys()].join(', ')}`;
  return undefined;
}

/** @param {string} message */
function misused(message) {
  console.error(`${message}\n\n${usage}`);
  process.exitCode = 2;
}

async function help() {
  const { SCENARIOS, MACHINES } = await simulator();
  const rows = Array.from(SCENARIOS.values(), ({ name, about, nodeCount }) => {
    return `  ${name.padEnd(26)}${about} (${nodeCount} nodes)`;
  });
  return `${usage}\n\nScenarios:\n${rows.join('\n')}\n\nMachines: ${[...MACHINES.keys()].join(', ')}`;
}

/** As it was built. */
function simulator() {
  return import('../packages/icn-gossip/dist/sim/index.js');
}
