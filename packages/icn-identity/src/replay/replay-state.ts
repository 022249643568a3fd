import type { Did } from '../did.js';
import { SlidingWindow } from './sliding-window.js';

/** What of an envelope tells it from its repetition; the rest its signature holds together. */
export interface Sighting {
  readonly sender: Did;
  readonly sequence: number;
  readonly timestampMs: number;
}

/**
 * What a guard says of an envelope.
 *
 * - `accepted`: for the first and only time.
 * - `repeated`: it was accepted before.
 * - `too-old`: its sequence is below its sender's window, so it may have been.
 * - `before-floor`: its sender is not remembered, and its time is not after the floor, so it may have been.
 * - `in-future`: its time is ahead of the own clock; it may be offered again when that has come.
 */
export type ReplayVerdict = 'accepted' | 'repeated' | 'too-old' | 'before-floor' | 'in-future';

export interface ReplayLimits {
  /** Senders remembered; each costs half a KiB. */
  readonly sendersMax: number;
  /** How far behind its sender's highest sequence an envelope may come; a multiple of 32. */
  readonly windowSize: number;
  /** How far the time of an envelope may be ahead of the own clock. */
  readonly clockAheadMaxMs: number;
}

/** One sender, from the first sighting after `floorMs` on. */
export interface SenderRecord {
  readonly window: SlidingWindow;
  /** The floor when this record began: what has an earlier time was before it. */
  readonly floorMs: number;
  /** The latest time accepted. */
  latestMs: number;
}

/**
 * What a {@link ReplayGuard} remembers, as a plain value: same sightings in the same order, same state.
 *
 * 1. No (sender, sequence, time) is accepted twice, for as long as the state lives on, whatever is evicted.
 * 2. At most `sendersMax` senders are remembered.
 *
 * The rule of eviction: the sender whose latest accepted time is the smallest goes, and the *floor* rises to that
 * time. A sender who is not remembered is heard only with times above the floor, and so is the record that then
 * begins, for as long as it lasts. So what an evicted sender had accepted is at or below the floor of every later
 * record of his, and rule 1 holds. A time is in the sender's hand, hence `in-future`: nobody lifts the floor
 * farther than `clockAheadMaxMs` above the clock.
 */
export class ReplayState {
  readonly #limits: ReplayLimits;
  readonly #records = new Map<Did, SenderRecord>();
  #floorMs = -1;

  constructor(limits: ReplayLimits) {
    this.#limits = limits;
  }

  get floorMs(): number {
    return this.#floorMs;
  }

  get records(): ReadonlyMap<Did, SenderRecord> {
    return this.#records;
  }

  /** What would be said of an envelope; changes nothing. */
  judge({ sender, sequence, timestampMs }: Sighting, nowMs: number): ReplayVerdict {
    if (timestampMs > nowMs + this.#limits.clockAheadMaxMs) return 'in-future';
    const record = this.#records.get(sender);
    if (timestampMs <= (record?.floorMs ?? this.#floorMs)) return 'before-floor';
    if (record === undefined || !record.window.has(sequence)) return 'accepted';
    return record.window.isBelow(sequence) ? 'too-old' : 'repeated';
  }

  /** Remembers what was accepted. To do so again changes nothing, also after the sender was evicted. */
  remember({ sender, sequence, timestampMs }: Sighting): void {
    let record = this.#records.get(sender);
    if (timestampMs <= (record?.floorMs ?? this.#floorMs)) return;
    if (record === undefined) {
      record = {
        window: new SlidingWindow(this.#limits.windowSize),
        floorMs: this.#floorMs,
        latestMs: timestampMs,
      };
      this.#records.set(sender, record);
    }
    record.window.add(sequence);
    record.latestMs = Math.max(record.latestMs, timestampMs);
    this.#evict();
  }

  /** Takes over what was remembered elsewhere, of a snapshot, into an empty state; smaller limits evict. */
  restore(floorMs: number, records: Iterable<readonly [Did, SenderRecord]>): void {
    this.#floorMs = floorMs;
    for (const [sender, record] of records) {
      this.#records.set(sender, record);
      this.#evict();
    }
  }

  /** The newcomer may be the one who goes; it was accepted all the same, and the floor stands for it. */
  #evict(): void {
    if (this.#records.size <= this.#limits.sendersMax) return;
    let oldest: Did | undefined;
    let oldestMs = Infinity;
    for (const [sender, { latestMs }] of this.#records)
      if (latestMs < oldestMs) [oldest, oldestMs] = [sender, latestMs];
    if (oldest === undefined) return;
    this.#records.delete(oldest);
    this.#floorMs = Math.max(this.#floorMs, oldestMs);
  }
}
