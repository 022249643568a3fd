import type { Did, KeyPair, verify } from '@icn/identity';
import type { EntryName } from '../entry/entry-name.js';
import type { GossipEffect, GossipEvent } from '../events.js';
import type { Machine } from '../machine.js';
import type { Topic } from '../topic.js';
import type { Connection } from './connection.js';
import type { Disk } from './disk.js';
import type { SeededRandom } from './seeded-random.js';

/** Checks an Ed25519 signature; the world counts the calls and remembers the results for all nodes. */
export type VerifySignature = typeof verify;

/** What a machine is made with, at each start of its node. */
export interface MachineSetup {
  readonly keyPair: KeyPair;
  readonly network: string;
  readonly random: (byteCount: number) => Uint8Array;
  readonly verifySignature: VerifySignature;
  /** The number of the node. */
  readonly index: number;
}

/** What a machine says of a topic, where it offers to. Equal roots are to mean equal entries. */
export interface HostedStatus {
  readonly topic: Topic;
  readonly root: Uint8Array;
  readonly entryCount: number;
}

/** A machine that the world can run: a `Gossip`, a learner's, or one that is broken on purpose. */
export interface HostedMachine extends Machine<GossipEvent, GossipEffect> {
  status?(): readonly HostedStatus[];
  /** What it dropped so far, by name. */
  readonly counters?: Readonly<Record<string, number>>;
}

export type MachineFactory = (setup: MachineSetup) => HostedMachine;

export interface NodeOptions {
  readonly index: number;
  readonly keyPair: KeyPair;
  readonly machineOf: MachineFactory;
  readonly isHonest: boolean;
  readonly topics: readonly Topic[];
  readonly disk: Disk;
  readonly random: SeededRandom;
  /** How far its clock is ahead of the world's. */
  readonly skewMs: number;
}

/** One node of the world: its machine, while it is up, and what it keeps beside it. */
export class SimNode {
  readonly index: number;
  readonly keyPair: KeyPair;
  readonly machineOf: MachineFactory;
  /** Checkers judge honest nodes alone. */
  readonly isHonest: boolean;
  readonly topics: readonly Topic[];
  readonly disk: Disk;
  readonly random: SeededRandom;
  readonly skewMs: number;
  readonly links = new Map<Did, Connection>();
  /** How often each peer is protected. */
  readonly protects = new Map<Did, number>();
  /** Peers that it dials as long as it lives: told by the operator, or found in the room. */
  readonly contacts = new Set<SimNode>();
  /** What it published and holds, as it was told. */
  readonly acknowledged: { readonly topic: Topic; readonly name: EntryName }[] = [];
  readonly rejected: Record<string, number> = {};
  machine: HostedMachine | undefined;
  /** Counts starts and ends: what was ordered in an earlier life comes to nothing. */
  life = 0;
  /** How often an old backup of its disk was put back. */
  rollbackCount = 0;
  diskFreeAtMs = 0;
  /** When it is woken next, in the world's time. */
  wakeAtMs = Infinity;

  constructor(options: NodeOptions) {
    this.index = options.index;
    this.keyPair = options.keyPair;
    this.machineOf = options.machineOf;
    this.isHonest = options.isHonest;
    this.topics = options.topics;
    this.disk = options.disk;
    this.random = options.random;
    this.skewMs = options.skewMs;
  }

  get did(): Did {
    return this.keyPair.did;
  }

  get label(): string {
    return `n${this.index}`;
  }

  get isUp(): boolean {
    return this.machine !== undefined;
  }

  isProtected(peer: SimNode): boolean {
    return (this.protects.get(peer.did) ?? 0) > 0 || this.contacts.has(peer);
  }
}
