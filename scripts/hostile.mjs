// `pnpm hostile`: sends random and mutated datagrams, and connections that are none, to a process that listens over QUIC
// and TLS, and looks after each batch whether it still serves an honest peer. See `usage`.

import { fork } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { build } from './build.mjs';
import { bytes, craftDatagram, crafts, mutated, pick } from './hostile-datagrams.mjs';
import { seeded } from './seeded.mjs';

/** @typedef {import('node:dgram').Socket} Socket */
/** @typedef {import('../packages/icn-net/src/index.js').Stream} Stream */
/** @typedef {{ rss: number, heapUsed: number, external: number }} Memory */
/** @typedef {{ quic: Record<string, number>, tls: Record<string, number>, memory: Memory }} Report */
/** @typedef {{ client: Socket, toVictim: Socket, recorded: Buffer[] }} Relay */
/** @typedef {import('node:child_process').ChildProcess} ChildProcess */
/** @typedef {import('../packages/icn-net/src/index.js').Transport} Transport */
/** @typedef {{ quicPort: number, tlsPort: number, relay: Relay, sockets: Socket[], initials: Buffer[], hello: Buffer }} Target */

const usage = `usage: pnpm hostile [--datagrams N] [--seed N] [--json]
       pnpm hostile --help

Sends N hostile datagrams (100,000) and a hundredth as many hostile TLS connections from 16 loopback addresses: random
bytes, long headers with random contents, first datagrams of real handshakes with bytes changed, and datagrams of the
honest peer's own connection with bytes changed, under its own address. What is sent follows from the seed (1).
Exits with 1 where the process ended, stopped serving, or grew; with 2 where it was called wrongly.
  --json  one object, as the last line of standard output`;

const host = '127.0.0.1';
const sources = Array.from({ length: 16 }, (_, i) => `127.0.7.${i + 1}`);
const batch = 500;
/** Each has an id of its own, and is spent once it has begun a handshake. */
const initialCount = 64;
/** Short, so that the last half-open handshakes are over soon. */
const handshakeTimeoutMs = 1_000;
const answerMaxMs = 10_000;
/** 64 handshakes of 256 KiB each, which is what the limits let strangers keep, and as much for what the collector leaves. */
const growthBytesMax = 32 * 1024 * 1024;

if (process.argv[2] === '--victim') await beVictim();
else await main();

/** Listens on both transports and echoes; tells the parent its ports, and how it is when it is asked. */
async function beVictim() {
  const { createQuicTransport, createTlsTransport, generateKeyPair } = await load();
  const limits = { handshakeTimeoutMs };
  const quic = createQuicTransport({ keyPair: generateKeyPair(), limits });
  const tls = createTlsTransport({ keyPair: generateKeyPair(), limits });
  const ports = [];
  for (const transport of [quic, tls]) {
    const listener = await transport.listen({ host, port: 0 });
    ports.push(listener.addresses[0]?.port);
    void (async () => {
      for await (const connection of listener) {
        void (async () => {
          for await (const stream of connection.streams()) echo(stream).catch(() => undefined);
        })();
      }
    })();
  }
  process.on('message', () => {
    globalThis.gc?.();
    const { rss, heapUsed, external } = process.memoryUsage();
    process.send?.({ quic: quic.counters, tls: tls.counters, memory: { rss, heapUsed, external } });
  });
  process.on('disconnect', () => process.exit());
  process.send?.(ports);
}

/** @param {Stream} stream */
async function echo(stream) {
  for (let chunk = await stream.read(); chunk !== undefined; chunk = await stream.read())
    await stream.write(chunk);
}

async function main() {
  const values = parse();
  if (values === undefined) return;
  if (values.help) return console.log(usage);
  const { succeeded, output } = await build('--filter=@icn/net');
  if (!succeeded) throw new Error(output);
  const victim = fork(fileURLToPath(import.meta.url), ['--victim'], { execArgv: ['--expose-gc'] });
  const died = once(victim, 'exit').then(([code, signal]) => {
    throw new Error(`the process ended with ${signal ?? code}`);
  });
  try {
    const attack = assault(victim, values.datagrams, seeded(values.seed));
    const result = await Promise.race([attack, died]);
    if (values.json) console.log(JSON.stringify({ seed: values.seed, ...result }));
    else print(result);
    if (result.growthBytes > growthBytesMax) {
      console.error(`it grew by ${result.growthBytes} bytes, where ${growthBytesMax} are allowed`);
      process.exitCode = 1;
    }
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  } finally {
    died.catch(() => undefined);
    victim.disconnect();
    setTimeout(() => process.exit(), answerMaxMs).unref();
  }
}

