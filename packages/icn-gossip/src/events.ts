import type { Did } from '@icn/identity';
import type { EntryParts } from './entry/entry.js';
import type { EntryId, EntryName } from './entry/entry-name.js';
import type { StoredHeader, StoredWithdrawal, StoreWrite } from './entry/entry-store.js';
import type { GossipErrorCode } from './errors.js';
import type { AccessControl } from './gossip.js';
import type { Topic } from './topic.js';
import type { ClosedLog } from './wire/messages.js';

/** What happened, told to the gossip machine by its driver. */
export type GossipEvent =
  /** A link to a proven peer is up; frames to it arrive in order until `peer-down`. */
  | { readonly type: 'peer-up'; readonly peer: Did }
  | { readonly type: 'peer-down'; readonly peer: Did }
  /** A peer sent a frame: hostile until shown otherwise. */
  | { readonly type: 'received'; readonly from: Did; readonly frame: Uint8Array }
  /** The store was read, before `joined`: entries of a topic in the order of `EntryStore.headers`, in any number of events. */
  | {
      readonly type: 'restored';
      readonly topic: Topic;
      readonly entries: readonly (StoredHeader | StoredWithdrawal)[];
    }
  /** The node follows a topic from now on. */
  | { readonly type: 'joined'; readonly topic: Topic; readonly access: AccessControl }
  /** The node follows a topic no more; what it holds of it stays in the store. */
  | { readonly type: 'left'; readonly topic: Topic }
  /** A `connect` came to nothing: the peer cannot be reached now. */
  | { readonly type: 'unreachable'; readonly peer: Did }
  /** The driver met another live node with this node's DID. */
  | { readonly type: 'twin-met' }
  /**
   * The application has something to publish: entries that follow each other in the log, all of them or none. `ref`
   * names the request in the answer.
   */
  | {
      readonly type: 'submitted';
      readonly topic: Topic;
      readonly payloads: readonly Uint8Array[];
      readonly ref: number;
    }
  /** The write of that number, and all before it, are on disk. */
  | { readonly type: 'persisted'; readonly write: number }
  /** The answer to `load`, as `EntryStore.read` gave it. */
  | { readonly type: 'loaded'; readonly load: number; readonly entries: readonly (EntryParts | undefined)[] }
  /** The time of `wakeAtMs` has come. */
  | { readonly type: 'woke' };

/** What the driver is to do, in this order. */
export type GossipEffect =
  /** One frame to each of these peers. Where both wait, `control` goes before `bulk`. May be dropped: repair finds out. */
  | {
      readonly type: 'send';
      readonly to: readonly Did[];
      readonly frame: Uint8Array;
      readonly priority: 'control' | 'bulk';
    }
  /** Write atomically and durably, in the order of the numbers; then tell `persisted`. If it fails, stop the node. */
  | { readonly type: 'persist'; readonly write: number; readonly writes: readonly StoreWrite[] }
  /** Read after all writes ordered before; then tell `loaded`. */
  | {
      readonly type: 'load';
      readonly load: number;
      readonly topic: Topic;
      readonly ids: readonly EntryId[];
      readonly bytesMax: number;
    }
  /** An entry has its local position and is durable: consumers may read it. Each position once, ascending (I7). */
  | {
      readonly type: 'deliver';
      readonly topic: Topic;
      readonly position: number;
      readonly name: EntryName;
      readonly late: boolean;
      /**
       * Its author forked the log there (I9): when it was delivered, another entry with the same `prev` was known
       * here. The first of several is not marked, nor is what follows them.
       */
      readonly forked: boolean;
    }
  /**
   * What leaves a topic after it was delivered, at a position of its own in the consumers' sequence: the log was
   * closed from seq `from` on, because its author forked it beyond bearing (I9).
   */
  | { readonly type: 'withdraw'; readonly topic: Topic; readonly position: number; readonly log: ClosedLog }
  /** What was `submitted` is durable, under these names, in the order of the payloads. */
  | { readonly type: 'acknowledge'; readonly ref: number; readonly names: readonly EntryName[] }
  /** What was `submitted` surely did not happen. */
  | {
      readonly type: 'reject';
      readonly ref: number;
      readonly code: GossipErrorCode;
      readonly message: string;
    }
  /** Reach this peer, by whatever address is known; then tell `peer-up` or `unreachable`. */
  | { readonly type: 'connect'; readonly peer: Did }
  /** Keep the link to this peer: a topic's overlay stands on it. Until `release`; counted, so each takes one. */
  | { readonly type: 'protect'; readonly peer: Did }
  | { readonly type: 'release'; readonly peer: Did }
  /** The peer has nothing to say to this node. */
  | { readonly type: 'disconnect'; readonly peer: Did; readonly reason: 'network-wrong' | 'version-unknown' };
