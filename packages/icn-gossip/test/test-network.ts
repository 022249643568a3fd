import type { Did, KeyPair } from '@icn/identity';
import type { EntryParts } from '../src/entry/entry.js';
import type { EntryId, EntryName } from '../src/entry/entry-name.js';
import type { StoreWrite } from '../src/entry/entry-store.js';
import type { GossipEffect, GossipEvent } from '../src/events.js';
import { Gossip, type GossipOptions } from '../src/gossip.js';
import type { Topic } from '../src/topic.js';
import { NETWORK, keyPair, seededBytes, seededNumbers, sentBy, TOPIC } from './fixtures.js';

/** What links and disks do to what passes them. Frames overtake each other as latencies differ. */
export interface Faults {
  readonly latencyMs: readonly [min: number, max: number];
  readonly lossRate: number;
  readonly duplicationRate: number;
  /** From ordering a write to `persisted`. */
  readonly diskMs: readonly [min: number, max: number];
}

export const CALM: Faults = { latencyMs: [5, 5], lossRate: 0, duplicationRate: 0, diskMs: [1, 1] };

/** Broken invariants end a run where they are seen. */
function insist(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new Error(`broken: ${invariant}`);
}

/** What survives a crash: only what was persisted. */
class Disk {
  readonly entries = new Map<Topic, Map<EntryId, EntryParts>>();
  /** Delivered ids in order of position. */
  readonly positions = new Map<Topic, Set<EntryId>>();

  write(writes: readonly StoreWrite[]): void {
    for (const write of writes) {
      if (write.type === 'entry')
        upsert(this.entries, write.topic, () => new Map()).set(write.id, write.parts);
      else {
        const ids = upsert(this.positions, write.topic, () => new Set());
        insist(write.position === ids.size + 1, 'I7: positions are dense');
        insist(!ids.has(write.id), 'I7: an entry has one position');
        ids.add(write.id);
      }
    }
  }

  has(topic: Topic, id: EntryId): boolean {
    return this.entries.get(topic)?.has(id) ?? false;
  }

  headers(topic: Topic) {
    const entries = this.entries.get(topic) ?? new Map<EntryId, EntryParts>();
    const delivered = this.positions.get(topic) ?? new Set();
    const waiting = [...entries.keys()].filter((id) => !delivered.has(id));
    return [
      ...Array.from(delivered, (id, index) => ({ header: entries.get(id)!.header, position: index + 1 })),
      ...waiting.map((id) => ({ header: entries.get(id)!.header, position: undefined })),
    ];
  }
}

export class TestNode {
  readonly keyPair: KeyPair;
  readonly disk = new Disk();
  readonly acknowledged: EntryName[] = [];
  readonly rejected: string[] = [];
  readonly links = new Set<TestNode>();
  gossip!: Gossip;
  isUp = false;
  /** Counts starts: what was ordered in an earlier one comes to nothing. */
  life = 0;
  diskFreeAtMs = 0;
  wakeAtMs = Infinity;

  constructor(index: number) {
    this.keyPair = keyPair(index);
  }

  get did(): Did {
    return this.keyPair.did;
  }

  root(topic = TOPIC): string {
    const status = this.gossip.status().find((row) => row.topic === topic);
    return status === undefined ? 'none' : Buffer.from(status.root).toString('hex');
  }

  delivered(topic = TOPIC): readonly EntryId[] {
    return [...(this.disk.positions.get(topic) ?? [])];
  }
}

export interface TestNetworkOptions {
  readonly seed?: number;
  readonly faults?: Faults;
  readonly topics?: readonly Topic[];
  readonly gossip?: Partial<GossipOptions>;
}

/** Some nodes, their disks and the links between them, in virtual time: equal seeds give equal runs. */
export class TestNetwork {
  nowMs = 0;
  faults: Faults;
  frameCount = 0;
  byteCount = 0;
  readonly nodes: TestNode[] = [];
  readonly #draw: () => number;
  readonly #seed: number;
  readonly #topics: readonly Topic[];
  readonly #options: Partial<GossipOptions>;
  readonly #agenda: { atMs: number; action: () => void }[] = [];

