// `pnpm fuzz`: sends mutated frames and random commands to nodes of simulated worlds, and says what broke. See `usage`.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { build } from './build.mjs';

/** @typedef {import('../packages/icn-gossip/src/sim/fuzz/index.js').EpisodeReport} EpisodeReport */
/** @typedef {import('../packages/icn-gossip/src/sim/fuzz/index.js').Climate} Climate */
/** @typedef {{ episode: number, climate: Climate, frames: number, silent: number }} Task */

const usage = `usage: pnpm fuzz [--frames N] [--seed N] [--json]
       pnpm fuzz --seed N --episode N [--silent N] [--trace] [--json]
       pnpm fuzz --help

Sends N hostile frames (1,000,000) in episodes, each a world of its own that follows from the seed (1) and its number.
Exits with 1 where an invariant broke, with 2 where it was called wrongly. Ctrl-C ends it and shows what came so far.
  --episode N  one episode alone
  --silent N   its first N hostile frames are made and kept back, to find the last cause of a failure
  --trace      every event and effect of the one episode
  --json       one object, as the last line of standard output`;

const processes = 2;
const framesOfOpen = 5_000;
/** Long lives, in which whatever is retained without end would show. */
const framesOfTight = 50_000;
/** One episode in so many is tight: half of all frames. */
const tightEvery = 11;
const failuresShown = 3;
const linesShown = 40;
const shrinkTries = 8;
/** More than what noise of the collector makes between two quarters of a run. */
const growthBytesMax = 16 * 1024 * 1024;

/** @type {ReturnType<Awaited<ReturnType<typeof fuzzer>>['recordCorpus']> | undefined} */
let corpus;

const [first, ...rest] = process.argv.slice(2);
if (first === '--worker') work(Number(rest[0]));
else await main();

/**
 * Runs the episodes that the parent names, one after another, until it lets go.
 *
 * @param {number} seed
 */
function work(seed) {
  process.on('message', (/** @type {Task} */ task) => {
    void runEpisode(seed, task).then((report) => process.send?.({ report, heap: heapBytes() }));
  });
  process.on('SIGINT', () => {}); // the parent ends it
  process.send?.(null);
}

