#!/usr/bin/env node
/**
 * What signing and verifying cost, of 256-byte messages, in operations a second: @icn/identity beside a bare loop over
 * node:crypto with imported keys kept, tweetnacl and @noble/curves. In each round the contenders take turns; the median of
 * the rounds counts, and so does the median of the rounds' ratios, because what else the machine does meets both sides.
 *
 *   node bench/identity.mjs [--json] [--rounds N]     after `pnpm build`
 */
import {
  createPrivateKey,
  createPublicKey,
  randomBytes,
  sign as rawSign,
  verify as rawVerify,
} from 'node:crypto';
import { parseArgs } from 'node:util';
import { BatchVerifier, concatBytes, keyPairFromSeed, sign, signBatch, verify } from '@icn/identity';
import nacl from 'tweetnacl';

import { importPeer, installPeers } from './peers/import-peer.mjs';

/** @typedef {import('@icn/identity').KeyPair} KeyPair */
/** @typedef {import('@icn/identity').BatchSignature} BatchSignature */
/** @typedef {{ sign(message: Uint8Array, seed: Uint8Array): Uint8Array, verify(signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean }} Noble */

const options = /** @type {const} */ ({
  json: { type: 'boolean', default: false },
  rounds: { type: 'string', default: '9' },
});
const { json, rounds } = parseArgs({ options }).values;

const messageBytes = 256;
/** Operations of one turn; the libraries without native code are 10 to 100 times slower, and get fewer. */
const turn = { fast: 4_000, noble: 200, nacl: 60 };
const freshKeys = 1_000;
const batchSize = 16;
const purpose = 'icn/entry';
const prefix = new TextEncoder().encode(`${purpose}\0`);

const noble = await loadNoble();
const author = keyPairFromSeed(randomBytes(32));
const privateKey = createPrivateKey({
  key: { kty: 'OKP', crv: 'Ed25519', d: base64url(author.seed), x: base64url(author.publicKey) },
  format: 'jwk',
});
const publicKey = importKey(author.publicKey);
const naclKeys = nacl.sign.keyPair.fromSeed(author.seed);
const messages = Array.from({ length: turn.fast }, () => new Uint8Array(randomBytes(messageBytes)));
const signed = messages.map((message) => concatBytes(prefix, message));
const signatures = messages.map((message) => sign(author, purpose, message));
const proofs = batchesOf(messages).flatMap((batch) => signBatch(author, purpose, batch));

/** @type {Readonly<Record<string, () => number>>} */
const measures = {
  'sign: @icn/identity': () => rate(turn.fast, (i) => sign(author, purpose, at(messages, i))),
  'sign: node:crypto': () => rate(turn.fast, (i) => rawSign(null, at(signed, i), privateKey)),
  'sign: @icn/identity, 16 together': () => {
    const batches = batchesOf(messages);
    return batchSize * rate(batches.length, (i) => signBatch(author, purpose, at(batches, i)));
  },
  'sign: @noble/curves': () => rate(turn.noble, (i) => noble?.sign(at(signed, i), author.seed)),
  'sign: tweetnacl': () => rate(turn.nacl, (i) => nacl.sign.detached(at(signed, i), naclKeys.secretKey)),
  'verify: @icn/identity': () =>
    rate(turn.fast, (i) => insist(verify(author.publicKey, purpose, at(messages, i), at(signatures, i)))),
  'verify: node:crypto': () =>
    rate(turn.fast, (i) => insist(rawVerify(null, at(signed, i), publicKey, at(signatures, i)))),
  'verify: @icn/identity, 1,000 new keys': newKeys,
  'verify: @icn/identity, 16 together': () => {
    const verifier = new BatchVerifier();
    return rate(turn.fast, (i) =>
      insist(verifier.verify(author.publicKey, purpose, at(messages, i), at(proofs, i))),
    );
  },
  'verify: @noble/curves': () =>
    rate(turn.noble, (i) =>
      insist(noble?.verify(at(signatures, i), at(signed, i), author.publicKey) ?? true),
    ),
  'verify: tweetnacl': () =>
    rate(turn.nacl, (i) =>
      insist(nacl.sign.detached.verify(at(signed, i), at(signatures, i), author.publicKey)),
    ),
};

