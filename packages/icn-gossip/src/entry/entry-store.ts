import type { EntryParts } from './entry.js';
import type { EntryId } from './entry-name.js';
import type { Topic } from '../topic.js';
import type { ClosedLog } from '../wire/messages.js';

/** One change of the store. Nothing is ever taken away. */
export type StoreWrite =
  /** Without payload where the header alone is kept, as evidence of a fork. */
  | { readonly type: 'entry'; readonly topic: Topic; readonly id: EntryId; readonly parts: EntryParts }
  | { readonly type: 'position'; readonly topic: Topic; readonly position: number; readonly id: EntryId }
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

/** An entry at its local position. */
export interface PositionedEntry {
  readonly position: number;
  readonly parts: EntryParts;
}

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
  /** Delivered entries from a position on, at most `countMax`, in order. */
  readFrom(topic: Topic, position: number, countMax: number): Promise<readonly PositionedEntry[]>;
  /** Writes in flight are finished first. Idempotent. */
  close(): Promise<void>;
}
