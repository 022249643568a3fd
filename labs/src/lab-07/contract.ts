import type { Did } from '@icn/identity';
import xxhash from 'xxhash-wasm';

// What your machine of lab 07 is told, what it may order, and what nodes say to each other. It is the vocabulary of
// @icn/gossip with the hard parts taken out: entries come to you decoded, signed and checked, and what you order to be
// said waits until what you delivered is on disk.

export type { Did };

/** Which entry: the `seq`-th of its author in a topic, and the hash of its bytes. */
export interface EntryName {
  readonly author: Did;
  /** 1, 2, 3… without holes, in each topic: authors count densely. */
  readonly seq: number;
  /** 64 hex digits. Two entries are the same if and only if their ids are. */
  readonly id: string;
}

/** A signed entry, whose signature was checked before you saw it. You pass it on as it is. */
export interface Entry extends EntryName {
  readonly topic: string;
  readonly text: string;
}

/** What nodes say to each other. */
export type Message =
  /** I follow these topics. */
  | { readonly type: 'Subscribe'; readonly topics: readonly string[] }
  /** Push: this entry exists. */
  | { readonly type: 'Announcement'; readonly topic: string; readonly name: EntryName }
  /** Pull: give me these. */
  | { readonly type: 'PullRequest'; readonly topic: string; readonly missing: readonly EntryName[] }
  /** The answer to a pull, to the asker alone. */
  | { readonly type: 'PullResponse'; readonly topic: string; readonly entries: readonly Entry[] }
  /** Repair: this is what I hold; announce to me what I lack. */
  | { readonly type: 'AntiEntropy'; readonly topic: string; readonly summary: Summary };

/** How a node says what it holds, in few bytes. */
export type Summary =
  /** Of each author, how many entries it has without a hole. */
  | { readonly type: 'clock'; readonly counts: readonly (readonly [Did, number])[] }
  /** A Bloom filter of the ids it holds. */
  | { readonly type: 'filter'; readonly salt: bigint; readonly bytes: Uint8Array };

/** Who may read and write a topic. */
export type Access =
  | { readonly type: 'Public' }
  /** These alone. */
  | { readonly type: 'Private'; readonly allowed: readonly Did[] }
  /** Whoever this node trusts at least so much. */
  | { readonly type: 'TrustGated'; readonly minTrust: number };

/** What happened. */
export type Event =
  /** This node follows a topic from now on. */
  | { readonly type: 'joined'; readonly topic: string; readonly access: Access }
  /** A link to a peer is up: `peer` is proven to be that DID. Links go down and come up again. */
  | { readonly type: 'peer-up'; readonly peer: Did }
  | { readonly type: 'peer-down'; readonly peer: Did }
  /** A peer said something. It may be lost, late, doubled, or a lie. */
  | { readonly type: 'received'; readonly from: Did; readonly message: Message }
  /** The application published: a new entry of this node's own, already named and signed. */
  | { readonly type: 'submitted'; readonly entry: Entry }
  /** The time of `wakeAtMs` has come. */
  | { readonly type: 'woke' };

/** What the machine orders the world to do. */
export type Effect =
  | { readonly type: 'send'; readonly to: Did; readonly message: Message }
  /** Write the entry to disk and give it to the application: each entry once, each author's in the order of seq. */
  | { readonly type: 'deliver'; readonly entry: Entry };

/** What your machine is made with. */
export interface Setup {
  /** The DID of this node. */
  readonly self: Did;
  /** Which summary its AntiEntropy carries: `clock` in parts 3 and 4, `filter` from part 5 on. */
  readonly summary: Summary['type'];
  /** Fresh random bytes. The machine draws no randomness elsewhere, so that a seed replays a run. */
  readonly random: (byteCount: number) => Uint8Array;
  /** How far this node trusts somebody, 0 to 1. */
  readonly trustOf: (did: Did) => number;
}

/**
 * Events in, effects out: no socket, no clock, no disk. The world calls `handle` with each event and carries out what
 * it returns, in order; when the time of `wakeAtMs` has come it tells `woke`. `handle` never throws, whatever a peer said.
 */
export interface Machine {
  readonly wakeAtMs: number | undefined;
  handle(event: Event, nowMs: number): readonly Effect[];
}

/** Between two rounds of anti-entropy. */
export const roundMs = 5_000;

const hasher = await xxhash();

/** 64 bits of a text under a salt: under another salt the bits are others, and nobody can tell which. */
export function hash64(text: string, salt: bigint): bigint {
  return hasher.h64(text, BigInt.asUintN(64, salt));
}
