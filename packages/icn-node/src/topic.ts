import type { Did } from '@icn/identity';
import {
  decodeEntry,
  type EntryId,
  type EntryName,
  type EntryStore,
  type PositionedEntry,
  type Topic,
} from '@icn/gossip';

/** An entry as applications see it. */
export interface Entry {
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
}

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
  /** Whether to wait for more at the end; true by default. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

const READ_COUNT = 256;

/** What has been delivered in one topic, for any number of readers. */
export class TopicFeed {
  readonly topic: Topic;
  readonly #store: EntryStore;
  #lastPosition = 0;
  #isEnded = false;
  readonly #waiting = new Set<() => void>();
  readonly #reading = new Set<Promise<unknown>>();

  constructor(topic: Topic, store: EntryStore) {
    this.topic = topic;
    this.#store = store;
  }

  /** Readers may read up to here. */
  advance(position: number): void {
    this.#lastPosition = Math.max(this.#lastPosition, position);
    this.#wake();
  }

  /** Readers end with the batch that they have; resolves when none of them reads from the store any more. */
  async end(): Promise<void> {
    this.#isEnded = true;
    this.#wake();
    await Promise.allSettled(this.#reading);
  }

  /** Delivered entries in causal order. Memory is bounded: a slow reader reads later, from the store. */
  async *read({ from = 1, follow = true, signal }: ReadOptions = {}): AsyncGenerator<Entry, void> {
    let next = from === 'end' ? this.#lastPosition + 1 : from;
    if (!Number.isSafeInteger(next) || next < 1)
      throw new RangeError(`a position is a whole number from 1: ${from}`);
    const isAborted = () => signal?.aborted === true;
    while (!isAborted()) {
      while (next <= this.#lastPosition && !this.#isEnded) {
        const count = Math.min(READ_COUNT, this.#lastPosition - next + 1);
        const batch = await this.#load(next, count);
        for (const stored of batch) {
          const entry = entryOf(this.topic, stored);
          if (isAborted()) return;
          if (entry !== undefined) yield entry;
        }
        // A batch may be empty where entries were damaged; those after them are read all the same.
        next = batch.length > 0 ? batch.at(-1)!.position + 1 : next + count;
      }
      if (!follow || this.#isEnded) return;
      await this.#more(next, signal);
    }
  }

  async #load(position: number, count: number): Promise<readonly PositionedEntry[]> {
    const reading = this.#store.readFrom(this.topic, position, count);
    this.#reading.add(reading);
    try {
      return await reading;
    } finally {
      this.#reading.delete(reading);
    }
  }

  #more(position: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      if (position <= this.#lastPosition || this.#isEnded || signal?.aborted === true) return resolve();
      const wake = () => {
        this.#waiting.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal?.addEventListener('abort', wake);
    });
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

function entryOf(topic: Topic, { position, parts }: PositionedEntry): Entry | undefined {
  const entry = decodeEntry(parts);
  if (typeof entry === 'string') return undefined;
  const { author, seq, id }: EntryName = entry.name;
  return { topic, position, id, author, seq, timestampMs: entry.header.timestampMs, payload: parts.payload };
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
  /** Delivered entries from a position on, and then as they come. Ends with the node. */
  entries(options?: ReadOptions): AsyncGenerator<Entry, void>;
}
