import type { Did } from '@icn/identity';
import type { EntryParts } from '../entry/entry.js';
import type { EntryId, EntryName, Lane } from '../entry/entry-name.js';
import type { Slice } from '../repair/bloom-filter.js';
import type { Topic } from '../topic.js';

/** All that two gossiping nodes say to each other. The wire form of each is in docs/protocol/messages.md. */
export type GossipMessage = LinkMessage | TopicMessage;

/** What is said of the link and of all topics together. */
export type LinkMessage = Hello | Subscribe | Unsubscribe | Roots | TopicRoots;

/** What is said of one topic. */
export type TopicMessage =
  | Announcement
  | Announcements
  | Graft
  | Prune
  | PullRequest
  | PullResponse
  | AntiEntropy
  | Equivocation
  | OverlayMessage;

/** The first message on a link: who speaks of what. Nodes of different networks have nothing to say to each other. */
export interface Hello {
  readonly type: 'Hello';
  readonly version: number;
  readonly network: string;
  /** Messages beyond the baseline that the sender understands (`EXTENSIONS`). */
  readonly extensions: readonly string[];
  /** 8 unpredictable bytes, fresh for this link: with the other side's they key the link's sketches. */
  readonly nonce: Uint8Array;
  /** Whether the other side's Hello has come; while it has not, it is said again. */
  readonly heard: boolean;
}

/** The sender follows these topics. */
export interface Subscribe {
  readonly type: 'Subscribe';
  readonly topics: readonly Topic[];
  /** The other side is asked to say all of its own. */
  readonly reply: boolean;
}

export interface Unsubscribe {
  readonly type: 'Unsubscribe';
  readonly topics: readonly Topic[];
}

/** Repair, over all topics that both sides follow: one small message while nothing differs. */
export interface Roots {
  readonly type: 'Roots';
  readonly roundId: number;
  readonly answer: boolean;
  /** Topics that the sender believes both follow. */
  readonly topicCount: number;
  /** The root of their roots; null in an answer: equal to yours. */
  readonly root: Uint8Array | null;
  /** In an answer where the roots differ: the first 8 bytes of each topic's root, in the order of the topics. */
  readonly rows: Uint8Array | null;
}

/** Anti-entropy before a link is up, and its answer: "of these topics I hold that". */
export interface TopicRoots {
  readonly type: 'TopicRoots';
  readonly topics: readonly Topic[];
  /** The first 8 bytes of each topic's root, in their order. */
  readonly rows: Uint8Array;
}

/** Push: "this entry exists". With the entry itself (eager), or with its name alone (lazy). */
export interface Announcement {
  readonly type: 'Announcement';
  readonly topic: Topic;
  readonly name: EntryName;
  readonly entry: EntryParts | undefined;
  /** Links that the entry had passed when it reached the sender: 0 from its author. Said by whoever pushes along the tree. */
  readonly hops?: number | undefined;
}

/** Push of several: entries in full (eager), and names (lazy). */
export interface Announcements {
  readonly type: 'Announcements';
  readonly topic: Topic;
  readonly entries: readonly EntryParts[];
  readonly names: readonly EntryName[];
  /** The names are what the receiver's filter lacks, to be pulled at once; else the tree may bring them yet. */
  readonly isRepair: boolean;
}

/** Push to me eagerly from now on. */
export interface Graft {
  readonly type: 'Graft';
  readonly topic: Topic;
}

/** Push to me lazily from now on: I had what you sent. */
export interface Prune {
  readonly type: 'Prune';
  readonly topic: Topic;
}

/** Pull: asks one peer for entries by name, by ranges of logs, or by what a sketch showed; answered to the asker alone. */
export interface PullRequest {
  readonly type: 'PullRequest';
  readonly requestId: number;
  readonly topic: Topic;
  readonly missing: readonly EntryName[];
  /** Of one log one after another, ascending and apart. */
  readonly ranges: readonly LogRange[];
  /** What the asker takes at once; the answer still holds one entry where the first is larger. */
  readonly bytesMax: number;
  /** Heads that the answerer's sketch showed. */
  readonly heads: HeadsRequest | null;
  /** Closed logs whose evidence is asked for; answered by an `Equivocation` each. */
  readonly evidence: readonly LogName[];
}

/** Heads by their hash under the round's key (`headHash`): `wants` with all below them, down to those of `haves`. */
export interface HeadsRequest {
  readonly roundId: number;
  readonly wants: readonly bigint[];
  readonly haves: readonly bigint[];
}

