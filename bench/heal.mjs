/**
 * `pnpm bench heal [--json] [--runs N] [--reconcile auto|clock|bloom|sketch]`: what it takes two halves of a topic to become one
 * again. Ten nodes as processes, over QUIC on loopback; five block the other five; 500 entries of 256 bytes are
 * published on each side; then all blocks are lifted. Two numbers, each the median of the runs:
 *
 * - the time from the first restored connection between the sides until all nodes hold all 1,000 entries and equal roots;
 * - the gossip bytes that all nodes sent from then on, until a second after that, divided by the bytes of the entries
 *   that they lacked (each of the ten lacks 500: header, payload and proof as they are encoded).
 *
 * All processes share the processors of one machine, so the time is one of computing more than of waiting.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { encodeParts } from '../packages/icn-gossip/dist/index.js';
import { eventually, IcnProcess } from '../packages/icn-node/dist/demo/icn-process.js';
import { LevelStore } from '../packages/icn-node/dist/index.js';

const options = /** @type {const} */ ({
  json: { type: 'boolean', default: false },
  runs: { type: 'string', default: '5' },
  reconcile: { type: 'string', default: 'auto' },
});
const { json, runs, reconcile } = parseArgs({ options }).values;

const nodesPerSide = 5;
const entriesPerSide = 500;
const payloadBytes = 256;
const topic = 'heal';
/** What is still on its way when all is everywhere counts too. */
const afterwardsMs = 1_000;
const patienceMs = 60_000;
const targets = { healMs: 2_000, ratio: 1.15 };

/** @typedef {{ healMs: number, sentBytes: number, missingBytes: number, ratio: number, sentFrames: number }} Heal */

await main();

async function main() {
  /** @type {Heal[]} */
  const heals = [];
  for (let run = 1; run <= Number(runs); run += 1) {
    const heal = await measure();
    heals.push(heal);
    if (!json)
      console.error(`run ${run} of ${runs}: ${Math.round(heal.healMs)} ms, ${heal.ratio.toFixed(3)} times`);
  }
  const healMs = median(heals.map((heal) => heal.healMs));
  const ratio = median(heals.map((heal) => heal.ratio));
  if (json) {
    const what = {
      bench: 'heal',
      nodes: 2 * nodesPerSide,
      entries: 2 * entriesPerSide,
      payloadBytes,
      reconcile,
    };
    console.log(JSON.stringify({ ...what, healMs, ratio, targets, runs: heals }));
    return;
  }
  printRow('5 + 5 nodes, 500 + 500 entries', `median of ${runs}`, 'target');
  printRow('-'.repeat(34), '-'.repeat(12), '-'.repeat(8));
  printRow('all equal after the first link, ms', String(Math.round(healMs)), String(targets.healMs));
  printRow('gossip bytes / bytes that lacked', ratio.toFixed(3), String(targets.ratio));
}

