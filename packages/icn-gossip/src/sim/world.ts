import { keyPairFromSeed, toHex, verify, type Did, type KeyPair } from '@icn/identity';
import type { StoreWrite } from '../entry/entry-store.js';
import type { GossipEffect, GossipEvent } from '../events.js';
import type { Topic } from '../topic.js';
import { Agenda } from './agenda.js';
import { Disk, type DiskMark } from './disk.js';
import { drawMs, type Distribution } from './distribution.js';
import { EntryLedger } from './entry-ledger.js';
import { Observers, type Observer } from './observer.js';
import { SeededRandom } from './seeded-random.js';
import { SimNode, type MachineFactory, type VerifySignature } from './sim-node.js';
import { DEFAULT_SWARM_LIMITS, SimSwarm, type SwarmLimits } from './sim-swarm.js';
import { CALM_LINKS, Wire, type Cut, type LinkConditions } from './wire.js';

export interface WorldOptions {
  readonly seed: number;
  readonly machineOf: MachineFactory;
  readonly topics: readonly Topic[];
  readonly network?: string;
  readonly links?: Partial<LinkConditions>;
  readonly swarm?: Partial<SwarmLimits>;
  /** From ordering a write or a read to its end. */
  readonly diskMs?: Distribution;
  /** Clocks of nodes are ahead of the world's by up to so much. */
  readonly skewMsMax?: number;
  /** Worlds whose keys begin far apart share no DID. Default: 0. */
  readonly firstKey?: number;
}

/** What differs at one node. */
export interface NodeChanges {
  readonly machineOf?: MachineFactory;
  readonly isHonest?: boolean;
  readonly topics?: readonly Topic[];
}

/** More wakes in a row at one moment than any machine needs: it does not move its `wakeAtMs`. */
const WAKES_AT_ONCE_MAX = 1_000;
/** Headers of one `restored` event. */
const RESTORED_BATCH = 256;

/**
 * Nodes, their disks and the links between them, in virtual time: a discrete-event simulation in which equal seeds
 * give equal runs. It drives machines by the contract of `Machine` and carries out every effect; what happens to
 * frames, disks and connections is drawn from the seed. Nothing here judges: see `Observer`.
 */
