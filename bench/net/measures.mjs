/**
 * The measures, in terms of a contender's streams: what the listening process does with each stream, and what the dialling
 * process does and times. Every clock is the dialling process's.
 */
import { setTimeout as delay } from 'node:timers/promises';
import * as exchanges from './exchanges.mjs';
import { median } from './report.mjs';

/** @typedef {import('./contender.mjs').BenchConnection} BenchConnection */
/** @typedef {import('./figures.mjs').FigureName} FigureName */
/** @typedef {() => Promise<BenchConnection>} Dial */
/** @typedef {() => Promise<number>} MemoryOfBoth Bytes that both processes occupy, after a garbage collection. */

/**
 * @typedef {object} Measure
 * @property {(stream: import('./contender.mjs').BenchStream) => Promise<void>} serve
 * @property {(dial: Dial, memoryOfBoth: MemoryOfBoth, contender: import('./contender.mjs').Contender) => Promise<Partial<Record<FigureName, number>>>} run
 */

/** Before the clock runs: the compiler has seen the code, and the congestion window has grown. */
const warmUpMs = 300;
const measuredMs = 1500;
const handshakesMax = 100;
const handshakesMin = 5;
/** A contender whose closing takes longer is not waited for. */
const closingMs = 50;
const smallBytes = 64;
const bulkBytes = 64 * 1024 * 1024;
const bulkWarmUpBytes = 4 * 1024 * 1024;
const connectionCount = 200;
/** As many as our adapters let one address be in the middle of before it has shown that it is there. */
const dialsAtOnce = 8;
/** What streams that are under way when the clock stops may take; later they count as lost. */
const drainMs = 5000;

/** @type {Record<import('./figures.mjs').MeasureName, Measure>} */
export const measures = {
  handshake: { serve: exchanges.echo, run: handshake },
  'ping-pong': { serve: exchanges.echo, run: pingPong },
  bulk: { serve: exchanges.countBytes, run: bulk },
  messages: { serve: exchanges.countMessages, run: messages },
  'streams-20': {
    serve: exchanges.echo,
    run: async (dial) => ({ 'streams-20': await streamsPerSecond(dial, 20) }),
  },
  'streams-100': {
    serve: exchanges.echo,
    run: async (dial) => ({ 'streams-100': await streamsPerSecond(dial, 100) }),
  },
  connections: { serve: exchanges.echo, run: connections },
};

/**
 * From the dial of a fresh connection until both sides know that they can use it, and until a byte is back over its first
 * stream. Where a dial does not say what the other side thinks, the byte does.
 *
 * @param {Dial} dial
 * @param {MemoryOfBoth} _memoryOfBoth
 * @param {import('./contender.mjs').Contender} contender
 */
async function handshake(dial, _memoryOfBoth, { provesBothSides }) {
  const byte = Uint8Array.of(7);
  /** @type {number[]} */
  const provenMs = [];
  const once = async () => {
    const startedMs = performance.now();
    const connection = await dial();
    const dialledMs = performance.now();
    const stream = await connection.openStream();
    await exchanges.expectEcho(stream, byte);
    const elapsedMs = performance.now() - startedMs;
    provenMs.push(provesBothSides ? dialledMs - startedMs : elapsedMs);
    await stream.end();
    await Promise.race([connection.close(), delay(closingMs)]);
    return elapsedMs;
  };
  const echoedMs = await sample(once, { countMax: handshakesMax, countMin: handshakesMin });
  // Those of the warm-up came first.
  return { handshake: median(provenMs.slice(-echoedMs.length)), 'first-byte': median(echoedMs) };
}

/** @param {Dial} dial */
async function pingPong(dial) {
  const bytes = Buffer.alloc(smallBytes, 7);
  const stream = await (await dial()).openStream();
  const once = async () => {
    const startedMs = performance.now();
    await exchanges.expectEcho(stream, bytes);
    return performance.now() - startedMs;
  };
  return { 'ping-pong': median(await sample(once, { countMax: Infinity, countMin: 1 })) };
}

