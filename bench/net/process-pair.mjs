/** Two fresh processes for one measure of one contender. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** @typedef {import('node:child_process').ChildProcess} ChildProcess */
/** @typedef {import('./figures.mjs').FigureName} FigureName */

const script = fileURLToPath(new URL('end.mjs', import.meta.url));
/** Of what a process says on standard error: enough to hold the message of what ended it. */
const saidCharactersMax = 4000;

/**
 * What came out. Throws with the reason for which nothing did: an end failed, exited, or was silent for too long. Both
 * processes are gone when this settles, whatever they were doing.
 *
 * @param {import('./contender.mjs').ContenderName} contender
 * @param {import('./figures.mjs').MeasureName} measure
 * @param {number} patienceSeconds
 * @returns {Promise<Partial<Record<FigureName, number>>>}
 */
export async function runPair(contender, measure, patienceSeconds) {
  const ends = /** @type {const} */ (['listen', 'dial']).map((role) => startEnd(role, contender, measure));
  try {
    return await resultOf(ends, patienceSeconds);
  } finally {
    await Promise.all(ends.map(({ child }) => stop(child)));
  }
}

/** @typedef {{ child: ChildProcess, role: string, said: () => string }} End */

/**
 * @param {string} role
 * @param {string} contender
 * @param {string} measure
 * @returns {End}
 */
function startEnd(role, contender, measure) {
  const child = fork(script, [role, contender, measure], {
    // Memory is read after a garbage collection.
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (/** @type {string} */ part) => {
    text = `${text}${part}`.slice(-saidCharactersMax);
  });
  return { child, role, said: () => text };
}

/**
 * @param {readonly End[]} ends
 * @param {number} patienceSeconds
 * @returns {Promise<Partial<Record<FigureName, number>>>}
 */
function resultOf(ends, patienceSeconds) {
  const [listener, dialler] = ends;
  return new Promise((resolve, reject) => {
    const fail = (/** @type {string} */ why) => reject(new Error(why));
    const timer = setTimeout(() => fail(`no result in ${patienceSeconds} s`), patienceSeconds * 1000);
    for (const { child, role, said } of ends) {
      child.once('error', reject);
      child.once('close', () => {
        clearTimeout(timer);
        fail(`the process that ${role}s has ended: ${lastError(said())}`);
      });
    }
    listener?.child.on('message', (message) => forward(dialler, message));
    dialler?.child.on('message', (message) => {
      const { figures, failure } =
        /** @type {{ figures?: Partial<Record<FigureName, number>>, failure?: string }} */ (message);
      if (figures !== undefined) resolve(figures);
      else if (failure !== undefined) fail(failure);
      else forward(listener, message);
    });
  });
}

/**
 * @param {End | undefined} end
 * @param {import('node:child_process').Serializable} message
 */
function forward(end, message) {
  // One that is gone meanwhile has said so by its end.
  end?.child.send(message, () => {});
}

/** @param {ChildProcess} child */
async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'close');
}

/** @param {string} text */
function lastError(text) {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return (lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? 'it said nothing').trim();
}
