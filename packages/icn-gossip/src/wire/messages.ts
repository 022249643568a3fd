import type { Did } from '@icn/identity';
import type { EntryParts } from '../entry/entry.js';
import type { EntryId, EntryName, Lane } from '../entry/entry-name.js';
import type { Slice } from '../repair/bloom-filter.js';
import type { Topic } from '../topic.js';

/** All that two gossiping nodes say to each other. The wire form of each is in docs/protocol/messages.md. */
export type GossipMessage = Hello | Announcement | PullRequest | PullResponse | AntiEntropy;

/** The first message on a link: who speaks of what. Nodes of different networks have nothing to say to each other. */
export interface Hello {
  readonly type: 'Hello';
  readonly version: number;
  readonly network: string;
  /** Messages beyond the baseline that the sender understands. */
  readonly extensions: readonly string[];
}

/** Push: "this entry exists". With the entry itself (eager), or with its name alone (lazy). */
export interface Announcement {
  readonly type: 'Announcement';
  readonly topic: Topic;
  readonly name: EntryName;
  readonly entry: EntryParts | undefined;
}

/** Pull: asks one peer for entries by name and by ranges of logs; answered by one `PullResponse` to the asker alone. */
export interface PullRequest {
  readonly type: 'PullRequest';
  readonly requestId: number;
  readonly topic: Topic;
  readonly missing: readonly EntryName[];
  readonly ranges: readonly LogRange[];
  /** What the asker takes at once; the answer still holds one entry where the first is larger. */
  readonly bytesMax: number;
}

/** Every branch of a log from seq `from` to seq `to`, both included. */
export interface LogRange {
  readonly author: Did;
  readonly lane: Lane;
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

/** Repair: what the sender holds of a topic, said at once on meeting and then every few seconds. Also subscribes. */
export interface AntiEntropy {
  readonly type: 'AntiEntropy';
  readonly topic: Topic;
  /** Drawn by who begins the round, repeated by who answers. */
  readonly roundId: number;
  readonly answer: boolean;
  /** Seed of the filter's hashes (8 bytes), fresh in each round. */
  readonly salt: bigint;
  /** Equal roots: nothing to do. */
  readonly root: Uint8Array;
  /** 8 bytes, redrawn at each start of the sender. */
  readonly epoch: Uint8Array;
  /** The sender's linked heads; null where it leaves them out. */
  readonly clock: readonly ClockComponent[] | null;
  /** Logs that the sender holds closed, with the seq from which. */
  readonly closed: readonly ClosedLog[];
  /** Ids that the sender holds in one slice of the id space. The receiver announces what it lacks. */
  readonly filter: { readonly slice: Slice; readonly bytes: Uint8Array } | null;
  /** A set sketch of an extension; opaque to the baseline. */
  readonly sketch: Uint8Array | null;
}

/** One linked head. `floor`: entries up to this seq are pruned at the sender. */
export interface ClockComponent {
  readonly author: Did;
  readonly lane: Lane;
  readonly floor: number;
  readonly seq: number;
  readonly id: EntryId;
}

export interface ClosedLog {
  readonly author: Did;
  readonly lane: Lane;
  readonly from: number;
}