/** @param {Dial} dial */
async function bulk(dial) {
  const connection = await dial();
  await transfer(connection, bulkWarmUpBytes);
  const elapsedMs = await transfer(connection, bulkBytes);
  return { bulk: bulkBytes / 1e6 / (elapsedMs / 1000) };
}

/**
 * @param {BenchConnection} connection
 * @param {number} byteCount
 */
async function transfer(connection, byteCount) {
  const stream = await connection.openStream();
  const startedMs = performance.now();
  await exchanges.sendBulk(stream, byteCount);
  const elapsedMs = performance.now() - startedMs;
  await stream.end();
  return elapsedMs;
}

/** @param {Dial} dial */
async function messages(dial) {
  const connection = await dial();
  await messagesPerSecond(connection, warmUpMs);
  return { messages: await messagesPerSecond(connection, measuredMs) };
}

/**
 * @param {BenchConnection} connection
 * @param {number} sendMs
 */
async function messagesPerSecond(connection, sendMs) {
  const stream = await connection.openStream();
  const startedMs = performance.now();
  const count = await exchanges.sendMessages(stream, sendMs);
  const elapsedMs = performance.now() - startedMs;
  await stream.end();
  return count / (elapsedMs / 1000);
}

/**
 * Short streams a second over one connection.
 *
 * @param {Dial} dial
 * @param {number} concurrency
 */
async function streamsPerSecond(dial, concurrency) {
  const connection = await dial();
  const bytes = Buffer.alloc(smallBytes, 7);
  const countFromMs = performance.now() + warmUpMs;
  const untilMs = countFromMs + measuredMs;
  let begun = 0;
  let ended = 0;
  let counted = 0;
  const work = async () => {
    while (performance.now() < untilMs) {
      begun += 1;
      await exchanges.shortStream(connection, bytes);
      ended += 1;
      const nowMs = performance.now();
      if (nowMs >= countFromMs && nowMs < untilMs) counted += 1;
    }
  };
  const all = Promise.all(Array.from({ length: concurrency }, work));
  const isDone = await Promise.race([
    all.then(() => true),
    delay(warmUpMs + measuredMs + drainMs, false, { ref: false }),
  ]);
  if (!isDone) throw new Error(`${begun - ended} of ${begun} streams never ended`);
  return counted / (measuredMs / 1000);
}

/**
 * @param {Dial} dial
 * @param {MemoryOfBoth} memoryOfBoth
 */
async function connections(dial, memoryOfBoth) {
  const bytes = Buffer.alloc(smallBytes, 7);
  const warmUntilMs = performance.now() + warmUpMs;
  do {
    const connection = await dial();
    await exchanges.shortStream(connection, bytes);
    await Promise.race([connection.close(), delay(closingMs)]);
  } while (performance.now() < warmUntilMs);
  const bytesBefore = await memoryOfBoth();

  const startedMs = performance.now();
  /** @type {BenchConnection[]} */
  const opened = [];
  let begun = 0;
  const dialInTurn = async () => {
    while (begun < connectionCount) {
      begun += 1;
      opened.push(await dial());
    }
  };
  await Promise.all(Array.from({ length: dialsAtOnce }, dialInTurn));
  const openedMs = performance.now();
  await Promise.all(opened.map((connection) => exchanges.shortStream(connection, bytes)));
  const echoedMs = performance.now();

  const grownBytes = (await memoryOfBoth()) - bytesBefore;
  return {
    'connections-open': openedMs - startedMs,
    'connections-echo': echoedMs - openedMs,
    // Each connection has an end in either process.
    'connection-memory': grownBytes / 1024 / (2 * connectionCount),
  };
}

/**
 * What `once` gives, again and again for as long as is measured, after a warm-up.
 *
 * @param {() => Promise<number>} once
 * @param {{ countMax: number, countMin: number }} bounds
 */
async function sample(once, { countMax, countMin }) {
  const warmUntilMs = performance.now() + warmUpMs;
  do await once();
  while (performance.now() < warmUntilMs);
  /** @type {number[]} */
  const values = [];
  const untilMs = performance.now() + measuredMs;
  while (values.length < countMin || (values.length < countMax && performance.now() < untilMs))
    values.push(await once());
  return values;
}