/**
 * @param {ChildProcess} victim
 * @param {number} datagrams
 * @param {() => number} draw
 */
async function assault(victim, datagrams, draw) {
  const { createQuicTransport, createTlsTransport, generateKeyPair } = await load();
  const [quicPort = 0, tlsPort = 0] = /** @type {number[]} */ (await nextMessage(victim));
  const relay = await openRelay(quicPort);
  const friends = [
    createQuicTransport({ keyPair: generateKeyPair() }),
    createTlsTransport({ keyPair: generateKeyPair() }),
  ];
  const streams = await dialEach(friends, [relay.client.address().port, tlsPort]);
  const target = {
    quicPort,
    tlsPort,
    relay,
    sockets: await Promise.all(sources.map(bound)),
    initials: await recordInitials(createQuicTransport({ keyPair: generateKeyPair() })),
    hello: await recordHello(createTlsTransport({ keyPair: generateKeyPair() })),
  };
  const startedMs = performance.now();
  /** @type {Report | undefined} */
  let warm;
  for (let sent = 0; sent < datagrams;) {
    const count = Math.min(batch, datagrams - sent);
    await sendBatch(target, count, draw);
    sent += count;
    await Promise.all(streams.map((stream) => isServed(stream, draw)));
    if (process.stderr.isTTY) process.stderr.write(`\r${sent} of ${datagrams} datagrams`);
    // By then everything was used a few times, and what is allocated once is there.
    if (sent * 10 >= datagrams) warm ??= await ask(victim);
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  // The last half-open handshakes are over, and whoever comes next is served.
  await sleep(handshakeTimeoutMs + 500);
  for (const stream of await dialEach(friends, [quicPort, tlsPort])) await isServed(stream, draw);
  const end = await ask(victim);
  await Promise.all(friends.map((friend) => friend.close()));
  for (const socket of [...target.sockets, relay.client, relay.toVictim]) socket.close();
  return {
    datagrams,
    seconds: Math.round(seconds),
    growthBytes: warm === undefined ? 0 : inUse(end.memory) - inUse(warm.memory),
    rssBytes: end.memory.rss,
    quic: counted(end.quic),
    tls: counted(end.tls),
  };
}

/**
 * @param {Target} target
 * @param {number} count
 * @param {() => number} draw
 */
async function sendBatch({ quicPort, tlsPort, relay, sockets, initials, hello }, count, draw) {
  const hangingUp = [];
  for (let i = 0; i < count; i += 1) {
    const craft = pick(crafts, draw);
    if (craft === 'live') relay.toVictim.send(mutated(pick(relay.recorded, draw), draw), quicPort, host);
    else pick(sockets, draw).send(craftDatagram(craft, initials, draw), quicPort, host);
    if (i % 100 > 0) continue;
    const words = draw() < 0.5 ? bytes(2_000, draw) : mutated(hello, draw);
    hangingUp.push(say(tlsPort, pick(sources, draw), words));
    await turn();
  }
  await Promise.all(hangingUp);
}

/**
 * A stream to each port.
 *
 * @param {readonly Transport[]} friends
 * @param {readonly number[]} ports
 */
function dialEach(friends, ports) {
  return Promise.all(
    friends.map(async (friend, i) => {
      const connection = await friend.dial({ scheme: friend.scheme, host, port: ports[i] ?? 0 });
      return connection.openStream();
    }),
  );
}

/**
 * @param {ChildProcess} victim
 * @returns {Promise<Report>}
 */
async function ask(victim) {
  victim.send('report');
  return /** @type {Report} */ (await nextMessage(victim));
}

/**
 * @param {ChildProcess} child
 * @returns {Promise<unknown>}
 */
function nextMessage(child) {
  return new Promise((resolve) => child.once('message', resolve));
}

/**
 * One round trip of an honest peer.
 *
 * @param {Stream} stream
 * @param {() => number} draw
 */
async function isServed(stream, draw) {
  const asked = bytes(200, draw, 100);
  const served = (async () => {
    await stream.write(asked);
    let answer = Buffer.alloc(0);
    while (answer.length < asked.length)
      answer = Buffer.concat([answer, (await stream.read()) ?? Buffer.from('?')]);
    if (!answer.equals(asked)) throw new Error('an honest peer got something else back than it sent');
  })();
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('an honest peer is not served')), answerMaxMs);
  });
  await Promise.race([served, late]).finally(() => clearTimeout(timer));
}