/** @returns {Promise<Heal>} */
async function measure() {
  const folder = await mkdtemp(join(tmpdir(), 'icn-bench-heal-'));
  /** @type {IcnProcess[]} */
  const nodes = [];
  try {
    for (let index = 0; index < 2 * nodesPerSide; index += 1) {
      const peers = nodes.flatMap(({ address }) => ['--peer', address]);
      const args = [
        '--no-mdns',
        '--listen',
        'quic://127.0.0.1:0',
        '--topic',
        topic,
        '--reconcile',
        reconcile,
      ];
      nodes.push(await IcnProcess.start(join(folder, String(index)), [...args, ...peers]));
    }
    const sides = [nodes.slice(0, nodesPerSide), nodes.slice(nodesPerSide)];
    const [left = [], right = []] = sides;
    await arePeers(nodes, 2 * nodesPerSide - 1);
    await Promise.all(left.map((node) => eachOf(right, (other) => node.block(other.did))));
    await arePeers(nodes, nodesPerSide - 1);
    for (const side of sides) await Promise.all(side.map((node, index) => publish(node, index)));
    for (const side of sides) await holdAll(side, entriesPerSide);
    await delay(afterwardsMs);

    const before = await trafficOf(nodes);
    const linked = firstLink(left, new Set(right.map(({ did }) => did)));
    await Promise.all(left.map((node) => eachOf(right, (other) => node.unblock(other.did))));
    const linkedAtMs = await linked;
    const roots = await holdAll(nodes, 2 * entriesPerSide);
    const healMs = performance.now() - linkedAtMs;
    if (new Set(roots).size !== 1) throw new Error(`the roots differ: ${roots.join(', ')}`);
    await delay(afterwardsMs);
    const after = await trafficOf(nodes);

    await Promise.all(nodes.map((node) => node.end('SIGTERM')));
    const missingBytes = nodesPerSide * (await entryBytes(join(folder, '0', 'store')));
    const sentBytes = after.bytes - before.bytes;
    const sentFrames = after.frames - before.frames;
    return { healMs, sentBytes, missingBytes, ratio: sentBytes / missingBytes, sentFrames };
  } finally {
    await Promise.all(nodes.map((node) => node.end('SIGKILL')));
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * @param {IcnProcess} node
 * @param {number} index
 */
function publish(node, index) {
  const count = entriesPerSide / nodesPerSide;
  const lines = Array.from({ length: count }, (_, line) => `${index} ${line} `.padEnd(payloadBytes, 'x'));
  return node.publishLines(topic, lines);
}

/**
 * When the first of these nodes is connected to one of the others from now on, on the clock of this process.
 *
 * @param {readonly IcnProcess[]} nodes
 * @param {ReadonlySet<string>} others
 */
async function firstLink(nodes, others) {
  await Promise.race(
    nodes.map((node) => {
      const old = new Set(node.lines);
      return node.line(
        (line) => !old.has(line) && line.type === 'peer-up' && others.has(String(line['did'])),
        patienceMs,
      );
    }),
  );
  return performance.now();
}

/**
 * Waits until every one of these nodes holds so many entries; then returns their roots.
 *
 * @param {readonly IcnProcess[]} nodes
 * @param {number} count
 */
function holdAll(nodes, count) {
  return Promise.all(
    nodes.map(async (node) => {
      // A line for each entry: who is asked only then is not kept from its work by questions.
      await node.line(() => node.lines.length > count, patienceMs);
      const ask = async () => (await node.status()).topics.find(({ topic: name }) => name === topic);
      const held = await eventually(ask, (status) => status?.entries === count, patienceMs);
      return held?.root;
    }),
  );
}

/**
 * @param {readonly IcnProcess[]} nodes
 * @param {number} count
 */
function arePeers(nodes, count) {
  return Promise.all(
    nodes.map((node) =>
      eventually(
        () => node.status(),
        ({ peers }) => peers.length === count,
        patienceMs,
      ),
    ),
  );
}

/** @param {readonly IcnProcess[]} nodes */
async function trafficOf(nodes) {
  const all = await Promise.all(nodes.map(async (node) => (await node.status()).traffic));
  return {
    bytes: all.reduce((sum, { bytesSent }) => sum + bytesSent, 0),
    frames: all.reduce((sum, { framesSent }) => sum + framesSent, 0),
  };
}

/**
 * Bytes of all entries in a store, which no node runs on any more.
 *
 * @param {string} path
 */
async function entryBytes(path) {
  const store = await LevelStore.open(path);
  try {
    const [name] = await store.topics();
    if (name === undefined) throw new Error(`${path} holds no entries`);
    const items = await store.readFrom(name, 1, 2 * entriesPerSide);
    return items.reduce((sum, item) => sum + (item.type === 'entry' ? encodeParts(item.parts).length : 0), 0);
  } finally {
    await store.close();
  }
}

/**
 * @template Item
 * @param {readonly Item[]} items
 * @param {(item: Item) => Promise<void>} act
 */
async function eachOf(items, act) {
  for (const item of items) await act(item);
}

/** @param {readonly number[]} values */
function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** @param {readonly string[]} cells */
function printRow(...cells) {
  const [name = '', ...numbers] = cells;
  console.log(`| ${[name.padEnd(34), ...numbers.map((cell) => cell.padStart(12))].join(' | ')} |`);
}