export interface LogName {
  readonly author: Did;
  readonly lane: Lane;
}

/** Every branch of a log from seq `from` to seq `to`, both included. */
export interface LogRange extends LogName {
  readonly from: number;
  readonly to: number;
}

export interface PullResponse {
  readonly type: 'PullResponse';
  readonly requestId: number;
  readonly topic: Topic;
  /** In the order in which they link. Undefined stands for one that could not be read: it costs only itself. */
  readonly entries: readonly (EntryParts | undefined)[];
  /** The responder holds more of what was asked; ask again. */
  readonly more: boolean;
}

/** Repair of one topic: a question carries root and counts, either may carry a summary of what its sender holds. */
export interface AntiEntropy {
  readonly type: 'AntiEntropy';
  readonly topic: Topic;
  /** Drawn by who begins the round, repeated in all that belongs to it. */
  readonly roundId: number;
  readonly answer: boolean;
  /** Null in an answer: equal to yours; or, with a summary, said before. */
  readonly root: Uint8Array | null;
  /** Lets the other side choose a summary that fits the difference. */
  readonly counts: HoldingCounts | null;
  /** Logs that the sender holds closed, with the seq from which. */
  readonly closed: readonly ClosedLog[];
  readonly summary: Summary | null;
}

export interface HoldingCounts {
  /** Linked heads. */
  readonly heads: number;
  /** Linked and parked entries. */
  readonly held: number;
  readonly parked: number;
}

/** How a message tells what its sender holds, or asks to be told more of it. */
export type Summary = ClockSummary | FilterSummary | SketchSummary | SketchRequest | ClockRequest;

/** Linked heads: all of them, or those that changed since both sides had the root that begins with `base`. */
export interface ClockSummary {
  readonly type: 'clock';
  readonly clock: readonly ClockComponent[];
  readonly base: Uint8Array | null;
}

/** Ids in one slice of the id space. The receiver announces what it lacks. */
export interface FilterSummary {
  readonly type: 'filter';
  /** Seed of the filter's hashes (8 bytes), fresh in each round. */
  readonly salt: bigint;
  readonly slice: Slice;
  readonly bytes: Uint8Array;
}

/** Coded symbols of the sender's linked heads, from number `first` on. */
export interface SketchSummary {
  readonly type: 'sketch';
  readonly first: number;
  readonly symbols: Uint8Array;
}

/** Asks for `count` coded symbols of the receiver's heads, from number `first` on. */
export interface SketchRequest {
  readonly type: 'sketch-request';
  readonly first: number;
  readonly count: number;
}

/** Asks for the receiver's whole clock. */
export interface ClockRequest {
  readonly type: 'clock-request';
}

/** One linked head. `floor`: entries up to this seq are pruned at the sender. */
export interface ClockComponent extends LogName {
  readonly floor: number;
  readonly seq: number;
  readonly id: EntryId;
}

export interface ClosedLog extends LogName {
  readonly from: number;
}

/**
 * Evidence that closes a data log: headers and proofs, no payloads, of entries that share their `prev` with another
 * of them; `PROTOCOL.witnessEntriesMax` at most.
 */
export interface Equivocation {
  readonly type: 'Equivocation';
  readonly topic: Topic;
  readonly entries: readonly EntryParts[];
}

/** The partial view of a topic's followers (HyParView). */
export type OverlayMessage =
  /** A newcomer asks its contact for a place in the overlay. */
  | { readonly type: 'Join'; readonly topic: Topic }
  /** The newcomer's walk through the overlay. */
  | { readonly type: 'ForwardJoin'; readonly topic: Topic; readonly joiner: Did; readonly ttl: number }
  /** Asks to be neighbours. Urgent: the sender has none, so it must not be refused. */
  | { readonly type: 'Neighbor'; readonly topic: Topic; readonly isUrgent: boolean }
  | { readonly type: 'NeighborAnswer'; readonly topic: Topic; readonly accepted: boolean }
  /** Neighbours no longer; the link may stay for other uses. */
  | { readonly type: 'Disconnect'; readonly topic: Topic }
  | {
      readonly type: 'Shuffle';
      readonly topic: Topic;
      readonly origin: Did;
      readonly ttl: number;
      readonly peers: readonly Did[];
    }
  | { readonly type: 'ShuffleReply'; readonly topic: Topic; readonly peers: readonly Did[] };
