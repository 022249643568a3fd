import type { ClosedLog, EntryId, Topic } from '@icn/gossip';
import type { Did } from '@icn/identity';

/** An entry as applications see it. */
export interface Entry {
  readonly type: 'entry';
  readonly topic: Topic;
  /** This node's own numbering of what it delivered, from 1: each entry has one position, once, for ever (I7). */
  readonly position: number;
  readonly id: EntryId;
  readonly author: Did;
  readonly seq: number;
  /** The author's clock when it was made, milliseconds since 1970: a claim. */
  readonly timestampMs: number;
  /** Undefined where it was pruned. */
  readonly payload: Uint8Array | undefined;
  /** It came after entries that it precedes. */
  readonly late: boolean;
  /** When it was delivered, its author was known to have made another entry in its place (I9). */
  readonly forked: boolean;
}

/** The notice that entries which were delivered before have left the topic; who has them keeps them. */
export interface Withdrawn {
  readonly type: 'withdrawn';
  readonly topic: Topic;
  /** In the same numbering as entries. */
  readonly position: number;
  /** What left: the entries of this log from seq `from` on, because its author forked it beyond bearing (I9). */
  readonly log: ClosedLog;
}

/** What a position of a topic holds. */
export type Item = Entry | Withdrawn;

/** What `publish` promises: the entry is on this node's disk, and peers may hear of it. */
export interface Published {
  readonly topic: Topic;
  readonly id: EntryId;
  readonly seq: number;
  readonly durable: true;
}

export interface ReadOptions {
  /** The first position to read: 1, the beginning, by default; `end` for what is delivered from now on. */
  readonly from?: number | 'end';
  /** Begins so many positions before the end, whatever `from` says. */
  readonly last?: number | undefined;
  /** Whether to wait for more at the end; true by default. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * A reader of one topic under a name, whose place is kept with the entries: it goes on there after a restart, and after
 * `kill -9`. What it works on is done at least once: all that it had not committed comes again. Whoever needs exactly
 * once keeps the position with the work itself, in one transaction of that store, and reads by `entries({ from })`.
 */
export interface TopicConsumer {
  readonly topic: Topic;
  readonly name: string;
  /** The last position committed; 0 before the first. */
  readonly position: number;
  /** All after the committed position, and then what comes. Ends with the node. */
  items(options?: Omit<ReadOptions, 'from' | 'last'>): AsyncGenerator<Item, void>;
  /**
   * Resolves once it is durable that everything up to `position` is done. A position below the committed one changes
   * nothing. Throws RangeError where nothing was delivered at it yet.
   */
  commit(position: number): Promise<void>;
  /** Gives the name up; a consumer of that name begins at 1. */
  forget(): Promise<void>;
}

/** One topic of a node: what an application publishes to and reads from. */
export interface TopicHandle {
  readonly topic: Topic;
  /**
   * Publishes bytes, or text as UTF-8, and resolves once they are durable here. The bytes must not change until then.
   *
   * @throws GossipError `payload-too-large`, `topic-full`; NodeError `node-closed`, `store-failed`.
   */
  publish(payload: Uint8Array | string): Promise<Published>;
  /**
   * Publishes several at once, at most 1,024: one after another in the log, all of them or, where it rejects, none. They
   * share signatures, so each costs who publishes and who receives it a fraction of what it costs alone.
   *
   * @throws as `publish`, and GossipError `submission-invalid`.
   */
  publishAll(payloads: readonly (Uint8Array | string)[]): Promise<readonly Published[]>;
  /** Delivered entries from a position on, and then as they come. Ends with the node. */
  entries(options?: ReadOptions): AsyncGenerator<Entry, void>;
  /** The same with the notices of what left the topic, at their positions. */
  items(options?: ReadOptions): AsyncGenerator<Item, void>;
  /**
   * The consumer of that name: 1 to 64 of a–z, 0–9, `.`, `_`, `-`, a letter or digit first.
   *
   * @throws NodeError `consumer-invalid`, `consumers-full`.
   */
  consumer(name: string): Promise<TopicConsumer>;
  /** How far each consumer has committed, by name. */
  consumers(): Promise<ReadonlyMap<string, number>>;
}
