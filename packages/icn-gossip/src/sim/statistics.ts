import type { EntryId } from '../entry/entry-name.js';
import type { GossipEffect } from '../events.js';
import { readFrame } from './frames.js';
import { Latencies } from './latencies.js';
import type { Observer } from './observer.js';
import type { SimNode } from './sim-node.js';
import type { World } from './world.js';

/** What is counted of one entry. */
interface Spread {
  readonly author: SimNode;
  readonly acknowledgedAtMs: number;
  /** Hops after which its payload first reached each node, by index; 0: not yet. */
  readonly hops: Uint8Array;
  /** How often each node delivered it. */
  readonly deliveries: Uint8Array;
}

/** What a run cost, as plain data; sums, so that runs can be added up. */
export interface Counts {
  /** Entries that were published and acknowledged. */
  broadcasts: number;
  /** Frames that left, of all kinds. */
  frames: number;
  frameBytes: number;
  /** Bytes of frames that carry no payload. */
  controlBytes: number;
  /** Payloads that left: a frame with three counts three. */
  payloadSends: number;
  /** Payloads that arrived, and how many of them were the first of that entry at that node. */
  payloadArrivals: number;
  firstArrivals: number;
  /** The longest way that a payload went: 1 is from its author straight. */
  lastHop: number;
  /** Deliveries of an entry to a node that had delivered it before. */
  duplicates: number;
}

const NO_COUNTS: Counts = {
  broadcasts: 0,
  frames: 0,
  frameBytes: 0,
  controlBytes: 0,
  payloadSends: 0,
  payloadArrivals: 0,
  firstArrivals: 0,
  lastHop: 0,
  duplicates: 0,
};

/**
 * Counts from outside what the spreading of entries costs. `reset` begins a new window: only entries published after it
 * count towards hops, copies and latencies.
 */
export class Statistics implements Observer {
  counts: Counts = { ...NO_COUNTS };
  /** From the acknowledgement at the author to `deliver` at each other node. */
  latencies = new Latencies();
  readonly #world: World;
  #spreads = new Map<EntryId, Spread>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Payloads that arrived for each one that was needed. */
  get copiesPerNode(): number | null {
    const { payloadArrivals, firstArrivals } = this.counts;
    return firstArrivals === 0 ? null : payloadArrivals / firstArrivals;
  }

  reset(): void {
    this.counts = { ...NO_COUNTS };
    this.latencies = new Latencies();
    this.#spreads = new Map();
  }

  sent(_from: SimNode, _to: SimNode, frame: Uint8Array): void {
    const { payloads } = readFrame(frame);
    const { counts } = this;
    counts.frames++;
    counts.frameBytes += frame.length;
    if (payloads.length === 0) counts.controlBytes += frame.length;
    else counts.payloadSends += payloads.length;
  }

  arrived(from: SimNode, to: SimNode, frame: Uint8Array): void {
    for (const id of readFrame(frame).payloads) {
      const spread = this.#spreads.get(id);
      if (spread === undefined) continue;
      this.counts.payloadArrivals++;
      if (to === spread.author || spread.hops[to.index] !== 0) continue;
      const hops = Math.min(255, (spread.hops[from.index] ?? 0) + 1);
      spread.hops[to.index] = hops;
      this.counts.firstArrivals++;
      this.counts.lastHop = Math.max(this.counts.lastHop, hops);
    }
  }

  /** What a node had is gone with its old disk, so it may deliver it anew. */
  rolledBack(node: SimNode): void {
    for (const { deliveries } of this.#spreads.values()) deliveries[node.index] = 0;
  }

  ordered(node: SimNode, effect: GossipEffect, nowMs: number): void {
    if (effect.type === 'acknowledge') for (const { id } of effect.names) this.#acknowledged(node, id, nowMs);
    else if (effect.type === 'deliver') this.#delivered(node, effect.name.id, nowMs);
  }

  #acknowledged(author: SimNode, id: EntryId, nowMs: number): void {
    if (this.#spreads.has(id)) return;
    this.counts.broadcasts++;
    const nodeCount = this.#world.nodes.length;
    const [hops, deliveries] = [new Uint8Array(nodeCount), new Uint8Array(nodeCount)];
    this.#spreads.set(id, { author, acknowledgedAtMs: nowMs, hops, deliveries });
  }

  #delivered(node: SimNode, id: EntryId, nowMs: number): void {
    const spread = this.#spreads.get(id);
    if (spread === undefined || !node.isHonest) return;
    const count = (spread.deliveries[node.index] ?? 0) + 1;
    spread.deliveries[node.index] = Math.min(255, count);
    if (count > 1) this.counts.duplicates++;
    else if (node !== spread.author) this.latencies.add(nowMs - spread.acknowledgedAtMs);
  }
}
