/** One of two processes: `end.mjs listen|dial CONTENDER MEASURE`, started by process-pair.mjs, which carries messages between the two. */
import { once } from 'node:events';
import { loadContender } from './contender.mjs';
import { measures } from './measures.mjs';

/** @typedef {import('./contender.mjs').ContenderName} ContenderName */
/** @typedef {import('./figures.mjs').MeasureName} MeasureName */

const [role, contenderName, measureName] = process.argv.slice(2);
const contender = await loadContender(/** @type {ContenderName} */ (contenderName));
const measure = measures[/** @type {MeasureName} */ (measureName)];
process.on('disconnect', () => process.exit());
await (role === 'listen' ? listen() : dial());

async function listen() {
  // A stream that breaks has a dialling end that knows it.
  const address = await contender.listen((stream) => void measure.serve(stream).catch(() => {}));
  process.on('message', () => tell({ memoryBytes: memoryBytes() }));
  tell({ address });
}

async function dial() {
  const { address } = await told();
  try {
    const dialOnce = await contender.dialler(address);
    const figures = await measure.run(
      dialOnce,
      async () => {
        const own = memoryBytes();
        tell({ question: 'memory' });
        return own + Number((await told())['memoryBytes']);
      },
      contender,
    );
    tell({ figures });
  } catch (error) {
    tell({ failure: error instanceof Error ? error.message || error.name : String(error) });
  }
}

function memoryBytes() {
  // Twice: what has finalizers is freed by the second.
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

/** @param {Record<string, unknown>} message */
function tell(message) {
  process.send?.(message);
}

/** @returns {Promise<Record<string, unknown>>} */
async function told() {
  const [message] = /** @type {Record<string, unknown>[]} */ (await once(process, 'message'));
  return message ?? {};
}
