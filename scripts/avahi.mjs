// `pnpm avahi`: shows that mDNS here and avahi, which most Linux machines run, understand each other: an avahi daemon in one
// network namespace, two nodes of ours on one host in another. It takes some three minutes, because it waits until killed
// peers are forgotten. Needs root, and on Debian: apt-get install iproute2 dbus avahi-daemon avahi-utils.

import { fileURLToPath } from 'node:url';

import { Avahi } from './avahi-daemon.mjs';
import { build } from './build.mjs';
import { check, needTools, NetworkLab } from './network-lab.mjs';

const self = fileURLToPath(import.meta.url);
const addresses = /** @type {const} */ ({
  theirs: ['10.77.0.1', 'fd77::1'],
  ours: ['10.77.0.2', 'fd77::2'],
});
const theirPort = 5555;
/** Who was killed is to be gone within this time. */
const goneMs = 90_000;

/**
 * @typedef {import('../packages/icn-net/dist/index.js').DiscoveryEvent} Line
 * @typedef {import('./network-lab.mjs').Started<Line>} Node
 */

if (process.argv[2] === 'node')
  await runNode(
    /** @type {import('../packages/icn-identity/dist/index.js').Did} */ (process.argv[3]),
    Number(process.argv[4]),
  );
else await main();

/**
 * The part of ours, inside its namespace: announces, browses, and prints each event as a line of JSON.
 *
 * @param {string} did @param {number} port Of QUIC; TLS has the next.
 */
async function runNode(did, port) {
  const { createMdns } = await import('../packages/icn-net/dist/index.js');
  /** @typedef {import('../packages/icn-net/dist/index.js').MdnsOptions} MdnsOptions */
  const mdns = createMdns({
    did: /** @type {MdnsOptions['did']} */ (did),
    onWarning: (text) => console.error(text),
  });
  await mdns.announce([
    { scheme: 'quic', host: '::', port },
    { scheme: 'tls', host: '::', port: port + 1 },
  ]);
  process.once('SIGTERM', () => void mdns.close());
  for await (const event of mdns.watch()) console.log(JSON.stringify(event));
  console.error(JSON.stringify(mdns.counters));
}

async function main() {
  needTools(
    ['ip', 'dbus-daemon', 'avahi-daemon', 'avahi-browse', 'avahi-publish', 'avahi-resolve'],
    'iproute2 dbus avahi-daemon avahi-utils',
  );
  const built = await build();
  if (!built.succeeded) throw new Error(built.output);
  const { generateKeyPair } = await import('../packages/icn-identity/dist/index.js');
  const newDid = () => generateKeyPair().did;
  const [a, b, c, theirs] = [newDid(), newDid(), newDid(), newDid()];
  const lab = new NetworkLab('icn-av');
  const avahi = new Avahi(lab);
  /** @param {string} did @param {number} port @returns {Node} */
  const startNode = (did, port) => lab.start('ours', [process.execPath, self, 'node', did, String(port)]);
  try {
    for (const host of /** @type {const} */ (['theirs', 'ours']))
      lab.addHost(host, [`${addresses[host][0]}/24`, `${addresses[host][1]}/64`]);
    const daemon = await avahi.start();

    const nodeA = startNode(a, 4321);
    const nodeB = startNode(b, 4331);
    await check('avahi resolves QUIC and TLS of one node', () => avahi.resolves(a, 4321, addresses.ours));
    await check('and of another one on the same host', () => avahi.resolves(b, 4331, addresses.ours));
    await check('the two find each other', () => isFound(nodeA, b) && isFound(nodeB, a));

    const publisher = avahi.publish(theirs, theirPort);
    await check('we find a service that avahi publishes, by both families', () => foundHosts(nodeA, theirs));
    await lab.stop(publisher);
    await check('we hear the goodbye of avahi', () => isLost(nodeA, theirs));
    await lab.stop(nodeA);
    await check('avahi hears our goodbye', () => !avahi.browse().includes(a));
    await check('and still knows the other node', () => avahi.browse().includes(b));

    const nodeC = startNode(c, 4341);
    avahi.publish(theirs, theirPort);
    await check('a third node finds both', () => isFound(nodeC, b) && isFound(nodeC, theirs));
    await lab.stop(nodeB, 'SIGKILL');
    await Promise.all([
      check('a node that was killed is gone for ours', () => isLost(nodeC, b), goneMs),
      check('and for avahi', () => !avahi.browse().includes(b), goneMs),
    ]);
    await check('avahi, which lives, is not', () => !isLost(nodeC, theirs));
    await lab.stop(daemon, 'SIGKILL');
    await check('an avahi that was killed is gone for ours', () => isLost(nodeC, theirs), goneMs);
    await lab.stop(nodeC);
    console.log('what it counted:', nodeC.errors.trim());
  } catch (error) {
    console.error(lab.errors);
    throw error;
  } finally {
    await lab.close();
  }
}

/** @param {Node} node @param {string} did */
function isFound({ lines }, did) {
  return lines.some((event) => event.type === 'found' && event.peer.did === did);
}

/** @param {Node} node @param {string} did */
function isLost({ lines }, did) {
  const about = lines.filter((event) => (event.type === 'found' ? event.peer.did : event.did) === did);
  return about.at(-1)?.type === 'lost';
}

/** @param {Node} node @param {string} did */
function foundHosts({ lines }, did) {
  const found = lines.flatMap((event) =>
    event.type === 'found' && event.peer.did === did
      ? event.peer.addresses.map(({ scheme, host, port }) => `${scheme} ${host} ${port}`)
      : [],
  );
  const isWhole = addresses.theirs.every((host) => found.includes(`quic ${host} ${theirPort}`));
  return isWhole && [...new Set(found)].join('\n');
}