export class World {
  /** Milliseconds since the world began. */
  nowMs = 0;
  readonly random: SeededRandom;
  readonly nodes: SimNode[] = [];
  readonly ledger = new EntryLedger();
  readonly wire: Wire;
  readonly swarm: SimSwarm;
  /** Looks at each frame before the wire does, and may say that it is lost. */
  dropsFrame: ((from: SimNode, to: SimNode, frame: Uint8Array) => boolean) | undefined;
  readonly #options: WorldOptions;
  readonly #agenda = new Agenda();
  readonly #observers = new Observers();
  readonly #nodeOf = new Map<Did, SimNode>();
  readonly #keyOrder: SeededRandom;
  readonly #diskRandom: SeededRandom;
  readonly #checks = new Map<string, boolean>();
  #lastRef = 0;
  #lastWokeMs = -1;
  #wokeInARow = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.random = new SeededRandom(options.seed);
    this.#keyOrder = this.random.fork('keys');
    this.#diskRandom = this.random.fork('disks');
    this.wire = new Wire({ ...CALM_LINKS, ...options.links }, this.random.fork('wire'));
    this.swarm = new SimSwarm(
      { ...DEFAULT_SWARM_LIMITS, ...options.swarm },
      {
        wire: this.wire,
        random: this.random.fork('swarm'),
        nowMs: () => this.nowMs,
        nodeOf: (did) => this.#nodeOf.get(did),
        tell: (node, event) => this.tell(node, event),
        after: (node, delayMs, action) => this.after(node, delayMs, action),
      },
    );
  }

  get honest(): readonly SimNode[] {
    return this.nodes.filter(({ isHonest }) => isHonest);
  }

  get network(): string {
    return this.#options.network ?? 'sim';
  }

  /** Lets somebody look on from now on; to see all, before the first node starts. */
  observe(...observers: readonly Observer[]): void {
    this.#observers.add(...observers);
  }

  nodeOf(did: Did): SimNode | undefined {
    return this.#nodeOf.get(did);
  }

  /** Adds a node that is down. */
  add(changes: NodeChanges = {}): SimNode {
    const index = this.nodes.length;
    const random = this.random.fork(`node ${index}`);
    const node = new SimNode({
      index,
      random,
      keyPair: this.#drawKeyPair(),
      machineOf: changes.machineOf ?? this.#options.machineOf,
      isHonest: changes.isHonest ?? true,
      topics: changes.topics ?? this.#options.topics,
      disk: new Disk(this.ledger),
      skewMs: random.between(0, this.#options.skewMsMax ?? 0),
    });
    this.nodes.push(node);
    this.#nodeOf.set(node.did, node);
    return node;
  }

  /** Starts a node from its disk, and lets it dial its contacts. */
  boot(node: SimNode): void {
    if (node.isUp) return;
    node.life++;
    node.diskFreeAtMs = this.nowMs;
    node.wakeAtMs = Infinity;
    const random = node.random.fork(`life ${node.life}`);
    node.machine = node.machineOf({
      keyPair: node.keyPair,
      network: this.network,
      random: (byteCount) => random.bytes(byteCount),
      verifySignature: this.#verifierOf(node),
      index: node.index,
    });
    for (const observer of this.#observers.booted) observer.booted(node, this.nowMs);
    for (const topic of node.topics) this.join(node, topic);
    this.swarm.started(node);
  }

  /** Lets a node that is up follow a topic, from what its disk holds of it; again, once it has left it. */
  join(node: SimNode, topic: Topic): void {
    const headers = node.disk.headers(topic);
    for (let index = 0; index < headers.length; index += RESTORED_BATCH)
      this.tell(node, { type: 'restored', topic, entries: headers.slice(index, index + RESTORED_BATCH) });
    this.tell(node, { type: 'joined', topic, access: { type: 'Public' } });
  }

  /** The node loses everything that is not on its disk; its peers notice by and by. */
  crash(node: SimNode): void {
    if (!node.isUp) return;
    for (const observer of this.#observers.crashed) observer.crashed(node, this.nowMs);
    node.machine = undefined;
    node.life++;
    this.swarm.ended(node);
  }

  /** Puts an old backup of a node that is down back in place. */
  rollBack(node: SimNode, mark: DiskMark): void {
    if (node.isUp) throw new Error(`${node.label} is up`);
    node.rollbackCount++;
    node.disk.restore(mark);
    for (const observer of this.#observers.rolledBack) observer.rolledBack(node, this.nowMs);
  }

  /** Begins a cut; links through it end when their sides notice, unless `keepsLinks`: then frames vanish on links that stay. */
  cut(cut: Cut, keepsLinks = false): void {
    this.wire.cut(cut);
    if (!keepsLinks) this.swarm.cutBegan([...cut.from, ...cut.to]);
  }

  /** Publishes at a node, all payloads at once; returns the reference of the request, undefined where the node is down. */
  submit(node: SimNode, topic: Topic, ...payloads: readonly Uint8Array[]): number | undefined {
    if (!node.isUp) return undefined;
    const ref = ++this.#lastRef;
    this.tell(node, { type: 'submitted', topic, payloads, ref });
    return ref;
  }

  note(text: string): void {
    for (const observer of this.#observers.noted) observer.noted(text, this.nowMs);
  }

  /** Does something at that time, or now where it has passed. */
  at(atMs: number, action: () => void): void {
    this.#agenda.add(Math.max(atMs, this.nowMs), action);
  }

  /** Does something in the node's present life, if that lasts so long. */
  after(node: SimNode, delayMs: number, action: () => void): void {
    const { life } = node;
    this.#agenda.add(this.nowMs + delayMs, () => {
      if (node.life === life) action();
    });
  }

  /** Carries out what is due up to that time; ends earlier where `isDone` says so. */
  runUntil(untilMs: number, isDone: () => boolean = () => false): void {
    for (
      let dueMs = this.#agenda.nextAtMs;
      dueMs !== undefined && dueMs <= untilMs;
      dueMs = this.#agenda.nextAtMs
    ) {
      this.nowMs = dueMs;
      this.#agenda.take()?.();
      if (isDone()) return;
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }

  /** Tells the machine of a node what happened, and carries out what it orders. */
  tell(node: SimNode, event: GossipEvent): void {
    const { machine } = node;
    if (machine === undefined) return;
    for (const observer of this.#observers.told) observer.told(node, event, this.nowMs);
    for (const effect of this.#handle(node, event)) {
      for (const observer of this.#observers.ordered) observer.ordered(node, effect, this.nowMs);
      this.#perform(node, effect);
    }
    if (node.machine === machine) this.#arm(node);
  }

  #handle(node: SimNode, event: GossipEvent): readonly GossipEffect[] {
    try {
      return node.machine!.handle(event, this.nowMs + node.skewMs);
    } catch (error) {
      for (const observer of this.#observers.threw) observer.threw(node, event, error, this.nowMs);
      return [];
    }
  }

  #perform(node: SimNode, effect: GossipEffect): void {
    switch (effect.type) {
      case 'send':
        for (const to of effect.to) this.#send(node, to, effect.frame, effect.priority);
        return;
      case 'persist': {
        const { write, writes } = effect;
        node.diskFreeAtMs = Math.max(this.nowMs, node.diskFreeAtMs) + this.#diskMs();
        this.after(node, node.diskFreeAtMs - this.nowMs, () => {
          for (const step of stepsOf(writes)) {
            const faults = node.disk.write(step);
            for (const observer of this.#observers.written) observer.written(node, step, faults, this.nowMs);
          }
          this.tell(node, { type: 'persisted', write });
        });
        return;
      }
      case 'load': {
        const { load, topic, ids, bytesMax } = effect;
        const readyMs = Math.max(this.nowMs, node.diskFreeAtMs) + this.#diskMs();
        this.after(node, readyMs - this.nowMs, () =>
          this.tell(node, { type: 'loaded', load, entries: node.disk.read(topic, ids, bytesMax) }),
        );
        return;
      }
      case 'acknowledge': {
        for (const name of effect.names) {
          const topic = this.ledger.get(name.id)?.topic;
          if (topic !== undefined) node.acknowledged.push({ topic, name });
        }
        return;
      }
      case 'reject':
        node.rejected[effect.code] = (node.rejected[effect.code] ?? 0) + 1;
        return;
      case 'connect':
        return this.swarm.connect(node, effect.peer);
      case 'disconnect':
        return this.swarm.disconnect(node, effect.peer);
      case 'protect':
        return this.swarm.protect(node, effect.peer);
      case 'release':
        return this.swarm.release(node, effect.peer);
      case 'deliver':
      case 'withdraw':
        return;
      default:
        effect satisfies never;
    }
  }

  #send(from: SimNode, to: Did, frame: Uint8Array, priority: 'control' | 'bulk'): void {
    const connection = from.links.get(to);
    if (connection === undefined) return;
    const peer = connection.other(from);
    for (const observer of this.#observers.sent) observer.sent(from, peer, frame, this.nowMs);
    if (this.dropsFrame?.(from, peer, frame) === true) return;
    for (const arrivalMs of this.wire.carry(connection, from, frame.length, priority, this.nowMs)) {
      this.after(peer, arrivalMs - this.nowMs, () => {
        if (!connection.isUpAt(peer)) return;
        for (const observer of this.#observers.arrived) observer.arrived(from, peer, frame, this.nowMs);
        this.tell(peer, { type: 'received', from: from.did, frame });
      });
    }
  }

  /** Keeps the timer of the driver's contract: one, read again after each event. */
  #arm(node: SimNode): void {
    const wakeAtMs = (node.machine?.wakeAtMs ?? Infinity) - node.skewMs;
    if (wakeAtMs >= node.wakeAtMs) return;
    const armedMs = Math.max(wakeAtMs, this.nowMs);
    node.wakeAtMs = armedMs;
    this.after(node, armedMs - this.nowMs, () => {
      if (node.wakeAtMs !== armedMs) return;
      node.wakeAtMs = Infinity;
      const dueMs = (node.machine?.wakeAtMs ?? Infinity) - node.skewMs;
      if (dueMs > this.nowMs) return this.#arm(node);
      this.#wokeInARow = this.#lastWokeMs === this.nowMs ? this.#wokeInARow + 1 : 0;
      this.#lastWokeMs = this.nowMs;
      if (this.#wokeInARow > WAKES_AT_ONCE_MAX * this.nodes.length)
        throw new Error(`${node.label} does not move its wakeAtMs`);
      this.tell(node, { type: 'woke' });
    });
  }

  #diskMs(): number {
    const { diskMs = { type: 'fixed', ms: 1 } } = this.#options;
    return drawMs(diskMs, this.#diskRandom);
  }

  /** The result is a function of the arguments, so all nodes share it; each call is told to the observers all the same. */
  #verifierOf(node: SimNode): VerifySignature {
    return (publicKey, purpose, message, signature) => {
      const key = `${purpose}${toHex(publicKey)}${toHex(message)}${toHex(signature)}`;
      let isValid = this.#checks.get(key);
      if (isValid === undefined)
        this.#checks.set(key, (isValid = verify(publicKey, purpose, message, signature)));
      for (const observer of this.#observers.verified) observer.verified(node, message, isValid, this.nowMs);
      return isValid;
    };
  }

  /** Keys are few and made once; which node gets which follows from the seed, for protocols break ties by DID. */
  #drawKeyPair(): KeyPair {
    const { firstKey = 0 } = this.#options;
    for (;;) {
      const keyPair = keyPairOf(firstKey + this.#keyOrder.below(2 * (this.nodes.length + 8)));
      if (!this.#nodeOf.has(keyPair.did)) return keyPair;
    }
  }
}

/**
 * Writes are atomic, but several entries in one were taken one after another, and what a machine said in between is of
 * the states in between: whoever looks on is shown each.
 */
function stepsOf(writes: readonly StoreWrite[]): readonly (readonly StoreWrite[])[] {
  const steps: StoreWrite[][] = [];
  for (const write of writes) {
    const step = steps.at(-1);
    if (step === undefined || write.type === 'entry') steps.push([write]);
    else step.push(write);
  }
  return steps;
}

const keyPairs: KeyPair[] = [];

function keyPairOf(index: number): KeyPair {
  const seed = new Uint8Array(32);
  new DataView(seed.buffer).setUint32(28, index + 1);
  return (keyPairs[index] ??= keyPairFromSeed(seed));
}
