import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Failure, PartReport, RunReport, Task, Told } from './report.js';

export interface Bounds {
  /** Until the first step begins; nothing of the learner's runs before. */
  readonly startMs: number;
  /** For one step; what takes longer is taken to be an endless loop. */
  readonly stepMs: number;
  readonly memoryMb: number;
  /** Of what the learner's code prints. */
  readonly printedMax: number;
}

/** The longest step takes two seconds for its seeds on an idle machine; the rest is room for busy ones (guess). */
export const BOUNDS: Bounds = { startMs: 60_000, stepMs: 30_000, memoryMb: 512, printedMax: 16_384 };

const worker = fileURLToPath(new URL('worker.js', import.meta.url));

/** Judges a solution in a process of its own, which is ended when it takes too long or too much. */
export async function judge(task: Task, bounds: Bounds = BOUNDS): Promise<RunReport> {
  const child = spawn(
    process.execPath,
    ['--enable-source-maps', `--max-old-space-size=${bounds.memoryMb}`, worker, JSON.stringify(task)],
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env: { ...process.env, NODE_OPTIONS: '' } },
  );
  const printed = gather(child, bounds.printedMax);
  const first = { part: task.parts[0] ?? '', step: '' };
  const parts = await listen(child, bounds, printed, first);
  return { parts, printed: printed.text };
}

interface Printed {
  text: string;
  isCut: boolean;
}

function gather(child: ChildProcess, printedMax: number): Printed {
  const printed: Printed = { text: '', isCut: false };
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      const room = printedMax - printed.text.length;
      if (room > 0) printed.text += text.slice(0, room);
      if (text.length > room && !printed.isCut) {
        printed.isCut = true;
        printed.text += '\n… more was printed, and is left out\n';
      }
    });
  return printed;
}

/** Follows what the process tells until it is done, or ends without having said so. */
function listen(
  child: ChildProcess,
  { startMs, stepMs, memoryMb }: Bounds,
  printed: Printed,
  first: { readonly part: string; readonly step: string },
): Promise<PartReport[]> {
  const parts: MutableReport[] = [];
  let current = first;
  let why: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isDone = false;
  const arm = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      why = `it did not finish within ${ms / 1_000} s, and was stopped: an endless loop?`;
      child.kill('SIGKILL');
    }, ms);
  };
  child.on('message', (told: Told) => {
    arm(stepMs);
    if (told.type === 'started') current = told;
    if (told.type === 'done') isDone = true;
    note(parts, told);
  });
  arm(startMs);
  return new Promise((resolve) => {
    child.on('error', (error) => (why = error.message));
    child.on('close', (code) => {
      clearTimeout(timer);
      if (!isDone) {
        const isMemory = printed.text.includes('heap out of memory');
        const message =
          why ??
          (isMemory
            ? `it took more than ${memoryMb} MB of memory, and was stopped`
            : `it ended the process (exit code ${code})`);
        if (isMemory) printed.text = '';
        addFailure(parts, current, { message, evidence: [] });
      }
      resolve(parts);
    });
  });
}

interface MutableReport extends PartReport {
  passedSteps: string[];
  failedStep?: string;
  failure?: Failure;
  notes: string[];
}

function note(parts: MutableReport[], told: Told): void {
  if (told.type === 'started' && parts.at(-1)?.part !== told.part)
    parts.push({ part: told.part, passedSteps: [], notes: [] });
  if (told.type === 'passed') parts.at(-1)?.passedSteps.push(told.step);
  if (told.type === 'note') parts.at(-1)?.notes.push(told.text);
  if (told.type === 'failed') addFailure(parts, told, { message: told.message, evidence: told.evidence });
}

function addFailure(
  parts: MutableReport[],
  { part, step }: { part: string; step: string },
  failure: Failure,
): void {
  let report = parts.at(-1);
  if (report?.part !== part) parts.push((report = { part, passedSteps: [], notes: [] }));
  report.failedStep = step;
  report.failure = failure;
}