const ratios = {
  'known keys, against node:crypto': {
    of: 'verify: @icn/identity',
    to: 'verify: node:crypto',
    target: 0.8,
  },
  '1,000 new keys, against node:crypto with known ones': {
    of: 'verify: @icn/identity, 1,000 new keys',
    to: 'verify: node:crypto',
    target: 0.6,
  },
  '16 together, against one by one': {
    of: 'verify: @icn/identity, 16 together',
    to: 'verify: @icn/identity',
    target: 6,
  },
};

for (const measure of Object.values(measures)) measure(); // once without counting: code is compiled, keys are imported
/** @type {Record<string, number[]>} */
const taken = Object.fromEntries(Object.keys(measures).map((name) => [name, []]));
for (let round = 0; round < Number(rounds); round += 1) {
  const names = Object.keys(measures);
  // Every other round backwards, so that nobody always runs after the same one.
  for (const name of round % 2 === 0 ? names : names.toReversed())
    taken[name]?.push(measures[name]?.() ?? Number.NaN);
}
report();

/** What is verified with keys that are seen for the first time, each once. */
function newKeys() {
  const pairs = Array.from({ length: freshKeys }, () => keyPairFromSeed(randomBytes(32)));
  const theirs = pairs.map((pair, i) => sign(pair, purpose, at(messages, i)));
  return rate(freshKeys, (i) =>
    insist(verify(at(pairs, i).publicKey, purpose, at(messages, i), at(theirs, i))),
  );
}

/**
 * Operations a second.
 *
 * @param {number} count
 * @param {(index: number) => unknown} operation
 */
function rate(count, operation) {
  const startMs = performance.now();
  for (let index = 0; index < count; index += 1) operation(index);
  return (count * 1_000) / (performance.now() - startMs);
}

function report() {
  const absent = noble === undefined ? Object.keys(measures).filter((name) => name.includes('noble')) : [];
  const medians = Object.fromEntries(
    Object.entries(taken)
      .filter(([name]) => !absent.includes(name))
      .map(([name, values]) => [name, Math.round(median(values))]),
  );
  const compared = Object.entries(ratios).map(([name, { of, to, target }]) => {
    const perRound = (taken[of] ?? []).map((value, round) => value / (taken[to]?.[round] ?? Number.NaN));
    const ratio = Math.round(median(perRound) * 100) / 100;
    return { name, ratio, target, isMet: ratio >= target };
  });
  if (json) {
    console.log(
      JSON.stringify({ bench: 'identity', messageBytes, rounds: Number(rounds), medians, ratios: compared }),
    );
    return;
  }
  console.log(`operations a second, ${messageBytes}-byte messages, median of ${rounds} rounds`);
  for (const [name, value] of Object.entries(medians))
    console.log(`  ${name.padEnd(42)}${value.toLocaleString('en').padStart(10)}`);
  for (const name of absent) console.log(`  ${name.padEnd(42)}  could not be installed`);
  console.log('times as many');
  for (const { name, ratio, target, isMet } of compared)
    console.log(
      `  ${name.padEnd(52)}${ratio.toFixed(2).padStart(6)}  target ${target}${isMet ? '' : ', missed'}`,
    );
}

/** @returns {Promise<Noble | undefined>} */
async function loadNoble() {
  try {
    await installPeers();
    return /** @type {{ ed25519: Noble }} */ (await importPeer('@noble/curves/ed25519.js')).ed25519;
  } catch (error) {
    console.error(`without @noble/curves: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

/** @param {readonly Uint8Array[]} all */
function batchesOf(all) {
  return Array.from({ length: all.length / batchSize }, (_, i) =>
    all.slice(batchSize * i, batchSize * (i + 1)),
  );
}

/** @param {Uint8Array} key */
function importKey(key) {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: base64url(key) }, format: 'jwk' });
}

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  return Buffer.from(bytes).toString('base64url');
}

/** @param {boolean} isValid */
function insist(isValid) {
  if (!isValid) throw new Error('a good signature was refused');
}

/**
 * @template Value
 * @param {readonly Value[]} values
 * @param {number} index
 */
function at(values, index) {
  return /** @type {Value} */ (values[index]);
}

/** @param {readonly number[]} values */
function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? at(sorted, middle) : (at(sorted, middle - 1) + at(sorted, middle)) / 2;
}
