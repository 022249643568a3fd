#!/usr/bin/env node
/**
 * 1 KiB messages over one QUIC stream between two processes: the adapter of @icn/net against the JavaScript layer of
 * the package whose native binding it drives. Same certificates, same framing (u32 length and payload, one write a
 * message), the rounds of the two alternate, the middle round counts.
 *
 *   node bench/quic-messages.mjs [--json] [--rounds N] [--seconds N]     after `pnpm build`
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { messageBytes } from './quic-messages-ends.mjs';

/** A round that takes longer than its sending by this much has failed. */
const patienceMs = 20_000;

const options = /** @type {const} */ ({
  json: { type: 'boolean', default: false },
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '1.5' },
});
const { json, rounds, seconds } = parseArgs({ options }).values;
await compare(Number(rounds), Number(seconds));

/**
 * Runs the rounds and prints what came out.
 *
 * @param {number} roundCount
 * @param {number} sendSeconds
 */
async function compare(roundCount, sendSeconds) {
  /** @type {{ icn: number[], jsLayer: number[] }} */
  const rates = { icn: [], jsLayer: [] };
  for (let round = 1; round <= roundCount; round += 1) {
    for (const kind of /** @type {const} */ (['icn', 'jsLayer'])) {
      const rate = await measure(kind, sendSeconds);
      rates[kind].push(rate);
      if (!json) console.error(`round ${round} of ${roundCount}: ${kind} ${Math.round(rate)} messages/s`);
    }
  }
  const icn = median(rates.icn);
  const jsLayer = median(rates.jsLayer);
  const ratio = icn / jsLayer;
  if (json) {
    const what = { bench: 'quic-messages', messageBytes, rounds: roundCount, seconds: sendSeconds };
    console.log(JSON.stringify({ ...what, icn, jsLayer, ratio, rates }));
    return;
  }
  printRow(`${messageBytes}-byte messages, one stream`, `median of ${roundCount}`);
  printRow('-'.repeat(36), '-'.repeat(12));
  printRow('@icn/net, messages/s', String(Math.round(icn)));
  printRow('@matrixai/quic JavaScript layer', String(Math.round(jsLayer)));
  printRow('ratio', ratio.toFixed(1));
}

/**
 * @param {string} name
 * @param {string} value
 */
function printRow(name, value) {
  console.log(`| ${name.padEnd(36)} | ${value.padStart(12)} |`);
}

/** @param {readonly number[]} values */
function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/**
 * One round: messages a second, as the receiving process counts them.
 *
 * @param {'icn' | 'jsLayer'} kind
 * @param {number} sendSeconds
 */
async function measure(kind, sendSeconds) {
  const receiver = startEnd(kind, 'receive', sendSeconds);
  const sender = startEnd(kind, 'send', sendSeconds);
  try {
    const { port } = await heard(receiver);
    sender.send({ port });
    const { count } = await heard(sender, sendSeconds * 1000);
    receiver.send({ count });
    const { received, elapsedMs } = await heard(receiver);
    return (Number(received) / Number(elapsedMs)) * 1000;
  } finally {
    for (const child of [receiver, sender]) child.kill('SIGKILL');
  }
}

/**
 * @param {string} kind
 * @param {'receive' | 'send'} role
 * @param {number} sendSeconds
 */
function startEnd(kind, role, sendSeconds) {
  const script = fileURLToPath(new URL('quic-messages-end.mjs', import.meta.url));
  return fork(script, [kind, role, String(sendSeconds)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
}

/**
 * What a child process says next; throws when it is silent or gone.
 *
 * @param {import('node:child_process').ChildProcess} child
 * @param {number} [extraMs]
 * @returns {Promise<Record<string, unknown>>}
 */
function heard(child, extraMs = 0) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('an end of the stream is silent')), patienceMs + extraMs);
    const onExit = () => reject(new Error('an end of the stream has exited'));
    child.once('exit', onExit);
    child.once('message', (message) => {
      clearTimeout(timer);
      child.off('exit', onExit);
      resolve(/** @type {Record<string, unknown>} */ (message));
    });
  });
}
