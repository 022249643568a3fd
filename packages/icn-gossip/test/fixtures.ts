import { keyPairFromSeed, type Did, type KeyPair } from '@icn/identity';
import { createEntries, createEntry, type VerifiedEntry } from '../src/entry/entry.js';
import type { Dep, EntryLinks } from '../src/entry/entry-header.js';
import type { EntryName } from '../src/entry/entry-name.js';
import { Gossip, type GossipOptions } from '../src/gossip.js';
import type { GossipEffect } from '../src/events.js';
import { decodeMessage } from '../src/wire/message-codec.js';
import { parseTopic, type Topic } from '../src/topic.js';
import type { GossipMessage } from '../src/wire/messages.js';

export const NETWORK = 'test';
export const TOPIC = parseTopic('lobby');

const keyPairs = new Map<number, KeyPair>();

/** The key pair whose seed ends with the number, big-endian. Keys 0, 1, 2… are ordered by DID as `peers` says. */
export function keyPair(index: number): KeyPair {
  let pair = keyPairs.get(index);
  if (pair === undefined) {
    const seed = new Uint8Array(32);
    new DataView(seed.buffer).setUint32(28, index);
    keyPairs.set(index, (pair = keyPairFromSeed(seed)));
  }
  return pair;
}

export function did(index: number): Did {
  return keyPair(index).did;
}

/** A number in [0, 1) from a seed: mulberry32. */
export function seededNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function seededBytes(seed: number): (byteCount: number) => Uint8Array {
  const draw = seededNumbers(seed);
  return (byteCount) => Uint8Array.from({ length: byteCount }, () => Math.floor(draw() * 256));
}

/** In place, by Fisher and Yates. */
export function shuffle<Item>(items: Item[], draw: () => number): Item[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(draw() * (last + 1));
    [items[last], items[other]] = [items[other]!, items[last]!];
  }
  return items;
}

export function text(value: string): Uint8Array {
  return Uint8Array.from(new TextEncoder().encode(value));
}

export interface EntryFields {
  readonly author?: KeyPair;
  readonly network?: string;
  readonly topic?: Topic;
  readonly prev?: EntryName | undefined;
  readonly seq?: number;
  readonly deps?: readonly Dep[];
  readonly payload?: Uint8Array | string;
}

/** A signed entry that follows `prev`, or begins a log. */
export function entryOf({
  author = keyPair(1),
  prev,
  seq,
  deps = [],
  payload = 'hello',
  ...rest
}: EntryFields = {}): VerifiedEntry {
  const fields = {
    network: rest.network ?? NETWORK,
    topic: rest.topic ?? TOPIC,
    lane: 0 as const,
    seq: seq ?? (prev?.seq ?? 0) + 1,
    prev: prev?.id ?? null,
    deps,
    timestampMs: 1_700_000_000_000,
  };
  return createEntry(author, fields, typeof payload === 'string' ? text(payload) : payload);
}

/** The first `count` entries of a log, or its next ones after `prev`. */
export function logOf(author: KeyPair, count: number, prev?: EntryName, label = ''): VerifiedEntry[] {
  const entries: VerifiedEntry[] = [];
  for (let index = 0; index < count; index++) {
    const last = entries.at(-1)?.name ?? prev;
    entries.push(entryOf({ author, prev: last, payload: `${label}${index}` }));
  }
  return entries;
}

/** The first `count` entries of a log, signed together. */
export function batchOf(author: KeyPair, count: number): VerifiedEntry[] {
  const first = {
    network: NETWORK,
    topic: TOPIC,
    lane: 0 as const,
    seq: 1,
    prev: null,
    timestampMs: 1_700_000_000_000,
  };
  const drafts = Array.from({ length: count }, (_, index) => ({ deps: [], payload: text(`batch ${index}`) }));
  return [...createEntries(author, first, drafts)];
}

export function linksOf({ name, header }: VerifiedEntry): EntryLinks {
  return { name, prev: header.prev, deps: header.deps };
}

export function depOf({ author, lane, seq, id }: EntryName): Dep {
  return { author, lane, seq, idPrefix: id.slice(0, 16) };
}

/** A machine whose randomness is seeded and whose key is the index'th. */
export function gossipOf(index: number, options: Partial<GossipOptions> = {}): Gossip {
  return new Gossip({ keyPair: keyPair(index), network: NETWORK, random: seededBytes(index), ...options });
}

export interface Sent {
  readonly to: Did;
  readonly message: GossipMessage;
}

/** The messages among effects, one for each receiver. */
export function sentBy(effects: readonly GossipEffect[]): Sent[] {
  return effects.flatMap((effect) => {
    if (effect.type !== 'send') return [];
    const message = decodeMessage(effect.frame);
    if (typeof message === 'string') throw new Error(`the machine sent a frame that is ${message}`);
    return effect.to.map((to) => ({ to, message }));
  });
}