  constructor({ seed = 1, faults = CALM, topics = [TOPIC], gossip = {} }: TestNetworkOptions = {}) {
    this.#seed = seed;
    this.#draw = seededNumbers(seed);
    this.faults = faults;
    this.#topics = topics;
    this.#options = gossip;
  }

  /** Adds nodes that all know each other, and starts them. */
  start(count: number): readonly TestNode[] {
    for (let index = 0; index < count; index++) this.nodes.push(new TestNode(index + 1));
    for (const node of this.nodes) this.boot(node);
    this.heal();
    return this.nodes;
  }

  /** Starts a node from its disk; `options` hold for this life of it. */
  boot(node: TestNode, options: Partial<GossipOptions> = {}): void {
    node.isUp = true;
    node.life++;
    node.diskFreeAtMs = this.nowMs;
    node.wakeAtMs = Infinity;
    const random = seededBytes(this.#seed * 1_000_003 + node.life * 1_009 + this.nodes.indexOf(node));
    node.gossip = new Gossip({
      keyPair: node.keyPair,
      network: NETWORK,
      random,
      ...this.#options,
      ...options,
    });
    for (const topic of this.#topics) {
      this.tell(node, { type: 'restored', topic, entries: node.disk.headers(topic) });
      this.tell(node, { type: 'joined', topic, access: { type: 'Public' } });
    }
  }

  /** The node loses everything that is not on its disk. */
  crash(node: TestNode): void {
    for (const other of node.links) this.disconnect(node, other);
    node.isUp = false;
    node.life++;
  }

  restart(node: TestNode): void {
    this.boot(node);
    this.heal();
  }

  connect(a: TestNode, b: TestNode): void {
    if (a === b || a.links.has(b) || !a.isUp || !b.isUp) return;
    a.links.add(b);
    b.links.add(a);
    this.tell(a, { type: 'peer-up', peer: b.did });
    this.tell(b, { type: 'peer-up', peer: a.did });
  }

  disconnect(a: TestNode, b: TestNode): void {
    if (!a.links.delete(b)) return;
    b.links.delete(a);
    this.tell(a, { type: 'peer-down', peer: b.did });
    this.tell(b, { type: 'peer-down', peer: a.did });
  }

  /** Links all nodes with each other. */
  heal(): void {
    for (const a of this.nodes) for (const b of this.nodes) this.connect(a, b);
  }

  /** Cuts the nodes of `side` off from the others. */
  partition(side: readonly TestNode[]): void {
    for (const a of side) for (const b of this.nodes) if (!side.includes(b)) this.disconnect(a, b);
  }

  submit(node: TestNode, payload: Uint8Array, topic = TOPIC): void {
    if (node.isUp) this.tell(node, { type: 'submitted', topic, payload, ref: 1 });
  }

  /** Lets a frame reach `to` as if `from` had sent it. */
  inject(from: TestNode, to: TestNode, frame: Uint8Array): void {
    this.tell(to, { type: 'received', from: from.did, frame });
  }

  tell(node: TestNode, event: GossipEvent): void {
    if (!node.isUp) return;
    for (const effect of node.gossip.handle(event, this.nowMs)) this.#perform(node, effect);
    const { wakeAtMs = Infinity } = node.gossip;
    if (wakeAtMs >= node.wakeAtMs) return;
    node.wakeAtMs = wakeAtMs;
    this.#schedule(node, Math.max(wakeAtMs, this.nowMs), () => {
      if (this.nowMs < node.wakeAtMs) return;
      node.wakeAtMs = Infinity;
      this.tell(node, { type: 'woke' });
    });
  }

  /** Carries out what is due within the next milliseconds; earlier where `isDone` says so. Returns the time it took. */
  run(forMs: number, isDone: () => boolean = () => false): number {
    const startMs = this.nowMs;
    for (;;) {
      if (isDone()) return this.nowMs - startMs;
      const next = this.#agenda[0];
      if (next === undefined || next.atMs > startMs + forMs) break;
      this.#agenda.shift();
      this.nowMs = next.atMs;
      next.action();
    }
    this.nowMs = startMs + forMs;
    return forMs;
  }

  /** Whether all nodes that are up have equal roots in all topics. */
  isConverged(): boolean {
    const up = this.nodes.filter((node) => node.isUp);
    return this.#topics.every((topic) => new Set(up.map((node) => node.root(topic))).size === 1);
  }

  #perform(node: TestNode, effect: GossipEffect): void {
    switch (effect.type) {
      case 'send':
        this.#checkDurable(node, effect);
        for (const to of effect.to) this.#send(node, to, effect.frame);
        return;
      case 'persist': {
        node.diskFreeAtMs = Math.max(this.nowMs, node.diskFreeAtMs) + this.#between(this.faults.diskMs);
        const { write, writes } = effect;
        this.#schedule(node, node.diskFreeAtMs, () => {
          node.disk.write(writes);
          this.tell(node, { type: 'persisted', write });
        });
        return;
      }
      case 'load': {
        const { load, topic, ids, bytesMax } = effect;
        this.#schedule(node, this.nowMs + this.#between(this.faults.diskMs), () => {
          const entries = readWithin(
            ids.map((id) => node.disk.entries.get(topic)?.get(id)),
            bytesMax,
          );
          this.tell(node, { type: 'loaded', load, entries });
        });
        return;
      }
      case 'deliver':
        insist(
          node.disk.positions.get(effect.topic)?.has(effect.name.id) === true,
          'I8: delivered what is not durable',
        );
        return;
      case 'withdraw':
      case 'connect':
      case 'protect':
      case 'release':
        return;
      case 'acknowledge':
        node.acknowledged.push(effect.name);
        return;
      case 'reject':
        node.rejected.push(effect.code);
        return;
      case 'disconnect':
        throw new Error(`${node.did} disconnects ${effect.peer}: ${effect.reason}`);
      default:
        effect satisfies never;
    }
  }

  /** I8: own entries are durable before anyone hears of them, and so is all that a clock counts. */
  #checkDurable(node: TestNode, effect: GossipEffect): void {
    for (const { message } of sentBy([effect])) {
      if (message.type === 'Announcement' && message.name.author === node.did) {
        insist(node.disk.has(message.topic, message.name.id), 'I8: announced before it was durable');
      }
      if (message.type !== 'AntiEntropy') continue;
      const clock = message.summary?.type === 'clock' ? message.summary.clock : [];
      for (const { id } of clock)
        insist(node.disk.has(message.topic, id), 'I8: counted before it was durable');
    }
  }

  #send(from: TestNode, to: Did, frame: Uint8Array): void {
    const receiver = [...from.links].find((node) => node.did === to);
    if (receiver === undefined) return;
    this.frameCount++;
    this.byteCount += frame.length;
    const { lossRate, duplicationRate, latencyMs } = this.faults;
    const copies = this.#draw() < lossRate ? 0 : this.#draw() < duplicationRate ? 2 : 1;
    const { life } = from;
    for (let copy = 0; copy < copies; copy++) {
      this.#schedule(receiver, this.nowMs + this.#between(latencyMs), () => {
        if (receiver.links.has(from) && from.life === life) this.inject(from, receiver, frame);
      });
    }
  }

  /** Does something at a node, unless it crashes before. */
  #schedule(node: TestNode, atMs: number, action: () => void): void {
    const { life } = node;
    const item = { atMs, action: () => (node.life === life ? action() : undefined) };
    let low = 0;
    for (let high = this.#agenda.length; low < high;) {
      const middle = (low + high) >>> 1;
      if (this.#agenda[middle]!.atMs <= atMs) low = middle + 1;
      else high = middle;
    }
    this.#agenda.splice(low, 0, item);
  }

  #between([min, max]: readonly [number, number]): number {
    return min + this.#draw() * (max - min);
  }
}

function readWithin(
  entries: readonly (EntryParts | undefined)[],
  bytesMax: number,
): (EntryParts | undefined)[] {
  let byteCount = 0;
  const end = entries.findIndex((parts, index) => {
    byteCount += (parts?.header.length ?? 0) + (parts?.payload?.length ?? 0);
    return index > 0 && byteCount > bytesMax;
  });
  return entries.slice(0, end < 0 ? entries.length : end);
}

function upsert<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