/** Bytes in use after a collection. */
function heapBytes() {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** Milliseconds that this process has computed: what others do meanwhile does not count. */
function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/**
 * @param {number} seed
 * @param {Task} task
 * @param {(line: string) => void} [print]
 * @returns {Promise<EpisodeReport>}
 */
async function runEpisode(seed, { episode, climate, frames, silent }, print) {
  const { recordCorpus, runEpisode } = await fuzzer();
  corpus ??= recordCorpus(seed);
  return runEpisode({
    seed,
    episode,
    climate,
    frames,
    corpus,
    silentFrames: silent,
    steadyMs: cpuMs,
    ...(globalThis.gc && { heapBytes }),
    ...(print && { print }),
  });
}

async function main() {
  const values = parse();
  if (values === undefined) return;
  if (values.help) return console.log(usage);
  const { succeeded, output } = await build('--filter=@icn/gossip');
  if (!succeeded) throw new Error(output);
  const startedMs = performance.now();
  const { reports, heaps } = values.episode === undefined ? await runAll(values) : await runOne(values);
  const failed = reports.filter(({ violations }) => violations.length > 0);
  for (const report of failed.slice(0, failuresShown)) await show(report, values);
  if (failed.length > failuresShown)
    console.error(`failed: episodes ${failed.map(({ episode }) => episode).join(' ')}`);
  const seconds = (performance.now() - startedMs) / 1_000;
  const result = summarize(values.seed, reports, heaps, seconds);
  if (values.json) console.log(JSON.stringify(result));
  else print(result);
  if (result.heapGrowthBytes !== null && result.heapGrowthBytes > growthBytesMax)
    console.error(`the heap grew by ${result.heapGrowthBytes} bytes from the first quarter to the last`);
  const hasGrown = (result.heapGrowthBytes ?? 0) > growthBytesMax;
  process.exitCode = failed.length > 0 || hasGrown ? 1 : 0;
}

/** @param {{ seed: number, episode?: number | undefined, silent: number, trace: boolean }} values */
async function runOne({ seed, episode = 0, silent, trace }) {
  const task = { ...taskOf(episode, Infinity), silent };
  const print = trace ? (/** @type {string} */ line) => void process.stdout.write(`${line}\n`) : undefined;
  return { reports: [await runEpisode(seed, task, print)], heaps: [] };
}

/**
 * What an episode is follows from its number, so that it can be run alone; only the last of a run may be shorter.
 *
 * @param {number} episode
 * @param {number} framesLeft
 * @returns {Task}
 */
function taskOf(episode, framesLeft) {
  const climate = episode % tightEvery === tightEvery - 1 ? 'tight' : 'open';
  const frames = climate === 'tight' ? framesOfTight : framesOfOpen;
  return { episode, climate, frames: Math.min(frames, framesLeft), silent: 0 };
}

/**
 * @param {{ seed: number, frames: number }} values
 * @returns {Promise<{ reports: EpisodeReport[], heaps: number[][] }>}
 */
async function runAll({ seed, frames }) {
  /** @type {EpisodeReport[]} */
  const reports = [];
  /** @type {number[][]} */
  const heaps = [];
  let [episode, given, isEnding] = [0, 0, false];
  const workers = Array.from({ length: processes }, () => {
    /** @type {number[]} */
    const heap = [];
    heaps.push(heap);
    const worker = fork(fileURLToPath(import.meta.url), ['--worker', String(seed)], {
      execArgv: ['--expose-gc'],
    });
    worker.on('message', (/** @type {{ report: EpisodeReport, heap: number } | null} */ done) => {
      if (done !== null) {
        reports.push(done.report);
        heap.push(done.heap);
        progress(reports, frames);
      }
      if (given >= frames || isEnding) return worker.disconnect();
      const task = taskOf(episode++, frames - given);
      given += task.frames;
      worker.send(task);
    });
    return worker;
  });
  const end = () => {
    isEnding = true;
    for (const worker of workers) worker.kill('SIGKILL');
  };
  process.once('SIGINT', end);
  await Promise.all(workers.map((worker) => once(worker, 'exit')));
  process.off('SIGINT', end);
  process.stderr.write('\n');
  if (!isEnding && reports.length < episode) throw new Error('a worker ended early');
  return { reports: reports.toSorted((a, b) => a.episode - b.episode), heaps };
}

/**
 * @param {readonly EpisodeReport[]} reports
 * @param {number} frames
 */
function progress(reports, frames) {
  const done = reports.reduce((sum, report) => sum + report.frames, 0);
  const failures = reports.filter(({ violations }) => violations.length > 0).length;
  const line = `${done} of ${frames} frames, ${reports.length} episodes, ${failures} failed`;
  if (process.stderr.isTTY) process.stderr.write(`\r${line}`);
  else if (reports.length % 10 === 0) process.stderr.write(`${line}\n`);
}

/**
 * What broke and how to see it again; then, by and by, how to see it with fewer frames before it.
 *
 * @param {EpisodeReport} report
 * @param {{ seed: number, silent: number }} values
 */
async function show(report, { seed, silent }) {
  const { episode, violations, brokenAtFrame, lastLines } = report;
  const replay = `  pnpm fuzz --seed ${seed} --episode ${episode}`;
  const broken = violations.slice(0, 5).map(({ invariant, atMs, node, detail }) => {
    return `  ${invariant} at ${Math.round(atMs)} ms, ${node}: ${detail}`;
  });
  const lines = [
    '',
    `seed ${seed}, episode ${episode} breaks after ${brokenAtFrame} hostile frames:`,
    ...broken,
    'what led to the first:',
    ...lastLines.slice(-linesShown).map((line) => `  ${line.slice(0, 220)}`),
    'replay:',
    `${replay}${silent === 0 ? '' : ` --silent ${silent}`} --trace`,
  ];
  console.error(lines.join('\n'));
  if (silent > 0) return;
  const kept = await shrunk(seed, report, silent);
  if (kept > 0)
    console.error(`breaks too without the first ${kept} of them:\n${replay} --silent ${kept} --trace`);
}

/**
 * How many of the first hostile frames can be kept back so that the same invariant still breaks; halves what is left.
 *
 * @param {number} seed
 * @param {EpisodeReport} report
 * @param {number} least
 */
async function shrunk(seed, { episode, frames, brokenAtFrame, violations }, least) {
  const invariant = violations[0]?.invariant;
  let [low, high] = [least, brokenAtFrame ?? 0];
  for (let tries = 0; tries < shrinkTries && high - low > 1; tries++) {
    const silent = Math.floor((low + high) / 2);
    const again = await runEpisode(seed, { ...taskOf(episode, frames), silent });
    if (again.violations[0]?.invariant === invariant) low = silent;
    else high = silent;
  }
  return low;
}

/**
 * @param {number} seed
 * @param {readonly EpisodeReport[]} reports
 * @param {readonly number[][]} heaps
 * @param {number} seconds
 */
function summarize(seed, reports, heaps, seconds) {
  const sum = (/** @type {readonly Readonly<Record<string, number>>[]} */ counts) => {
    /** @type {Record<string, number>} */
    const total = {};
    for (const each of counts)
      for (const [name, count] of Object.entries(each)) total[name] = (total[name] ?? 0) + count;
    return total;
  };
  const frames = reports.reduce((total, report) => total + report.frames, 0);
  const slowest = reports.toSorted((a, b) => b.slowestMs - a.slowestMs)[0];
  const retained = reports.map(({ retainedBytes }) => retainedBytes ?? 0);
  const [firstQuarter, lastQuarter] = [quarterOf(heaps, 0), quarterOf(heaps, 3)];
  const tight = reports.filter(({ climate, heapBytes }) => climate === 'tight' && heapBytes.length === 4);
  return {
    seed,
    frames,
    episodes: reports.length,
    violations: reports.reduce((total, { violations }) => total + violations.length, 0),
    seconds: Math.round(seconds),
    framesPerSecond: Math.round(frames / seconds),
    crafts: sum(reports.map(({ crafts }) => crafts)),
    outcomes: sum(reports.map(({ outcomes }) => outcomes)),
    commands: sum(reports.map(({ commands }) => commands)),
    sentBytesMax: Math.max(0, ...reports.map(({ sentBytesMax }) => sentBytesMax)),
    slowest: slowest && `${slowest.slowestMs} ms: ${slowest.slowest}, episode ${slowest.episode}`,
    retainedBytesMax: Math.max(0, ...retained),
    heapFirstQuarterBytes: firstQuarter,
    heapLastQuarterBytes: lastQuarter,
    heapGrowthBytes: firstQuarter === null || lastQuarter === null ? null : lastQuarter - firstQuarter,
    heapGrowthWithinLongLivesBytes: tight.length === 0 ? null : Math.max(...tight.map(growthWithin)),
  };
}

/** From the second quarter on, for the first fills the tables. @param {EpisodeReport} report */
function growthWithin({ heapBytes: [, second = 0, , last = 0] }) {
  return last - second;
}

/**
 * The mean heap of all processes after the episodes of one quarter of the run; null where these are too few.
 *
 * @param {readonly number[][]} heaps
 * @param {number} quarter
 */
function quarterOf(heaps, quarter) {
  const bytes = heaps.flatMap((heap) => {
    const length = Math.floor(heap.length / 4);
    return heap.slice(quarter * length, (quarter + 1) * length);
  });
  if (bytes.length === 0) return null;
  return Math.round(bytes.reduce((total, each) => total + each, 0) / bytes.length);
}

/** @param {Record<string, unknown>} result */
function print(result) {
  for (const [name, value] of Object.entries(result)) {
    if (!(value instanceof Object)) console.log(`${name.padEnd(32)}${JSON.stringify(value)}`);
    else
      for (const [part, count] of Object.entries(value))
        console.log(`${`${name} ${part}`.padEnd(32)}${count}`);
  }
}

function parse() {
  try {
    const { values } = parseArgs({
      options: {
        frames: { type: 'string', default: '1000000' },
        seed: { type: 'string', default: '1' },
        episode: { type: 'string' },
        silent: { type: 'string', default: '0' },
        trace: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const episode = values.episode === undefined ? undefined : count(values.episode, 'episode', 0);
    if (values.trace && episode === undefined)
      throw new Error('--trace is of one episode: give --episode N too');
    const [frames, seed] = [count(values.frames, 'frames', 1), count(values.seed, 'seed', 0)];
    return { ...values, frames, seed, episode, silent: count(values.silent, 'silent', 0) };
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

/** As it was built. */
function fuzzer() {
  return import('../packages/icn-gossip/dist/sim/fuzz/index.js');
}
