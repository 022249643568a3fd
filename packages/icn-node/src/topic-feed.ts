import { decodeEntry, type EntryStore, type PositionedItem, type Topic } from '@icn/gossip';
import { NodeError } from './errors.js';
import type { Item, ReadOptions } from './topic.js';

const READ_COUNT = 256;

/** What has been delivered in one topic, for any number of readers. */
export class TopicFeed {
  readonly topic: Topic;
  readonly #store: EntryStore;
  #lastPosition = 0;
  #isEnded = false;
  readonly #waiting = new Set<() => void>();
  readonly #using = new Set<Promise<unknown>>();

  constructor(topic: Topic, store: EntryStore) {
    this.topic = topic;
    this.#store = store;
  }

  /** The position up to which readers may read. */
  get lastPosition(): number {
    return this.#lastPosition;
  }

  /** Readers may read up to here. */
  advance(position: number): void {
    this.#lastPosition = Math.max(this.#lastPosition, position);
    this.#wake();
  }

  /** Readers end with the batch that they have; resolves when nobody here uses the store any more. */
  async end(): Promise<void> {
    this.#isEnded = true;
    this.#wake();
    while (this.#using.size > 0) await Promise.allSettled(this.#using);
  }

  /** Does something with the store, which is not closed meanwhile. Throws NodeError `node-closed` after `end`. */
  async use<Value>(work: (store: EntryStore) => Promise<Value>): Promise<Value> {
    if (this.#isEnded)
      throw new NodeError('node-closed', `the node is closed, or has left ${this.topic}: open it again`);
    const using = work(this.#store);
    this.#using.add(using);
    try {
      return await using;
    } finally {
      this.#using.delete(using);
    }
  }

  /** What was delivered and withdrawn, in order. Memory is bounded: a slow reader reads later, from the store. */
  async *read(options: ReadOptions = {}): AsyncGenerator<Item, void> {
    const { follow = true, signal } = options;
    let next = this.#first(options);
    const isAborted = () => signal?.aborted === true;
    while (!isAborted()) {
      while (next <= this.#lastPosition && !this.#isEnded) {
        const count = Math.min(READ_COUNT, this.#lastPosition - next + 1);
        const batch = await this.use((store) => store.readFrom(this.topic, next, count));
        for (const stored of batch) {
          const item = itemOf(this.topic, stored);
          if (isAborted()) return;
          if (item !== undefined) yield item;
        }
        // A batch may be empty where entries were damaged; those after them are read all the same.
        next = batch.length > 0 ? batch.at(-1)!.position + 1 : next + count;
      }
      if (!follow || this.#isEnded) return;
      await this.#more(next, signal);
    }
  }

  #first({ from = 1, last }: ReadOptions): number {
    const end = this.#lastPosition + 1;
    if (last !== undefined) {
      if (!Number.isSafeInteger(last) || last < 0)
        throw new RangeError(`how many of the last is a whole number from 0: ${last}`);
      return Math.max(1, end - last);
    }
    if (from === 'end') return end;
    if (!Number.isSafeInteger(from) || from < 1)
      throw new RangeError(`a position is a whole number from 1: ${from}`);
    return from;
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

function itemOf(topic: Topic, stored: PositionedItem): Item | undefined {
  const { position } = stored;
  if (stored.type === 'withdrawal') return { type: 'withdrawn', topic, position, log: stored.log };
  const { parts, late, forked } = stored;
  const entry = decodeEntry(parts);
  if (typeof entry === 'string') return undefined;
  const { author, seq, id } = entry.name;
  const { timestampMs } = entry.header;
  return {
    type: 'entry',
    topic,
    position,
    id,
    author,
    seq,
    timestampMs,
    payload: parts.payload,
    late,
    forked,
  };
}
