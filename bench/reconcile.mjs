/**
 * What it costs two nodes to find out in which of 10,000 entries they differ: bytes of gossip frames in both
 * directions, without the entries in them, until their roots are equal. Nothing is remembered of earlier sessions.
 * Each figure is the worst of several runs, with either side asking first. Beside them: the bytes that name the
 * difference at least (log2 of the ways to choose it), and the coded symbols that @peerbit/riblt needs for heads
 * that differ as these do.
 *
 *   pnpm bench reconcile [--json] [--seeds N]
 */
import { parseArgs } from 'node:util';
import { boundBytes } from '@icn/gossip';
import { importPeer, installPeers } from './peers/import-peer.mjs';
import { entriesBy, meet, seededNumbers, Side } from './reconcile-ends.mjs';

/** @typedef {import('@icn/gossip').Reconcile} Reconcile */
/** @typedef {import('./reconcile-ends.mjs').BenchEntry} BenchEntry */
/** @typedef {'newest' | 'holes'} Kind */

const entryCount = 10_000;
/** Most bytes that `auto` may take, by authors and entries that differ. */
const cases = [
  { authors: 64, ceilings: { 0: 100, 1: 300, 10: 1_500, 100: 6_000, 1_000: 12_000 } },
  { authors: 10_000, ceilings: { 0: 100, 1: 200, 10: 800, 100: 6_000, 1_000: 40_000 } },
];

const options = /** @type {const} */ ({
  json: { type: 'boolean', default: false },
  seeds: { type: 'string', default: '3' },
});
const { json, seeds } = parseArgs({ options }).values;
await compare(Number(seeds));

/** @param {number} seedCount */
async function compare(seedCount) {
  const ribltSymbols = await peerOf();
  const rows = [];
  for (const { authors, ceilings } of cases) {
    const entries = entriesBy(entryCount, authors);
    for (const kind of /** @type {const} */ (['newest', 'holes'])) {
      for (const [difference, ceiling] of Object.entries(ceilings)) {
        const setting = { entries, kind, difference: Number(difference), seedCount };
        const auto = worst({ ...setting, reconcile: 'auto' });
        const row = {
          authors,
          kind,
          difference: setting.difference,
          bytes: auto.bytes,
          ceiling,
          tripsToKnow: auto.tripsToKnow,
          trips: auto.trips,
          entriesMoved: auto.entriesMoved,
          isEqual: auto.isEqual,
          clockBytes: worst({ ...setting, seedCount: 1, reconcile: 'clock' }).bytes,
          bloomBytes: worst({ ...setting, seedCount: 1, reconcile: 'bloom' }).bytes,
          boundBytes: boundBytes(entryCount, setting.difference),
          ribltSymbols: ribltSymbols(setting),
        };
        rows.push(row);
        if (!json) console.log(rows.length === 1 ? `${titles()}\n${lineOf(row)}` : lineOf(row));
      }
    }
  }
  const isMet = rows.every(
    (row) => row.bytes <= row.ceiling && row.isEqual && row.entriesMoved === row.difference,
  );
  if (json) console.log(JSON.stringify({ bench: 'reconcile', entryCount, seeds: seedCount, isMet, rows }));
  else console.log(isMet ? 'all within their ceilings' : 'NOT all within their ceilings');
  if (!isMet) process.exitCode = 1;
}

/** @typedef {{ entries: readonly BenchEntry[], kind: Kind, difference: number, seedCount: number }} Setting */

/** @param {Setting & { reconcile: Reconcile }} setting */
function worst({ entries, kind, difference, seedCount, reconcile }) {
  const all = { bytes: 0, tripsToKnow: 0, trips: 0, entriesMoved: 0, isEqual: true };
  for (let seed = 1; seed <= (difference === 0 ? 1 : seedCount); seed++) {
    const lacked = lackedOf(kind, difference, seed);
    const none = new Set();
    for (const [lackedByA, lackedByB] of [
      [lacked, none],
      [none, lacked],
    ]) {
      const a = new Side({ index: 1, reconcile, seed, entries, lacked: lackedByA ?? none });
      const b = new Side({ index: 2, reconcile, seed: seed + 1_000, entries, lacked: lackedByB ?? none });
      const cost = meet(a, b);
      all.isEqual &&= cost.isEqual;
      for (const name of /** @type {const} */ (['bytes', 'tripsToKnow', 'trips', 'entriesMoved']))
        all[name] = Math.max(all[name], cost[name]);
    }
  }
  return all;
}

/**
 * Which entries one side lacks, by their place in the order of age.
 *
 * @param {Kind} kind
 * @param {number} count
 * @param {number} seed
 * @returns {Set<number>}
 */
function lackedOf(kind, count, seed) {
  if (kind === 'newest') return new Set(Array.from({ length: count }, (_, index) => entryCount - 1 - index));
  const draw = seededNumbers(seed);
  /** @type {Set<number>} */
  const lacked = new Set();
  while (lacked.size < count) lacked.add(Math.floor(draw() * entryCount));
  return lacked;
}

/**
 * How many coded symbols @peerbit/riblt needs for the set of entries itself.
 *
 * @returns {Promise<(setting: Setting) => number>}
 */
async function peerOf() {
  await installPeers();
  const riblt = /** @type {Riblt} */ (await importPeer('@peerbit/riblt'));
  const { ready, EncoderWrapper, DecoderWrapper } = riblt;
  await ready;
  return ({ entries, kind, difference }) => {
    const [encoder, decoder] = [new EncoderWrapper(), new DecoderWrapper()];
    const lacked = lackedOf(kind, difference, 1);
    for (const [index, { id }] of entries.entries()) {
      encoder.add_symbol(BigInt(`0x${id.slice(0, 16)}`));
      if (!lacked.has(index)) decoder.add_symbol(BigInt(`0x${id.slice(0, 16)}`));
    }
    for (let count = 1; ; count++) {
      decoder.add_coded_symbol(encoder.produce_next_coded_symbol());
      decoder.try_decode();
      if (decoder.decoded()) return count;
    }
  };
}

/** @typedef {{ ready: Promise<unknown>, EncoderWrapper: new () => Encoder, DecoderWrapper: new () => Decoder }} Riblt */
/** @typedef {{ add_symbol(symbol: bigint): void, produce_next_coded_symbol(): unknown }} Encoder */
/** @typedef {{ add_symbol(symbol: bigint): void, add_coded_symbol(symbol: unknown): void, try_decode(): void, decoded(): boolean }} Decoder */

function titles() {
  return row([
    'authors',
    'lacking',
    'd',
    'auto B',
    'at most',
    'trips',
    'clock B',
    'Bloom B',
    'bound B',
    'riblt',
  ]);
}

/** @param {Record<string, number | string | boolean>} figures */
function lineOf({
  authors,
  kind,
  difference,
  bytes,
  ceiling,
  tripsToKnow,
  trips,
  clockBytes,
  bloomBytes,
  ...rest
}) {
  const tripsShown = `${String(tripsToKnow)}/${String(trips)}`;
  const peers = [rest['boundBytes'], rest['ribltSymbols']];
  return row([authors, kind, difference, bytes, ceiling, tripsShown, clockBytes, bloomBytes, ...peers]);
}

/** @param {readonly unknown[]} cells */
function row(cells) {
  return cells.map((cell) => String(cell).padStart(9)).join('');
}
