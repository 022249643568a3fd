// `pnpm replay`: envelopes of many senders, out of order and repeated, before a guard that is killed half way, and what
// it made of them. See `usage`.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { build } from './build.mjs';
import { batchSizeOf, Tally } from './replay-tally.mjs';
import { seeded } from './seeded.mjs';

/** @typedef {import('./replay-tally.mjs').Arrivals} Arrivals */
/** @typedef {import('./replay-tally.mjs').Report} Report */
/** @typedef {import('./replay-tally.mjs').Workload} Workload */

const usage = `usage: pnpm replay [--envelopes N] [--senders N] [--window N] [--duplicates N] [--crashes N]
                   [--seed N] [--json]
       pnpm replay --help

Signs N envelopes (1,000,000) of N senders (1,000), shuffles each sender's within a window of N (256), sends N of
100 (5) again, opens each and asks a replay guard with that window. After half of them the process of the guard is killed,
and another goes on from its files. Exits with 1 unless each envelope was accepted exactly once.
  --crashes N  kills it N times more, while it writes; what it wrote then and told nobody may be refused when it comes again
  --json       one object, as the last line of standard output`;

/** More than what noise of the collector makes. */
const growthBytesMax = 16 * 1024 * 1024;
const nowMs = 1_700_000_000_000;
const network = 'replay';

const [first, ...rest] = process.argv.slice(2);
if (first === '--worker') await work(...rest);
else await main();

