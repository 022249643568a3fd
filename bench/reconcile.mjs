/**
 * What it costs two nodes to find out in what they differ: bytes of gossip frames in both directions, without the
 * entries in them, until their roots are equal. Two machines of @icn/gossip exchange frames in lockstep; nothing is
 * remembered of earlier sessions. Beside each figure: the bytes with which the difference could be named at least,
 * and the coded symbols that @peerbit/riblt needs for the same difference of heads.
 *
 *   pnpm bench reconcile [--json] [--seeds N]
 */
import { parseArgs } from 'node:util';
import { keyPairFromSeed, toHex } from '@icn/identity';
import { Gossip, decodeMessage, encodeParts, entryIdOf, parseTopic } from '@icn/gossip';

const ENTRY_COUNT = 10_000;
const DIFFERENCES = [0, 1, 10, 100, 1_000];
const TOPIC = parseTopic('notes');
const NETWORK = 'bench';
/** Most bytes for each difference, by authors. */
const TARGETS = { 64: [100, 300, 1_500, 6_000, 12_000], 10_000: [100, 200, 800, 6_000, 40_000] };

/** A number in [0, 1) from a seed: mulberry32. */
function seededNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function seededBytes(seed) {
  const draw = seededNumbers(seed);
  return (byteCount) => Uint8Array.from({ length: byteCount }, () => Math.floor(draw() * 256));
}

function keyPairOf(index) {
  const seed = new Uint8Array(32);
  new DataView(seed.buffer).setUint32(28, index);
  return keyPairFromSeed(seed);
}

function machine(index, reconcile, seed) {
  const gossip = new Gossip({
    keyPair: keyPairOf(index),
    network: NETWORK,
    random: seededBytes(seed),
    reconcile,
  });
  gossip.handle({ type: 'joined', topic: TOPIC, access: { type: 'Public' } }, 0);
  return gossip;
}

/** The parts of `count` entries of one author, in order. */
function logOf(author, count) {
  const gossip = machine(author, 'auto', author);
  const parts = [];
  for (let ref = 0; ref < count; ref++) {
    const payload = new TextEncoder().encode(`${author}/${ref}`);
    const effects = gossip.handle({ type: 'submitted', topic: TOPIC, payload, ref }, 1_700_000_000_000);
    const persist = effects.find(({ type }) => type === 'persist');
    parts.push(persist.writes.find(({ type }) => type === 'entry').parts);
    gossip.handle({ type: 'persisted', write: persist.write }, 1_700_000_000_000);
  }
  return parts;
}

/** All entries, the oldest first: authors take turns. */
function entriesBy(authorCount) {
  const perAuthor = Math.ceil(ENTRY_COUNT / authorCount);
  const logs = Array.from({ length: authorCount }, (_, index) => logOf(1_000 + index, perAuthor));
  const turns = Array.from({ length: perAuthor }, (_, turn) => logs.map((log) => log[turn]));
  return turns.flat().slice(0, ENTRY_COUNT);
}

/** Which entries one side lacks. */
function lacking(kind, count, seed) {
  if (kind === 'newest') return new Set(Array.from({ length: count }, (_, index) => ENTRY_COUNT - 1 - index));
  const draw = seededNumbers(seed);
  const lacked = new Set();
  while (lacked.size < count) lacked.add(Math.floor(draw() * ENTRY_COUNT));
  return lacked;
}

/** A machine whose disk is a map, and instant. */
class Side {
  #entries;

  constructor({ index, reconcile, entries, lacked, seed }) {
    const keyPair = keyPairOf(index);
    this.did = keyPair.did;
    this.#entries = new Map(entries.map(({ id, parts }) => [id, parts]));
    const limits = { parkedPerLogMax: ENTRY_COUNT };
    this.gossip = new Gossip({ keyPair, network: NETWORK, random: seededBytes(seed), reconcile, limits });
    const kept = entries.filter((_, position) => !lacked.has(position));
    const headers = kept.map(({ parts }) => ({ header: parts.header, position: undefined }));
    this.tell({ type: 'restored', topic: TOPIC, entries: headers });
    this.tell({ type: 'joined', topic: TOPIC, access: { type: 'Public' } });
  }

