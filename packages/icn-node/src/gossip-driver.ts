import type { Did } from '@icn/identity';
import {
  entryByteCount,
  type EntryId,
  type EntryName,
  type EntryParts,
  type EntryStore,
  type Gossip,
  type GossipEffect,
  type GossipEvent,
  type StoreWrite,
  type Topic,
} from '@icn/gossip';

export interface DriverPorts {
  readonly gossip: Gossip;
  readonly store: EntryStore;
  /** Sends without waiting; what cannot be sent is the sender's to count. */
  readonly send: (to: readonly Did[], frame: Uint8Array, priority: 'control' | 'bulk') => void;
  readonly disconnect: (peer: Did, reason: string) => void;
  /** Reaches a peer; resolves with whether it is connected. */
  readonly connect: (peer: Did) => Promise<boolean>;
  /** Keeps the place of a peer's connection, until as many `release`s. */
  readonly protect: (peer: Did) => void;
  readonly release: (peer: Did) => void;
  readonly onDelivered: (delivery: Extract<GossipEffect, { type: 'deliver' }>) => void;
  readonly onWithdrawn: (withdrawal: Extract<GossipEffect, { type: 'withdraw' }>) => void;
  readonly onAcknowledged: (ref: number, names: readonly EntryName[]) => void;
  readonly onRejected: (rejection: Extract<GossipEffect, { type: 'reject' }>) => void;
  /** The store failed: nothing is acknowledged any more, and the node must stop. */
  readonly onStoreFailed: (error: Error) => void;
}

/** The longest time that a timer of Node can wait. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Bytes that may wait for the disk before no more is read from peers. Guess: two seconds of a slow memory card. */
const WAITING_BYTES_MAX = 16 << 20;

/**
 * Drives the gossip machine: tells it what happens, carries out what it orders, keeps its one timer. Knows the
 * clock and the disk, so that the machine need not.
 */
export class GossipDriver {
  readonly #ports: DriverPorts;
  readonly #waitingForRoom: (() => void)[] = [];
  #waitingBytes = 0;
  #writes: StoreWrite[] = [];
  #lastWrite = 0;
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(ports: DriverPorts) {
    this.#ports = ports;
  }

  /** Tells the machine an event, and carries out its effects before it returns; disk work goes on behind. */
  handle(event: GossipEvent): void {
    if (!this.#isStopped) this.#step(event);
  }

  /** Takes no more events; resolves when all that was ordered is written, and acknowledged. */
  async stop(): Promise<void> {
    this.#end();
    await this.#writing;
  }

  /** Resolves when peers may send more: so long as the disk is too slow for them, they are not read. */
  async room(): Promise<void> {
    while (this.#waitingBytes > WAITING_BYTES_MAX && !this.#isStopped)
      await new Promise<void>((resolve) => this.#waitingForRoom.push(resolve));
  }

  /** Resolves when all that was ordered until now is written, or the store has failed. */
  async written(): Promise<void> {
    await this.#writing;
  }

  #end(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#tellRoom();
  }

  #tellRoom(): void {
    for (const resolve of this.#waitingForRoom.splice(0)) resolve();
  }

  #step(event: GossipEvent): void {
    for (const effect of this.#ports.gossip.handle(event, nowMs())) this.#perform(effect);
    this.#armTimer();
  }

  #perform(effect: GossipEffect): void {
    switch (effect.type) {
      case 'send':
        return this.#ports.send(effect.to, effect.frame, effect.priority);
      case 'persist':
        return this.#persist(effect.write, effect.writes);
      case 'load':
        return void this.#load(effect.load, effect.topic, effect.ids, effect.bytesMax);
      case 'deliver':
        return this.#ports.onDelivered(effect);
      case 'withdraw':
        return this.#ports.onWithdrawn(effect);
      case 'acknowledge':
        return this.#ports.onAcknowledged(effect.ref, effect.names);
      case 'reject':
        return this.#ports.onRejected(effect);
      case 'connect':
        return void this.#connect(effect.peer);
      case 'protect':
        return this.#ports.protect(effect.peer);
      case 'release':
        return this.#ports.release(effect.peer);
      case 'disconnect':
        return this.#ports.disconnect(effect.peer, effect.reason);
      default:
        effect satisfies never;
    }
  }

  /** What is ordered while a write is under way goes into one next write: the slower the disk, the larger its batches. */
  #persist(write: number, writes: readonly StoreWrite[]): void {
    this.#writes.push(...writes);
    this.#waitingBytes += byteCount(writes);
    this.#lastWrite = write;
    this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    while (this.#writes.length > 0) {
      const batch = this.#writes;
      const write = this.#lastWrite;
      this.#writes = [];
      if (!(await this.#write(batch))) break;
      this.#step({ type: 'persisted', write });
    }
    this.#writing = undefined;
  }

  async #write(batch: readonly StoreWrite[]): Promise<boolean> {
    try {
      await this.#ports.store.write(batch);
    } catch (error) {
      this.#end();
      this.#ports.onStoreFailed(error as Error);
      return false;
    }
    this.#waitingBytes -= byteCount(batch);
    this.#tellRoom();
    return true;
  }

  async #load(load: number, topic: Topic, ids: readonly EntryId[], bytesMax: number): Promise<void> {
    let entries: readonly (EntryParts | undefined)[];
    try {
      entries = await this.#ports.store.read(topic, ids, bytesMax);
    } catch (error) {
      if (!this.#isStopped) this.#ports.onStoreFailed(error as Error);
      return;
    }
    this.handle({ type: 'loaded', load, entries });
  }

  /** That a peer is connected is told by its connection; here only that it is not. */
  async #connect(peer: Did): Promise<void> {
    const isReached = await this.#ports.connect(peer);
    if (!isReached) this.handle({ type: 'unreachable', peer });
  }

  #armTimer(): void {
    clearTimeout(this.#timer);
    if (this.#isStopped) return;
    const { wakeAtMs } = this.#ports.gossip;
    if (wakeAtMs === undefined) return;
    const waitMs = Math.min(Math.max(0, Math.ceil(wakeAtMs - nowMs())), TIMER_MS_MAX);
    this.#timer = setTimeout(() => this.handle({ type: 'woke' }), waitMs);
  }
}

function byteCount(writes: readonly StoreWrite[]): number {
  return writes.reduce((sum, write) => sum + (write.type === 'entry' ? entryByteCount(write.parts) : 0), 0);
}

/** How far the wall clock was seen ahead of the process's own, which stands still while a machine sleeps. */
let aheadMs = 0;

/** Milliseconds since 1970 that never go back and never stop: the wall clock, but for its steps backwards. */
function nowMs(): number {
  const steadyMs = performance.timeOrigin + performance.now();
  aheadMs = Math.max(aheadMs, Date.now() - steadyMs);
  return steadyMs + aheadMs;
}
