import { toHex } from '@icn/identity';
import type { VerifiedEntry } from '../src/entry/entry.js';
import { encodeParts } from '../src/entry/entry.js';
import type { Reconcile } from '../src/topic/topic-context.js';
import { keyPair, logOf, NETWORK, seededBytes, TOPIC } from './fixtures.js';
import { exchange, round, Side, type Said } from './side.js';
import { said as wordsOf } from './transcript.js';

export interface Setting {
  readonly label: string;
  readonly reconcile: Reconcile;
  /** Entries of the first node and the second, by their place in the list. */
  readonly holdings: readonly [readonly number[], readonly number[]];
  /** Entries that the second takes in after both were seen equal. */
  readonly news: readonly number[];
}

const DIDS = [1, 2] as const;

/** Logs of 12 authors, 3 entries each, the oldest first; and one more entry of the first two. */
const ENTRIES: readonly VerifiedEntry[] = (() => {
  const logs = Array.from({ length: 12 }, (_, index) => logOf(keyPair(200 + index), index < 2 ? 4 : 3));
  return Array.from({ length: 4 }, (_, turn) => logs.flatMap((log) => log.slice(turn, turn + 1))).flat();
})();
const ALL = Array.from({ length: 36 }, (_, index) => index);

const few = ALL.filter((index) => index % 12 < 3);
const but = (all: readonly number[], ...lacked: number[]) => all.filter((index) => !lacked.includes(index));

export const SETTINGS: readonly Setting[] = [
  { label: 'equal', reconcile: 'auto', holdings: [ALL, ALL], news: [] },
  { label: 'newest, by clock', reconcile: 'auto', holdings: [but(few, 24, 25), few], news: [] },
  { label: 'newest, by sketch', reconcile: 'sketch', holdings: [but(ALL, 35), ALL], news: [] },
  {
    label: 'newest at who asks, by sketch',
    reconcile: 'sketch',
    holdings: [ALL, but(ALL, 34, 35)],
    news: [],
  },
  { label: 'holes', reconcile: 'sketch', holdings: [but(ALL, 0, 17), ALL], news: [] },
  { label: 'delta clock', reconcile: 'auto', holdings: [ALL, ALL], news: [36] },
  { label: 'Bloom filter', reconcile: 'bloom', holdings: [but(few, 24), but(few, 26)], news: [] },
];

/** The two nodes of a setting, before they meet. */
export function sidesOf({ reconcile, holdings }: Setting): [Side, Side] {
  return DIDS.map((index, side) => {
    const entries = holdings[side]!.map((place) => ENTRIES[place]!);
    return new Side({ index, reconcile, entries, random: seededBytes(index) });
  }) as [Side, Side];
}

export function entriesOf({ news }: Setting): VerifiedEntry[] {
  return news.map((place) => ENTRIES[place]!);
}

/** Two nodes meet, and reconcile; after news of the second, the first asks again. */
function converse(setting: Setting): Said[] {
  const [a, b] = sidesOf(setting);
  const meeting = exchange(a, b);
  if (setting.news.length === 0) return meeting;
  const equal = round(b, a);
  b.hold(...entriesOf(setting));
  return [...meeting, ...equal, ...round(a, b)];
}

/** Whole conversations, frame by frame: what each node says, and when. */
export function conversationVectors() {
  const conversations = SETTINGS.map((setting) => ({
    label: setting.label,
    reconcile: setting.reconcile,
    holdings: setting.holdings,
    news: setting.news,
    frames: converse(setting).map(({ from, frame, message, halfTrip }) => ({
      from: from.index,
      halfTrip,
      says: wordsOf(message),
      frame: toHex(frame),
    })),
  }));
  return {
    network: NETWORK,
    topic: TOPIC,
    nodes: DIDS.map((index) => ({ number: index, did: keyPair(index).did, nonce: noncesOf(index) })),
    authors: Array.from({ length: 12 }, (_, index) => ({
      number: 200 + index,
      did: keyPair(200 + index).did,
    })),
    entries: ENTRIES.map(({ name, parts }) => ({ ...name, entry: toHex(encodeParts(parts)) })),
    conversations,
  };
}

/** A node draws the nonce of its link, jitter and salts from one stream of bytes. */
function noncesOf(index: number): string {
  const random = seededBytes(index);
  random(8);
  return toHex(random(8));
}
