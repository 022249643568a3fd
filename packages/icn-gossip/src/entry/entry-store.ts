import type { EntryParts } from './entry.js';
import type { EntryId } from './entry-name.js';
import type { Topic } from '../topic.js';
import type { ClosedLog } from '../wire/messages.js';

/** One change of the store. Nothing is ever taken away. */
export type StoreWrite =
  /** Without payload it is a header that proves something; a payload that is there already stays. */
  | { readonly type: 'entry'; readonly topic: Topic; readonly id: EntryId; readonly parts: EntryParts }
  /** An entry that was delivered; `late` and `forked` as its `deliver` said, false where they are not given. */
  | {
      readonly type: 'position';
      readonly topic: Topic;
      readonly position: number;
      readonly id: EntryId;
      readonly late?: boolean;
      readonly forked?: boolean;
    }
  /** A position that tells of what left the topic, instead of an entry. */
  | {
      readonly type: 'withdrawal';
      readonly topic: Topic;
      readonly position: number;
      readonly log: ClosedLog;
    };

/** An entry as a store gives it back at start: without payload; `position` where it was delivered. Damaged, it has no header bytes. */
export interface StoredHeader {
  readonly header: Uint8Array;
  readonly position: number | undefined;
}

/** A position that tells of what left the topic, as a store gives it back at start. */
export interface StoredWithdrawal {
  readonly position: number;
  readonly log: ClosedLog;
}

/** What a local position holds: an entry that was delivered there, or the notice that a log left the topic. */
export type PositionedItem =
  | {
      readonly position: number;
      readonly type: 'entry';
      readonly parts: EntryParts;
      readonly late: boolean;
      readonly forked: boolean;
    }
  | { readonly position: number; readonly type: 'withdrawal'; readonly log: ClosedLog };

/**
 * Where a node keeps its entries: a port of the driver, which carries out `persist` and `load` with it.
 * Bytes go in and come out unchanged (I5). Methods reject with the store's own error where the world fails.
 */
export interface EntryStore {
  /** Writes all or nothing, and resolves once it survives a crash of the process and of the machine. */
  write(writes: readonly StoreWrite[]): Promise<void>;
  /** The topics that have entries, sorted. */
  topics(): Promise<readonly Topic[]>;
  /** All headers of a topic in batches: those with a position first, in order of position, withdrawals among them. */
  headers(topic: Topic): AsyncIterable<readonly (StoredHeader | StoredWithdrawal)[]>;
  /**
   * Entries in the order of `ids`, undefined where one is missing. Stops before the entry that would pass
   * `bytesMax`, but never before the first; so the answer may be shorter than `ids`.
   */
  read(topic: Topic, ids: readonly EntryId[], bytesMax: number): Promise<readonly (EntryParts | undefined)[]>;
  /** What the positions from one on hold, at most `countMax` of them, in order; damaged entries are left out. */
  readFrom(topic: Topic, position: number, countMax: number): Promise<readonly PositionedItem[]>;
  /** How far each consumer of a topic has committed; names are the caller's to bound. */
  cursors(topic: Topic): Promise<ReadonlyMap<string, number>>;
  /** Keeps how far a consumer has come: durable when it resolves, and never less than was committed before (I7). */
  commit(topic: Topic, consumer: string, position: number): Promise<void>;
  /** Forgets a consumer, durably; one of that name begins anew. */
  forget(topic: Topic, consumer: string): Promise<void>;
  /** Writes in flight are finished first. Idempotent. */
  close(): Promise<void>;
}
