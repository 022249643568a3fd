// `pnpm soak [--seconds N] [--seed N] [--nodes N]`: real nodes, as processes over QUIC on loopback, are published to,
// killed, restarted, blocked and unblocked at random. When it stops, all must hold the same, nothing acknowledged may
// be missing anywhere, and nothing may be there twice. The seed draws what is done, not how long each step takes.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { build } from './build.mjs';
import { seeded } from './seeded.mjs';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    nodes: { type: 'string', default: '5' },
  },
});
const topics = ['lobby', 'news'];
const linesMax = 30;
const healMs = 60_000;

const built = await build();
if (!built.succeeded) throw new Error(built.output);
const { eventually, IcnProcess } = await import('../packages/icn-node/dist/demo/icn-process.js');

/** @typedef {import('../packages/icn-node/dist/demo/icn-process.js').IcnProcess} Node */

const draw = seeded(Number(values.seed));
const folder = await mkdtemp(join(tmpdir(), 'icn-soak-'));
/** @type {Node[]} */
const nodes = [];
/** @type {Set<string>} */
const acknowledged = new Set();
const done = { published: 0, killed: 0, stopped: 0, blocked: 0 };

try {
  for (let index = 0; index < Number(values.nodes); index++) await start(index);
  const endMs = Date.now() + Number(values.seconds) * 1_000;
  while (Date.now() < endMs) {
    await step();
    const { published, killed, stopped, blocked } = done;
    const counts = `${acknowledged.size} entries in ${published} publishes, ${killed} kills, ${stopped} stops, ${blocked} blocks`;
    if (process.stdout.isTTY) process.stdout.write(`\r${counts}`);
    else if (Date.now() >= endMs) console.log(counts);
  }
  console.log('');
  process.exitCode = (await judge()) ? 0 : 1;
} finally {
  await Promise.all(nodes.map((node) => node.end('SIGKILL')));
  await rm(folder, { recursive: true, force: true });
}

/** One random thing at one random node. */
async function step() {
  const node = pick(nodes);
  const index = nodes.indexOf(node);
  const what = draw();
  if (what < 0.6) {
    const lines = Array.from({ length: 1 + below(linesMax) }, (_, number) => `${done.published} ${number}`);
    for (const { id } of await node.publishLines(pick(topics), lines)) acknowledged.add(id);
    done.published++;
  } else if (what < 0.68) {
    await node.end('SIGKILL');
    done.killed++;
    await start(index);
  } else if (what < 0.72) {
    await node.end('SIGTERM');
    done.stopped++;
    await start(index);
  } else if (what < 0.86) {
    await node.block(pick(nodes.filter((other) => other !== node)).did);
    done.blocked++;
  } else {
    await unblockAll(node);
  }
}

/** @param {number} index */
async function start(index) {
  const known = nodes.filter((_, other) => other !== index).slice(0, 2);
  const peers = known.flatMap(({ address }) => ['--peer', address]);
  const follow = topics.flatMap((topic) => ['--topic', topic]);
  const args = ['--no-mdns', '--listen', 'quic://127.0.0.1:0', ...follow, ...peers];
  nodes[index] = await IcnProcess.start(join(folder, String(index)), args);
}

/** @param {Node} node */
async function unblockAll(node) {
  for (const did of (await node.status()).blocked) await node.unblock(did);
}

/** Heals everything, waits for equal roots, and looks for what is missing or doubled. */
async function judge() {
  for (const node of nodes) await unblockAll(node);
  const startedMs = Date.now();
  const roots = async () => {
    const all = await Promise.all(nodes.map((node) => node.status()));
    return all.map((status) =>
      status.topics.map(({ topic, entries, root }) => `${topic} ${entries} ${root}`).join(),
    );
  };
  const [root = ''] = await eventually(roots, (all) => new Set(all).size === 1, healMs);
  console.log(`equal roots ${Date.now() - startedMs} ms after the last unblock: ${root}`);

  let faults = 0;
  for (const node of nodes) {
    const entries = (await Promise.all(topics.map((topic) => node.entries(topic)))).flat();
    const ids = new Set(entries.map(({ id }) => id));
    const missing = [...acknowledged].filter((id) => !ids.has(id)).length;
    const doubled = entries.length - ids.size;
    faults += missing + doubled;
    console.log(`${node.did}: ${entries.length} entries, ${missing} missing, ${doubled} twice`);
  }
  return faults === 0;
}

/**
 * @template Item
 * @param {readonly Item[]} items
 */
function pick(items) {
  return /** @type {Item} */ (items[below(items.length)]);
}

/** @param {number} count */
function below(count) {
  return Math.floor(draw() * count);
}