async function main() {
  const values = parse();
  if (values === undefined) return;
  const { json, help, ...workload } = values;
  if (help) return console.log(usage);
  const { succeeded, output } = await build('--filter=@icn/identity');
  if (!succeeded) throw new Error(output);
  const folder = await mkdtemp(join(tmpdir(), 'icn-replay-'));
  try {
    const startedMs = performance.now();
    const counted = await judged(workload, folder);
    const result = { ...counted, seconds: Math.round((performance.now() - startedMs) / 1_000) };
    if (json) console.log(JSON.stringify(result));
    else for (const [name, value] of Object.entries(result)) console.log(`${name.padEnd(24)}${value}`);
    const isExact =
      result.acceptedOnce + result.rememberedUnheard === workload.envelopes &&
      result.acceptedTwice === 0 &&
      result.wrongVerdicts === 0;
    process.exitCode = isExact && result.heapGrowthBytes <= growthBytesMax ? 0 : 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Runs the lives of the guard and counts, with no memory but a number for each envelope.
 *
 * @param {Workload} workload
 * @param {string} folder
 */
async function judged(workload, folder) {
  const arrivals = arrivalsOf(workload);
  const total = arrivals.senders.length;
  const tally = new Tally(workload, arrivals);
  const batchSize = batchSizeOf(workload);
  let from = 0;
  for (const stop of stopsOf(total, workload.crashes)) {
    const end = Math.min(stop.at + (stop.isCrash ? batchSize : 0), total);
    from = await live(workload, folder, from, { ...stop, end }, (report) => {
      tally.add(report);
      progress(report.from + report.verdicts.length, total, report.verdicts.length);
    });
    if (stop.isCrash) tally.crashed(from);
  }
  return { ...workload, ...tally.result() };
}

/**
 * Where the process of the guard is killed: half way and at the end when it has told all, at crashes while it writes.
 *
 * @param {number} total
 * @param {number} crashes
 */
function stopsOf(total, crashes) {
  const stops = Array.from({ length: crashes }, (_, index) => ({
    at: (total * (index + 1)) / (crashes + 1),
    isCrash: true,
    delayMs: 5 * (index % 8), // before, while and after it writes
  }));
  stops.push({ at: total / 2, isCrash: false, delayMs: 0 });
  return [
    ...stops.map((stop) => ({ ...stop, at: Math.floor(stop.at) })),
    { at: total, isCrash: false, delayMs: 0 },
  ].sort((a, b) => a.at - b.at);
}

/**
 * One process with a guard, killed when it has reported all before `end`, or while it writes what comes after `at`. Gives the
 * first arrival that was not reported.
 *
 * @param {Workload} workload
 * @param {string} folder
 * @param {number} from
 * @param {{ at: number, end: number, isCrash: boolean, delayMs: number }} stop
 * @param {(report: Report) => void} heard
 */
async function live(workload, folder, from, { at, end, isCrash, delayMs }, heard) {
  if (from >= end) return from;
  const worker = fork(
    fileURLToPath(import.meta.url),
    ['--worker', JSON.stringify(workload), folder, String(from), String(end)],
    { execArgv: ['--expose-gc'] },
  );
  let reported = from;
  worker.on('message', (/** @type {Report | { writing: number }} */ message) => {
    if ('writing' in message) {
      if (isCrash && message.writing >= at) setTimeout(() => worker.kill('SIGKILL'), delayMs);
      return;
    }
    heard(message);
    reported = message.from + message.verdicts.length;
    if (reported >= end) worker.kill('SIGKILL');
  });
  const [code, signal] = /** @type {[number | null, string | null]} */ (await once(worker, 'exit'));
  if (reported < at || signal !== 'SIGKILL') throw new Error(`the guard ended early: ${code ?? signal}`);
  return reported;
}

/**
 * The life of one guard: signs, opens and asks, batch by batch, and never closes.
 *
 * @param {readonly string[]} given workload, folder, from, to
 */
async function work(...given) {
  const [workload = '', folder = '', from = '', to = ''] = given;
  const parsed = /** @type {Workload} */ (JSON.parse(workload));
  const { senders, sequences } = arrivalsOf(parsed);
  const batchSize = batchSizeOf(parsed);
  const { createEnvelope, keyPairFromSeed, openEnvelope, ReplayGuard } =
    await import('../packages/icn-identity/dist/index.js');
  const { replayFiles } = await import('../packages/icn-identity/dist/node/replay-files.js');
  const keyPairs = Array.from({ length: parsed.senders }, (_, index) =>
    keyPairFromSeed(Uint8Array.from({ length: 32 }, (_, i) => (index >> (8 * (i % 4))) & 0xff)),
  );
  const guard = await ReplayGuard.open(replayFiles(folder), { windowSize: parsed.window });
  const last = Math.min(Number(to), senders.length);
  for (let start = Number(from); start < last; start += batchSize) {
    const end = Math.min(start + batchSize, last);
    const asked = Array.from({ length: end - start }, (_, offset) => {
      const sequence = sequences[start + offset] ?? 0;
      const keyPair = keyPairs[senders[start + offset] ?? 0];
      if (keyPair === undefined) throw new Error('a sender without a key');
      const expected = /** @type {const} */ ({ purpose: 'icn/trust', network, recipient: null });
      const content = { ...expected, sequence, timestampMs: nowMs + sequence, payload: new Uint8Array(64) };
      const envelope = openEnvelope(createEnvelope(keyPair, content).bytes, expected);
      if (typeof envelope === 'string') throw new Error(`an envelope of ours was refused: ${envelope}`);
      return guard.admit(envelope, nowMs + sequence);
    });
    process.send?.({ writing: start });
    const verdicts = await Promise.all(asked);
    globalThis.gc?.();
    process.send?.({
      from: start,
      verdicts,
      heapBytes: process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers,
      diskBytes: await bytesIn(folder),
      senderCount: guard.senderCount,
      isFirst: start === Number(from),
    });
  }
}

/** @param {string} folder */
async function bytesIn(folder) {
  const sizes = (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/**
 * What arrives when, as it follows from the seed. Sequence n of a sender arrives at n and up to a window later, so never
 * when n is below the window already; its repetition after it, up to two windows later.
 *
 * @param {Workload} workload
 * @returns {Arrivals}
 */
function arrivalsOf({ envelopes, senders, window, duplicates, seed }) {
  const random = seeded(seed);
  const repetitions = Math.round((envelopes * duplicates) / 100);
  const total = envelopes + repetitions;
  const dueAt = new Float64Array(total);
  const of = new Uint32Array(total);
  for (let index = 0; index < envelopes; index += 1) {
    of[index] = index;
    dueAt[index] = Math.floor(index / senders) + random() * window;
  }
  for (let index = envelopes; index < total; index += 1) {
    const original = Math.floor(random() * envelopes);
    of[index] = original;
    dueAt[index] = (dueAt[original] ?? 0) + random() * 2 * window;
  }
  const order = Uint32Array.from({ length: total }, (_, index) => index).sort(
    (a, b) => (dueAt[a] ?? 0) - (dueAt[b] ?? 0) || a - b,
  );
  return {
    senders: order.map((index) => (of[index] ?? 0) % senders),
    sequences: order.map((index) => Math.floor((of[index] ?? 0) / senders) + 1),
    isRepetition: Uint8Array.from(order, (index) => Number(index >= envelopes)),
  };
}

/**
 * @param {number} done
 * @param {number} total
 * @param {number} lastCount how many of them are new
 */
function progress(done, total, lastCount) {
  if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${total}${done === total ? '\n' : ''}`);
  else if (done % 100_000 < lastCount) process.stderr.write(`${done} of ${total}\n`);
}

function parse() {
  try {
    const { values } = parseArgs({
      options: {
        envelopes: { type: 'string', default: '1000000' },
        senders: { type: 'string', default: '1000' },
        window: { type: 'string', default: '256' },
        duplicates: { type: 'string', default: '5' },
        crashes: { type: 'string', default: '0' },
        seed: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const numbers = {
      envelopes: count(values.envelopes, 'envelopes', 1),
      senders: count(values.senders, 'senders', 1),
      window: count(values.window, 'window', 32),
      duplicates: count(values.duplicates, 'duplicates', 0),
      crashes: count(values.crashes, 'crashes', 0),
      seed: count(values.seed, 'seed', 0),
    };
    if (numbers.window % 32 !== 0) throw new Error('--window is a multiple of 32');
    return { ...numbers, json: values.json, help: values.help };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exitCode = 2;
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
