import type { Did } from '@icn/identity';
import type { VerifiedEntry } from '../entry/entry.js';
import type { EntryId, EntryName } from '../entry/entry-name.js';
import type { GossipLimits } from '../limits.js';
import type { Outbox } from '../outbox.js';
import type { Topic } from '../topic.js';

/** What waits to be told to one peer. */
interface Batch {
  readonly entries: Map<EntryId, VerifiedEntry>;
  byteCount: number;
  readonly names: Map<EntryId, EntryName>;
}

/** A batch of so many bytes or names is full and goes at once: with the largest entry on top it fits a frame. */
const BATCH_BYTES_MAX = 262_144;
const BATCH_NAMES_MAX = 1_024;
/** Header and proof of an entry without its payload, generously (guess). */
const ENTRY_BYTES = 512;

/**
 * Gathers what is pushed to each neighbour, so that several entries, or names, share a frame. What the neighbour is
 * seen to hold meanwhile is not told to it. Full batches go at once, so nothing piles up here.
 */
export class PushQueue {
  readonly #topic: Topic;
  readonly #self: Did;
  readonly #limits: GossipLimits;
  readonly #outbox: Outbox;
  readonly #batches = new Map<Did, Batch>();
  #namesAtMs: number | undefined;
  #entriesAtMs: number | undefined;

  constructor(topic: Topic, self: Did, limits: GossipLimits, outbox: Outbox) {
    this.#topic = topic;
    this.#self = self;
    this.#limits = limits;
    this.#outbox = outbox;
  }

  get wakeAtMs(): number | undefined {
    if (this.#namesAtMs === undefined) return this.#entriesAtMs;
    return Math.min(this.#namesAtMs, this.#entriesAtMs ?? Infinity);
  }

  addEntry(to: Did, entry: VerifiedEntry, nowMs: number): void {
    const batch = this.#batchOf(to);
    batch.entries.set(entry.name.id, entry);
    batch.byteCount += ENTRY_BYTES + entry.parts.header.length + (entry.parts.payload?.length ?? 0);
    this.#entriesAtMs ??= nowMs + this.#limits.pushBatchMs;
    if (batch.byteCount >= BATCH_BYTES_MAX) this.#flush(to, batch);
  }

  addName(to: Did, name: EntryName, nowMs: number): void {
    const batch = this.#batchOf(to);
    batch.names.set(name.id, name);
    this.#namesAtMs ??= nowMs + this.#limits.lazyBatchMs;
    if (batch.names.size >= BATCH_NAMES_MAX) this.#flush(to, batch);
  }

  /** The peer holds the entry: there is no need to tell it. */
  holds(peer: Did, id: EntryId): void {
    const batch = this.#batches.get(peer);
    batch?.names.delete(id);
    batch?.entries.delete(id);
  }

  dropPeer(peer: Did): void {
    this.#batches.delete(peer);
  }

  clear(): void {
    this.#batches.clear();
    this.#namesAtMs = this.#entriesAtMs = undefined;
  }

  /** Sends what waited long enough; names that wait for a peer go along with its entries. */
  woke(nowMs: number): void {
    const areNamesDue = this.#namesAtMs !== undefined && this.#namesAtMs <= nowMs;
    const areEntriesDue = this.#entriesAtMs !== undefined && this.#entriesAtMs <= nowMs;
    if (areNamesDue) this.#namesAtMs = undefined;
    if (areEntriesDue) this.#entriesAtMs = undefined;
    for (const [peer, batch] of this.#batches) {
      const isDue = (areNamesDue && batch.names.size > 0) || (areEntriesDue && batch.entries.size > 0);
      if (isDue) this.#flush(peer, batch);
    }
  }

  #batchOf(peer: Did): Batch {
    let batch = this.#batches.get(peer);
    if (batch === undefined)
      this.#batches.set(peer, (batch = { entries: new Map(), byteCount: 0, names: new Map() }));
    return batch;
  }

  /** Names and own entries speak of what this node holds, so they wait until it is durable (I8). */
  #flush(peer: Did, { entries, names }: Batch): void {
    this.#batches.delete(peer);
    const message = {
      type: 'Announcements' as const,
      topic: this.#topic,
      entries: Array.from(entries.values(), ({ parts }) => parts),
      names: [...names.values()],
      isRepair: false,
    };
    if (message.entries.length + message.names.length === 0) return;
    const isOwn = names.size > 0 || [...entries.values()].some(({ name }) => name.author === this.#self);
    if (isOwn) this.#outbox.sendWhenDurable([peer], message);
    else this.#outbox.send([peer], message);
  }
}