  get root() {
    return toHex(this.gossip.status()[0].root);
  }

  /** Returns the frames that come of an event. */
  tell(event) {
    const frames = [];
    for (const effect of this.gossip.handle(event, nowMs)) {
      if (effect.type === 'send') frames.push(effect.frame);
      if (effect.type === 'persist') frames.push(...this.tell({ type: 'persisted', write: effect.write }));
      if (effect.type === 'load') {
        const entries = effect.ids.map((id) => this.#entries.get(id));
        frames.push(...this.tell({ type: 'loaded', load: effect.load, entries }));
      }
    }
    return frames;
  }
}

let nowMs = 1_700_000_000_000;

/** Bytes of the entries in a frame: they are what is moved, not what finding them costs. */
function entryBytes(message) {
  if (message.type !== 'PullResponse' && message.type !== 'Announcements') return 0;
  return message.entries.reduce((sum, parts) => sum + encodeParts(parts).length, 0);
}

/**
 * Lets two nodes meet and exchange frames, all that are under way at once, until neither says anything. `learner`
 * lacks entries. Returns what it cost.
 */
function reconcile(a, b) {
  const cost = { bytes: 0, meetingBytes: 0, trips: 0, tripsToKnow: undefined, entriesMoved: 0 };
  let flying = [
    { to: b, from: a, frames: a.tell({ type: 'peer-up', peer: b.did }) },
    { to: a, from: b, frames: b.tell({ type: 'peer-up', peer: a.did }) },
  ];
  for (let halfTrips = 0; flying.some(({ frames }) => frames.length > 0); halfTrips++) {
    let isAfterMeeting = false;
    for (const { frames } of flying) {
      for (const frame of frames) {
        const message = decodeMessage(frame);
        if (message.type === 'Hello' || message.type === 'Subscribe') cost.meetingBytes += frame.length;
        else {
          isAfterMeeting = true;
          cost.bytes += frame.length - entryBytes(message);
          if (message.type === 'PullResponse') cost.entriesMoved += message.entries.length;
          if (message.type === 'PullRequest') cost.tripsToKnow ??= cost.trips;
        }
      }
    }
    if (isAfterMeeting && (a.root !== b.root || cost.trips === 0)) cost.trips += 0.5;
    flying = flying.map(({ to, from, frames }) => {
      return {
        to: from,
        from: to,
        frames: frames.flatMap((frame) => to.tell({ type: 'received', from: from.did, frame })),
      };
    });
  }
  return cost;
}

/** The worst of several runs. */
function measure({ entries, difference, kind, strategy, seeds }) {
  const worst = { bytes: 0, meetingBytes: 0, trips: 0, tripsToKnow: 0, entriesMoved: 0, isEqual: true };
  for (let seed = 1; seed <= seeds; seed++) {
    for (const isAskerBehind of [true, false]) {
      const lacked = lacking(kind, difference, seed);
      const none = new Set();
      const a = new Side({
        index: 1,
        reconcile: strategy,
        entries,
        lacked: isAskerBehind ? lacked : none,
        seed,
      });
      const b = new Side({
        index: 2,
        reconcile: strategy,
        entries,
        lacked: isAskerBehind ? none : lacked,
        seed: seed + 1_000,
      });
      const cost = reconcile(a, b);
      worst.isEqual &&= a.root === b.root;
      for (const name of Object.keys(cost)) worst[name] = Math.max(worst[name], cost[name] ?? 0);
    }
    if (difference === 0) break;
  }
  return worst;
}

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, seeds: { type: 'string', default: '5' } },
});
const seeds = Number(values.seeds);
const rows = [];
for (const [authors, targets] of Object.entries(TARGETS)) {
  const entries = entriesBy(Number(authors)).map((parts) => ({ id: entryIdOf(parts.header), parts }));
  for (const kind of ['newest', 'holes']) {
    for (const [index, difference] of DIFFERENCES.entries()) {
      for (const strategy of ['auto', 'clock', 'bloom']) {
        const cost = measure({ entries, difference, kind, strategy, seeds });
        rows.push({ authors: Number(authors), kind, difference, strategy, target: targets[index], ...cost });
        console.error(JSON.stringify(rows.at(-1)));
      }
    }
  }
}
