// The judged process: loads a learner's JavaScript, runs the checks, and tells its parent each result. Whatever the
// code does (throws, loops, exits, eats memory), only this process suffers.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Part, Step } from '../course.js';
import { findLab } from '../manifest.js';
import { checkout } from '../workplace.js';
import type { CheckContext } from './check-context.js';
import type { Failure, Task, Told } from './report.js';
import { StepFailure } from './step-failure.js';

const task = JSON.parse(process.argv[2] ?? '') as Task;

function tell(told: Told): Promise<void> {
  return new Promise((resolve) => process.send?.(told, undefined, {}, () => resolve()));
}

const context: CheckContext = {
  seeds: task.seeds,
  note: (text) => void tell({ type: 'note', text }),
  load: async (file) => {
    try {
      return (await import(pathToFileURL(join(task.folder, `${file}.js`)).href)) as Record<string, unknown>;
    } catch (error) {
      throw new StepFailure(`${file}.ts could not be loaded: ${firstLine(error)}`, placesIn(error));
    }
  },
};

for (const part of findLab(task.lab)?.parts ?? []) {
  if (!task.parts.includes(part.id)) continue;
  const passed = await runPart(part);
  if (!passed && !task.goesOn) break;
}
await tell({ type: 'done' });
process.disconnect();

async function runPart(part: Part): Promise<boolean> {
  for (const step of part.steps) {
    await tell({ type: 'started', part: part.id, step: step.id });
    const failure = await runStep(step);
    if (failure !== undefined) {
      await tell({ type: 'failed', part: part.id, step: step.id, ...failure });
      return false;
    }
    await tell({ type: 'passed', part: part.id, step: step.id });
  }
  return true;
}

async function runStep(step: Step): Promise<Failure | undefined> {
  try {
    await step.check(context);
    return undefined;
  } catch (error) {
    if (error instanceof StepFailure) return { message: error.message, evidence: error.evidence };
    return { message: `your code threw: ${firstLine(error)}`, evidence: placesIn(error) };
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).split('\n')[0] ?? '';
}

/** The lines of the learner's own files in a stack. */
function placesIn(error: unknown): string[] {
  const lines = error instanceof Error ? (error.stack ?? '').split('\n') : [];
  const own = lines.filter((line) => /[\w-]+\.ts:\d+/.test(line) && !line.includes('/labs/src/'));
  return own.slice(0, 4).map((line) => line.trim().replace(checkout, ''));
}
