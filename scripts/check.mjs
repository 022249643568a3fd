// `pnpm test`: everything that must hold before a change goes in, one line a step, in the order in which a
// mistake is cheapest to see. It stops at the first step that fails and shows what that step printed. The
// last line is always `N passed, N failed`: the tests by jest's own report, where a step that failed
// otherwise counts as one failure.
//
// Further arguments go to jest: `pnpm test --selectProjects identity`.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { run } from './run.mjs';

const jestArguments = process.argv.slice(2).filter((argument) => argument !== '--');
const scratch = await mkdtemp(join(tmpdir(), 'icn-check-'));
const report = join(scratch, 'jest.json');

/** Steps of one stage run side by side; lint and types read what the build made. */
const stages = [
  [
    { name: 'build', command: [process.execPath, 'scripts/build.mjs'] },
    { name: 'format', command: ['prettier', '--check', '.'] },
  ],
  [
    { name: 'lint', command: ['oxlint', '--deny-warnings'] },
    { name: 'types', command: ['tsc', '-p', 'tsconfig.json'] },
  ],
  [{ name: 'tests', command: ['pnpm', 'jest', '--json', `--outputFile=${report}`, ...jestArguments] }],
  [{ name: 'packages', command: ['turbo', 'run', 'check:package', '--output-logs=errors-only'] }],
];

const failedStep = await firstFailure();
const { passed, failed } = await countTests();
await rm(scratch, { recursive: true });

if (failedStep !== undefined) console.log(`${failedStep} failed`);
console.log(`${passed} passed, ${Math.max(failed, failedStep === undefined ? 0 : 1)} failed`);
process.exitCode = failedStep === undefined ? 0 : 1;

/** Runs the stages in order up to one in which a step fails, and names that step. */
async function firstFailure() {
  for (const stage of stages) {
    const results = await Promise.all(stage.map(runStep));
    const failure = results.find(({ succeeded }) => !succeeded);
    if (failure !== undefined) {
      console.log(failure.output.trimEnd());
      return failure.name;
    }
  }
  return undefined;
}

/** @param {{ name: string, command: readonly string[] }} step */
async function runStep({ name, command }) {
  const startedMs = performance.now();
  if (process.stdout.isTTY) process.stdout.write(`… ${name}\r`);
  const { succeeded, output } = await run(command);
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  console.log(`${succeeded ? '✓' : '✗'} ${name.padEnd(8)} ${seconds.padStart(6)} s`);
  return { name, succeeded, output };
}

/** A suite that could not be run at all has no tests to count, and is counted itself. */
async function countTests() {
  const {
    numPassedTests = 0,
    numFailedTests = 0,
    numRuntimeErrorTestSuites = 0,
  } = /** @type {Record<string, number>} */ (JSON.parse(await readFile(report, 'utf8').catch(() => '{}')));
  return { passed: numPassedTests, failed: numFailedTests + numRuntimeErrorTestSuites };
}
