#!/usr/bin/env node
/**
 * How long after its first datagram a node has the answer to its first question about entries, over QUIC through a path with a
 * delay: of a peer that it meets for the first time, and of one that it met before, which is asked in early data.
 *
 *   node bench/early.mjs [--json] [--rounds N] [--delay MS]     after `pnpm build`
 */
import { parseArgs } from 'node:util';
import { generateKeyPair } from '@icn/identity';
import { createQuicTransport } from '@icn/net';
import { UdpProxy } from '@icn/net/conformance';

const options = /** @type {const} */ ({
  json: { type: 'boolean', default: false },
  rounds: { type: 'string', default: '5' },
  delay: { type: 'string', default: '50' },
});
const { json, rounds, delay } = parseArgs({ options }).values;
const roundTripMs = 2 * Number(delay);
const question = new Uint8Array(40);

const serverKeys = generateKeyPair();
const server = createQuicTransport({ keyPair: serverKeys, answerEarly: (_from, asked) => asked });
const listener = await server.listen({ host: '127.0.0.1', port: 0 });
void serve();
const [address] = listener.addresses;
if (address === undefined) throw new TypeError('a listener has an address');
const { did = serverKeys.did } = address;
const proxy = await UdpProxy.to(address.port, { delayMs: Number(delay) });

/** @type {{ first: number[], resumed: number[] }} */
const taken = { first: [], resumed: [] };
for (let round = 0; round < Number(rounds); round += 1) {
  const client = createQuicTransport({ keyPair: generateKeyPair() });
  taken.first.push(await ask(client));
  taken.resumed.push(await ask(client));
  await client.close();
}
await server.close();
proxy.close();
report();

/** Echoes the first bytes of each stream. */
async function serve() {
  for await (const connection of listener) {
    void (async () => {
      for await (const stream of connection.streams()) await stream.write((await stream.read()) ?? question);
    })();
  }
}

/**
 * In round trips. Early, if the transport has a ticket; else by a stream once the connection is open.
 *
 * @param {import('@icn/net').Transport} client
 */
async function ask(client) {
  const startMs = performance.now();
  let earlyMs = Number.NaN;
  const onAnswer = () => (earlyMs = performance.now() - startMs);
  const to = { scheme: 'quic', host: '127.0.0.1', port: proxy.port };
  const connection = await client.dial(to, {
    expect: did,
    early: { ask: () => question, onAnswer },
  });
  const stream = await connection.openStream({ priority: 'control' });
  await stream.write(question);
  await stream.read();
  const elapsedMs = Number.isNaN(earlyMs) ? performance.now() - startMs : earlyMs;
  await connection.close();
  return elapsedMs / roundTripMs;
}

function report() {
  const [first, resumed] = [median(taken.first), median(taken.resumed)];
  if (json)
    return console.log(JSON.stringify({ bench: 'early', roundTripMs, first, resumed, rounds: taken }));
  console.log(`round trips of ${roundTripMs} ms until the first answer, median of ${rounds}`);
  console.log(`  at the first meeting  ${first.toFixed(2)}`);
  console.log(`  met before            ${resumed.toFixed(2)}`);
}

/** @param {readonly number[]} values */
function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
