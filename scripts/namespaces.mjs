// `pnpm namespaces`: two nodes on two hosts, which are network namespaces joined by a bridge. They find each other by mDNS, the
// cable is pulled, one host gets another address, both go on publishing, the cable is plugged in again: without a restart, each
// comes to hold what the other has. Needs root, and on Debian: apt-get install iproute2.

import { join } from 'node:path';

import { build } from './build.mjs';
import { check, needTools, NetworkLab } from './network-lab.mjs';
import { root } from './run.mjs';

/**
 * @typedef {{ type: string, did?: string }} Line One of `icn up --json`.
 * @typedef {{ did: string, started: import('./network-lab.mjs').Started<Line>, client: import('../packages/icn-node/dist/control/control-client.js').ControlClient }} HostedNode
 */

const topic = 'lobby';
const [adasHost, bobsHost, bobsNewHost] = ['10.78.0.1', '10.78.0.2', '10.78.0.77'];
/** Silence until a peer is given up is 15 s; the rest is for a busy machine. */
const noticeMs = 30_000;

needTools(['ip'], 'iproute2');
const built = await build();
if (!built.succeeded) throw new Error(built.output);
const { ControlClient } = await import('../packages/icn-node/dist/control/control-client.js');

const lab = new NetworkLab('icn-ns');
try {
  lab.addHost('ada', [`${adasHost}/24`]);
  lab.addHost('bob', [`${bobsHost}/24`]);
  await play(await startNode('ada'), await startNode('bob'));
  await playOnBareCable();
} catch (error) {
  console.error(lab.errors);
  throw error;
} finally {
  await lab.close();
}

/** @param {HostedNode} ada @param {HostedNode} bob */
async function play(ada, bob) {
  await check('they find each other by mDNS', async () => {
    const [atAda, atBob] = await Promise.all([addressOf(ada, bob), addressOf(bob, ada)]);
    return atAda?.includes(bobsHost) && atBob?.includes(adasHost) && `${atAda}\n${atBob}`;
  });
  await ada.client.publish(topic, Buffer.from('before the cut'));
  await check('an entry arrives', () => holdTheSame(ada, bob, 1));

  lab.cut('bob');
  await check('the cable is pulled, and both notice', () => areApart(ada, bob), noticeMs);
  for (const node of [ada, bob]) await node.client.publish(topic, Buffer.from(`${node.did} during the cut`));
  lab.ip('bob', 'addr', 'del', `${bobsHost}/24`, 'dev', 'eth0');
  lab.addAddress('bob', `${bobsNewHost}/24`);
  await check('both go on, and differ', async () => {
    const [atAda, atBob] = await Promise.all([ada, bob].map(topicAt));
    return atAda?.entries === 2 && atBob?.entries === 2 && atAda.root !== atBob.root;
  });

  lab.mend('bob');
  await check(
    'the cable is plugged in, and they meet at the new address',
    async () => {
      const at = await addressOf(ada, bob);
      return at?.includes(bobsNewHost) && at;
    },
    noticeMs,
  );
  await check('what was published during the cut arrives', () => holdTheSame(ada, bob, 3));

  lab.addHost('cleo', ['10.78.0.3/24']);
  const cleo = await startNode('cleo');
  await check('a third node finds both by mDNS, bob at his new address', async () => {
    const [atAda, atBob] = await Promise.all([addressOf(cleo, ada), addressOf(cleo, bob)]);
    return atAda?.includes(adasHost) && atBob?.includes(bobsNewHost) && `${atAda}\n${atBob}`;
  });
  await check('and comes to hold the same', () => holdTheSame(bob, cleo, 3));
  const isAlive = [ada, bob, cleo].every(({ started: { child } }) => child.exitCode === null);
  if (!isAlive) throw new Error('a node ended');
  for (const { started } of [ada, bob, cleo]) await lab.stop(started);
}

/** Two hosts that have no addresses but those that IPv6 gives to everybody. */
async function playOnBareCable() {
  for (const host of ['dora', 'emil']) lab.addHost(host, []);
  const isReady = () =>
    ['dora', 'emil'].every((host) => {
      const { stdout } = lab.output(host, ['ip', '-6', 'addr', 'show', 'dev', 'eth0']);
      return stdout.includes('fe80::') && !stdout.includes('tentative');
    });
  await check('two hosts have link-local IPv6 addresses', isReady);
  const [dora, emil] = [await startNode('dora', 'quic://[::]:0'), await startNode('emil', 'quic://[::]:0')];
  await check('they find each other by these alone', async () => {
    const [atDora, atEmil] = await Promise.all([addressOf(dora, emil), addressOf(emil, dora)]);
    return [atDora, atEmil].every((at) => at?.includes('[fe80:')) && `${atDora}\n${atEmil}`;
  });
  await dora.client.publish(topic, Buffer.from('by a bare cable'));
  await check('an entry arrives', () => holdTheSame(dora, emil, 1));
}

/** @param {string} host @param {string} [listen] @returns {Promise<HostedNode>} */
async function startNode(host, listen = 'quic://0.0.0.0:0') {
  const dataDir = join(lab.folder, host);
  const cli = join(root, 'packages/icn-node/dist/cli.js');
  const args = ['up', '--json', '--data-dir', dataDir, '--name', host, '--topic', topic, '--listen', listen];
  /** @type {import('./network-lab.mjs').Started<Line>} */
  const started = lab.start(host, [process.execPath, cli, ...args]);
  const listening = () => started.lines.find(({ type }) => type === 'listening');
  await check(`${host} listens`, () => listening() !== undefined);
  return { did: listening()?.did ?? '', started, client: new ControlClient(dataDir) };
}

/** Where one node is connected to another. @param {HostedNode} at @param {HostedNode} other */
async function addressOf({ client }, { did }) {
  const { peers } = await client.status();
  return peers.find((peer) => peer.did === did)?.address;
}

/** @param {HostedNode} ada @param {HostedNode} bob */
async function areApart(ada, bob) {
  const peers = await Promise.all([ada, bob].map(async ({ client }) => (await client.status()).peers.length));
  return peers.every((count) => count === 0);
}

/** @param {HostedNode} node */
async function topicAt({ client }) {
  const { topics } = await client.status();
  return topics.find(({ topic: name }) => name === topic);
}

/** @param {HostedNode} a @param {HostedNode} b @param {number} entries */
async function holdTheSame(a, b, entries) {
  const [atA, atB] = await Promise.all([a, b].map(topicAt));
  const isSame = atA?.entries === entries && atB?.entries === entries && atA.root === atB.root;
  return isSame && `${entries} entries, root ${atA.root}`;
}
