#!/usr/bin/env node
/**
 * The trust graph of @icn/identity: what a score, an explanation and a change cost, by the number of statements. Each DID
 * is the subject and the issuer of ten statements in the mean, with random scores; this node trusts twenty of them.
 * A change is a statement renewed with another score and the score of its subject asked, so that what is put off is paid.
 *
 *   node bench/trust.mjs [--json] [--statements 1000,10000,…]     after `pnpm build`
 */
import { parseArgs } from 'node:util';
import { generateKeyPair } from '@icn/identity';
import { formatLine, signStatement, StatementImport, TrustGraph } from '@icn/identity/trust';

const options = /** @type {const} */ ({
  json: { type: 'boolean', default: false },
  statements: { type: 'string', default: '1000,3000,10000,30000,100000' },
});
const { json, statements } = parseArgs({ options }).values;

const statementsPerDid = 10;
const ownCount = 20;
const changeCount = 500;
const network = 'icn';
const nowMs = 1_000;
const expiresMs = 1_000_000;

const rows = statements.split(',').map((count) => measure(Number(count)));
if (json) console.log(JSON.stringify({ bench: 'trust', rows }));
else report();

/** @param {number} statementCount */
function measure(statementCount) {
  const random = randomFrom(statementCount);
  const me = generateKeyPair();
  const everybody = Array.from({ length: Math.ceil(statementCount / statementsPerDid) }, generateKeyPair);
  const one = () => /** @type {import('@icn/identity').KeyPair} */ (everybody[random(everybody.length)]);
  let sequence = 0;
  /**
   * @param {import('@icn/identity').KeyPair} issuer
   * @param {import('@icn/identity').Did} subject
   */
  const say = (issuer, subject) => {
    const score = random(1_001);
    return signStatement(issuer, {
      network,
      subject,
      score,
      sequence: ++sequence,
      timestampMs: 0,
      expiresMs,
    });
  };
  const all = Array.from({ length: ownCount }, () => say(me, one().did));
  const said = new Set();
  while (all.length < statementCount) {
    const [issuer, subject] = [one(), one()];
    if (issuer === subject || said.has(issuer.did + subject.did)) continue;
    said.add(issuer.did + subject.did);
    all.push(say(issuer, subject.did));
  }
  const lines = all.map(formatLine);
  const heapBefore = heapUsed();
  const graph = new TrustGraph(me.did);
  const reader = new StatementImport(graph, network);
  const importMs = time(() => lines.forEach((line) => reader.take(line, nowMs)));
  const firstMs = time(() => graph.scoreOf(one().did, nowMs));
  const heapMiB = (heapUsed() - heapBefore) / 2 ** 20;
  const changes = Array.from({ length: changeCount }, () => {
    const issuer = one();
    const subjects = everybody.filter(({ did }) => did !== issuer.did);
    return say(issuer, subjects[random(subjects.length)]?.did ?? me.did);
  });
  const ownChanges = Array.from({ length: changeCount }, (_, index) => {
    const subject = all[index % ownCount]?.subject ?? me.did;
    return say(me, subject);
  });
  const dids = Array.from({ length: changeCount }, () => one().did);
  return {
    statements: graph.statementCount,
    dids: everybody.length,
    trusted: graph.trusted(nowMs).filter(({ score }) => score > 0).length,
    importMs,
    firstScoreMs: firstMs,
    heapMiB,
    scoreMs: spread(dids.map((did) => time(() => graph.scoreOf(did, nowMs)))),
    explainMs: spread(dids.map((did) => time(() => graph.explain(did, nowMs)))),
    changeMs: spread(changes.map((change) => timeOfChange(graph, change))),
    ownChangeMs: spread(ownChanges.map((change) => timeOfChange(graph, change))),
  };
}

/**
 * @param {TrustGraph} graph
 * @param {import('@icn/identity/trust').TrustStatement} change
 */
function timeOfChange(graph, change) {
  return time(() => {
    graph.add(change, nowMs);
    graph.scoreOf(change.subject, nowMs);
  });
}

/** @param {() => unknown} action */
function time(action) {
  const startMs = performance.now();
  action();
  return performance.now() - startMs;
}

/** @param {readonly number[]} values */
function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (/** @type {number} */ share) => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
  return { median: at(0.5), p99: at(0.99), max: at(1) };
}

/** Without garbage where node runs with --expose-gc; else with what has not been collected. */
function heapUsed() {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/**
 * Whole numbers below a bound, the same at each run: xorshift32 (Marsaglia 2003).
 *
 * @param {number} seed
 */
function randomFrom(seed) {
  let state = seed;
  return (/** @type {number} */ bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

function report() {
  console.log('milliseconds: median / 99th of a hundred / most');
  for (const { statements: count, dids, trusted, importMs, firstScoreMs, heapMiB, ...spreads } of rows) {
    console.log(`${count} statements over ${dids} DIDs, ${trusted} with a score`);
    const perSecond = Math.round((1_000 * count) / importMs);
    console.log(
      `  import      ${importMs.toFixed(0)} ms, ${perSecond} statements a second with their signatures`,
    );
    console.log(
      `  first score ${firstScoreMs.toFixed(2)} ms; the graph takes ${heapMiB.toFixed(1)} MiB of heap`,
    );
    for (const [name, { median, p99, max }] of Object.entries(spreads))
      console.log(`  ${name.padEnd(11)} ${[median, p99, max].map((ms) => ms.toFixed(4)).join(' / ')}`);
  }
}
