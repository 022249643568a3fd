/**
 * The two ends of a reconciliation for reconcile.mjs: a set of entries, machines of @icn/gossip that hold parts of
 * it, and the exchange of frames between two of them in lockstep.
 */
import { Gossip, decodeMessage, encodeParts, entryIdOf, parseTopic } from '@icn/gossip';
import { keyPairFromSeed, toHex } from '@icn/identity';

/** @typedef {import('@icn/gossip').EntryParts} EntryParts */
/** @typedef {import('@icn/gossip').EntryId} EntryId */
/** @typedef {import('@icn/gossip').GossipEvent} GossipEvent */
/** @typedef {import('@icn/gossip').GossipMessage} GossipMessage */
/** @typedef {import('@icn/gossip').Reconcile} Reconcile */
/** @typedef {{ readonly id: EntryId, readonly parts: EntryParts }} BenchEntry */
/** @typedef {{ bytes: number, tripsToKnow: number, trips: number, entriesMoved: number, isEqual: boolean }} Cost */

const topic = parseTopic('notes');
const network = 'bench';
const nowMs = 1_700_000_000_000;

/**
 * A number in [0, 1) from a seed: mulberry32.
 *
 * @param {number} seed
 */
export function seededNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * Entries of so many authors who take turns, the oldest first.
 *
 * @param {number} entryCount
 * @param {number} authorCount
 * @returns {BenchEntry[]}
 */
export function entriesBy(entryCount, authorCount) {
  const perAuthor = Math.ceil(entryCount / authorCount);
  const logs = Array.from({ length: authorCount }, (_, index) => logOf(1_000 + index, perAuthor));
  const turns = Array.from({ length: perAuthor }, (_, turn) => logs.flatMap((log) => log[turn] ?? []));
  const parts = turns.flat().slice(0, entryCount);
  return parts.map((entry) => ({ id: entryIdOf(entry.header), parts: entry }));
}

/**
 * @param {number} author
 * @param {number} count
 * @returns {EntryParts[]}
 */
function logOf(author, count) {
  const gossip = machine(author, 'auto', author);
  gossip.handle({ type: 'joined', topic, access: { type: 'Public' } }, nowMs);
  return Array.from({ length: count }, (_, ref) => {
    const payload = new TextEncoder().encode(`${author}/${ref}`);
    const effects = gossip.handle({ type: 'submitted', topic, payloads: [payload], ref }, nowMs);
    const writes = effects.flatMap((effect) => (effect.type === 'persist' ? effect.writes : []));
    const [parts] = writes.flatMap((write) => (write.type === 'entry' ? [write.parts] : []));
    if (parts === undefined) throw new Error('the machine did not order its entry to be written');
    return parts;
  });
}

/**
 * @param {number} index
 * @param {Reconcile} reconcile
 * @param {number} seed
 */
function machine(index, reconcile, seed) {
  const secret = new Uint8Array(32);
  new DataView(secret.buffer).setUint32(28, index);
  const draw = seededNumbers(seed);
  /** @param {number} byteCount */
  const random = (byteCount) => Uint8Array.from({ length: byteCount }, () => Math.floor(draw() * 256));
  const limits = { parkedPerLogMax: 100_000, ownHeadWaitMs: 0 };
  return new Gossip({ keyPair: keyPairFromSeed(secret), network, random, reconcile, limits });
}

/** A node whose disk is a map, and instant. */
export class Side {
  #entries;
  #gossip;

  /**
   * @param {{ index: number, reconcile: Reconcile, seed: number, entries: readonly BenchEntry[], lacked: ReadonlySet<number> }} options
   */
  constructor({ index, reconcile, seed, entries, lacked }) {
    const secret = new Uint8Array(32);
    new DataView(secret.buffer).setUint32(28, index);
    this.did = keyPairFromSeed(secret).did;
    this.#entries = new Map(entries.map(({ id, parts }) => [id, parts]));
    this.#gossip = machine(index, reconcile, seed);
    const kept = entries.filter((_, position) => !lacked.has(position));
    const rows = kept.map(({ parts }) => ({ header: parts.header, position: undefined }));
    this.tell({ type: 'restored', topic, entries: rows });
    this.tell({ type: 'joined', topic, access: { type: 'Public' } });
  }

  get root() {
    const [status] = this.#gossip.status();
    return status === undefined ? '' : toHex(status.root);
  }

  /**
   * Returns the frames that come of an event.
   *
   * @param {GossipEvent} event
   * @returns {Uint8Array[]}
   */
  tell(event) {
    return this.#gossip.handle(event, nowMs).flatMap((effect) => {
      if (effect.type === 'send') return [effect.frame];
      if (effect.type === 'persist') return this.tell({ type: 'persisted', write: effect.write });
      if (effect.type !== 'load') return [];
      const entries = effect.ids.map((id) => this.#entries.get(id));
      return this.tell({ type: 'loaded', load: effect.load, entries });
    });
  }
}

/**
 * Lets two nodes meet, and carries all frames that are under way at once, until neither says anything. The greetings
 * of the link and the neighbours' talk of the overlay are not counted.
 *
 * @param {Side} a
 * @param {Side} b
 * @returns {Cost}
 */
export function meet(a, b) {
  const cost = { bytes: 0, tripsToKnow: 0, trips: 0, entriesMoved: 0, isEqual: false };
  let fromA = a.tell({ type: 'peer-up', peer: b.did });
  let fromB = b.tell({ type: 'peer-up', peer: a.did });
  let halfTrips = 0;
  while (fromA.length + fromB.length > 0) {
    const messages = [...fromA, ...fromB].flatMap((frame) => billed(frame) ?? []);
    for (const { message, byteCount } of messages) {
      cost.bytes += byteCount;
      if (message.type === 'PullResponse') cost.entriesMoved += message.entries.length;
      if (message.type === 'PullRequest' && cost.tripsToKnow === 0) cost.tripsToKnow = halfTrips / 2;
    }
    if (messages.length > 0) halfTrips++;
    const toA = fromB.flatMap((frame) => a.tell({ type: 'received', from: b.did, frame }));
    fromB = fromA.flatMap((frame) => b.tell({ type: 'received', from: a.did, frame }));
    fromA = toA;
    if (!cost.isEqual && a.root === b.root) [cost.isEqual, cost.trips] = [true, halfTrips / 2];
  }
  return cost;
}

/**
 * What a frame costs: its bytes without the entries in it. Undefined for what belongs to no reconciliation.
 *
 * @param {Uint8Array} frame
 */
function billed(frame) {
  const message = decodeMessage(frame);
  if (typeof message === 'string') throw new Error(`a machine sent a frame that is ${message}`);
  if (!RECONCILING.has(message.type)) return undefined;
  const entries = message.type === 'PullResponse' ? message.entries : [];
  const entryBytes = entries.reduce((sum, parts) => sum + (parts ? encodeParts(parts).length : 1), 0);
  return { message, byteCount: frame.length - entryBytes };
}

/** @type {ReadonlySet<GossipMessage['type']>} */
const RECONCILING = new Set(['Roots', 'AntiEntropy', 'Announcement', 'PullRequest', 'PullResponse']);