/**
 * Stands between the honest peer and the process, so that what it sends can be sent again under its address.
 *
 * @param {number} port
 * @returns {Promise<Relay>}
 */
async function openRelay(port) {
  const [client, toVictim] = await Promise.all([bound(host), bound(host)]);
  /** @type {Buffer[]} */
  const recorded = [];
  let clientPort = 0;
  client.on('message', (datagram, from) => {
    clientPort = from.port;
    if (recorded.push(datagram) > 64) recorded.shift();
    toVictim.send(datagram, port, host);
  });
  toVictim.on('message', (datagram) => client.send(datagram, clientPort, host));
  return { client, toVictim, recorded };
}

/**
 * The first datagrams of dials that nobody answers.
 *
 * @param {Transport} dialler
 */
async function recordInitials(dialler) {
  const trap = await bound(host);
  /** @type {Buffer[]} */
  const seen = [];
  trap.on('message', (datagram) => seen.push(datagram));
  const { port } = trap.address();
  for (let i = 0; i < initialCount; i += 1)
    dialler.dial({ scheme: 'quic', host, port }).catch(() => undefined);
  while (seen.length < initialCount) await sleep(5);
  await dialler.close();
  trap.close();
  return seen;
}

/**
 * The first bytes of a dial over TLS.
 *
 * @param {Transport} dialler
 * @returns {Promise<Buffer>}
 */
async function recordHello(dialler) {
  const trap = createServer();
  /** @type {Promise<Buffer>} */
  const hello = new Promise((resolve) => {
    trap.once('connection', (socket) => {
      socket.once('data', (bytes) => {
        socket.destroy();
        resolve(bytes);
      });
    });
  });
  trap.listen(0, host);
  await once(trap, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (trap.address());
  dialler.dial({ scheme: 'tls', host, port }).catch(() => undefined);
  const bytes = await hello;
  await dialler.close();
  trap.close();
  return bytes;
}

/**
 * Connects, says something and hangs up; resolves when the other side has hung up too.
 *
 * @param {number} port
 * @param {string} localAddress
 * @param {Buffer} words
 */
async function say(port, localAddress, words) {
  const socket = connect({ host, port, localAddress });
  socket.on('error', () => undefined).resume();
  socket.end(words);
  await new Promise((resolve) => socket.once('close', resolve));
}

/** @param {string} address */
async function bound(address) {
  const socket = createSocket('udp4');
  socket.bind(0, address);
  await once(socket, 'listening');
  return socket;
}

/** @param {Memory} memory */
function inUse({ heapUsed, external }) {
  return heapUsed + external;
}

/** @param {Record<string, number>} counters */
function counted(counters) {
  return Object.fromEntries(Object.entries(counters).filter(([, count]) => count > 0));
}

/** @param {Awaited<ReturnType<typeof assault>>} result */
function print({ datagrams, seconds, growthBytes, rssBytes, quic, tls }) {
  console.log(`${datagrams} datagrams in ${seconds} s: honest peers were served throughout`);
  console.log(`memory in use: ${growthBytes} bytes more than after a tenth; resident: ${rssBytes} bytes`);
  for (const [name, counters] of Object.entries({ quic, tls }))
    for (const [counter, count] of Object.entries(counters)) console.log(`${name} ${counter} ${count}`);
}

function parse() {
  try {
    const { values } = parseArgs({
      options: {
        datagrams: { type: 'string', default: '100000' },
        seed: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    return {
      ...values,
      datagrams: count(values.datagrams, 'datagrams', 1),
      seed: count(values.seed, 'seed', 0),
    };
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

/** As they were built, with the types of the sources: those of two packages' builds do not know each other. */
async function load() {
  /** @type {unknown} */
  const net = await import('../packages/icn-net/dist/index.js');
  /** @type {unknown} */
  const identity = await import('../packages/icn-identity/dist/index.js');
  const { generateKeyPair } = /** @type {typeof import('../packages/icn-identity/src/index.js')} */ (
    identity
  );
  return { .../** @type {typeof import('../packages/icn-net/src/index.js')} */ (net), generateKeyPair };
}
