import {
  Counters,
  decodeEntry,
  decodeMessage,
  verifyEntry,
  type EntryParts,
  type GossipEffect,
  type GossipEvent,
  type Topic,
} from '@icn/gossip';
import {
  createEntry,
  Outbox,
  ProofVerifier,
  type HostedMachine,
  type MachineFactory,
  type MachineSetup,
} from '@icn/gossip/sim';
import { toHex, type Did } from '@icn/identity';
import type { Access, Effect, Entry, Event, Machine, Message, Setup } from './contract.js';
import { toWire, type KnownEntries } from './wire-form.js';

/** A learner's class, as it stands in `machine.ts`. */
export type MachineClass = new (setup: Setup) => Machine;

export interface HostOptions {
  readonly summary?: Setup['summary'];
  /** The rule of a topic, as the node `self` knows it. */
  readonly accessOf?: (topic: string, self: Did) => Access;
  /** How far the node `self` trusts somebody. */
  readonly trustOf?: (did: Did, self: Did) => number;
}

const decoder = new TextDecoder();

/**
 * Lets a learner's machine live in the simulator: speaks the wire format of `@icn/gossip` for it, signs and checks
 * entries, gives positions, and holds back what it says until what it delivered is durable. All decisions are the
 * learner's: what is held, told, asked, passed on and delivered; so the simulator's checkers judge those.
 */
class Host implements HostedMachine {
  readonly #setup: MachineSetup;
  readonly #options: HostOptions;
  readonly #machine: Machine;
  readonly #proofs: ProofVerifier;
  readonly #outbox = new Outbox(Infinity, new Counters());
  /** Entries whose bytes are here. */
  readonly #known: KnownEntries = new Map();
  readonly #lastPositions = new Map<string, number>();
  readonly #ownHeads = new Map<string, Entry>();
  #lastRequest = 0;

  constructor(setup: MachineSetup, makeMachine: (setup: Setup) => Machine, options: HostOptions) {
    this.#setup = setup;
    this.#options = options;
    this.#proofs = new ProofVerifier(setup.verifySignature);
    this.#machine = makeMachine({
      self: setup.keyPair.did,
      summary: options.summary ?? 'clock',
      random: setup.random,
      trustOf: (did) => options.trustOf?.(did, setup.keyPair.did) ?? 1,
    });
  }

  get wakeAtMs(): number | undefined {
    return this.#machine.wakeAtMs;
  }

  handle(event: GossipEvent, nowMs: number): readonly GossipEffect[] {
    if (event.type === 'persisted') this.#outbox.persisted(event.write);
    else if (event.type === 'submitted') this.#submit(event, nowMs);
    else {
      const told = this.#eventOf(event);
      if (told !== undefined) this.#carryOut(this.#machine.handle(told, nowMs));
    }
    return this.#outbox.take();
  }

  #eventOf(event: GossipEvent): Event | undefined {
    switch (event.type) {
      case 'joined':
        return {
          ...event,
          access: this.#options.accessOf?.(event.topic, this.#setup.keyPair.did) ?? { type: 'Public' },
        };
      case 'peer-up':
      case 'peer-down':
      case 'woke':
        return event;
      case 'received': {
        const message = this.#read(event.frame);
        return message && { type: 'received', from: event.from, message };
      }
      case 'submitted':
      case 'restored':
      case 'left':
      case 'persisted':
      case 'loaded':
      case 'unreachable':
      case 'twin-met':
        return undefined;
    }
  }

  /** The learner's machine is told of one entry at a time, signed by itself. */
  #submit({ topic, payloads, ref }: Extract<GossipEvent, { type: 'submitted' }>, nowMs: number): void {
    const entries = payloads.map((payload) => {
      const entry = this.#create(topic, payload, nowMs);
      this.#carryOut(this.#machine.handle({ type: 'submitted', entry }, nowMs));
      return entry;
    });
    const names = entries.map(({ id }) => this.#known.get(id)!.name);
    this.#outbox.effectWhenDurable({ type: 'acknowledge', ref, names });
  }

  #carryOut(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.type === 'send') {
        const message = toWire(effect.message, this.#known, ++this.#lastRequest);
        this.#outbox.sendWhenDurable([effect.to], message);
      } else this.#deliver(effect.entry);
    }
  }

  #deliver({ id }: Entry): void {
    const known = this.#known.get(id);
    if (known === undefined) throw new TypeError(`deliver: no entry with the id ${id} has come to this node`);
    const { topic } = known.header;
    const position = (this.#lastPositions.get(topic) ?? 0) + 1;
    this.#lastPositions.set(topic, position);
    this.#outbox.write({ type: 'entry', topic, id: known.name.id, parts: known.parts });
    this.#outbox.write({ type: 'position', topic, position, id: known.name.id });
    this.#outbox.effectWhenDurable({
      type: 'deliver',
      topic,
      position,
      name: known.name,
      late: false,
      forked: false,
    });
  }

  /** A message in the learner's vocabulary; undefined for all others, which a node may always ignore. */
  #read(frame: Uint8Array): Message | undefined {
    const message = decodeMessage(frame);
    if (typeof message === 'string') return undefined;
    const { type } = message;
    if (type === 'Subscribe') return { type, topics: message.topics };
    if (type === 'Announcement') return { type, topic: message.topic, name: message.name };
    if (type === 'PullRequest') return { type, topic: message.topic, missing: message.missing };
    if (type === 'PullResponse')
      return {
        type,
        topic: message.topic,
        entries: message.entries.flatMap((parts) => this.#admit(parts) ?? []),
      };
    if (type !== 'AntiEntropy') return undefined;
    const { topic, summary } = message;
    if (summary?.type === 'clock') {
      const counts = summary.clock.map(({ author, seq }) => [author, seq] as const);
      return { type, topic, summary: { type: 'clock', counts } };
    }
    if (summary?.type !== 'filter') return undefined;
    const { salt, bytes } = summary;
    return { type, topic, summary: { type: 'filter', salt, bytes } };
  }

  /** Checks an entry that came, once; what is no entry of its author costs only itself. */
  #admit(parts: EntryParts | undefined): Entry | undefined {
    const decoded = parts && decodeEntry(parts);
    if (decoded === undefined || typeof decoded === 'string') return undefined;
    const known = this.#known.get(decoded.name.id);
    if (known !== undefined) return known.entry;
    if (decoded.header.network !== this.#setup.network) return undefined;
    const verified = verifyEntry(decoded, this.#proofs);
    if (typeof verified === 'string') return undefined;
    return this.#remember(verified);
  }

  #create(topic: Topic, payload: Uint8Array, nowMs: number): Entry {
    const prev = this.#ownHeads.get(topic);
    const fields = {
      topic,
      lane: 0 as const,
      deps: [],
      timestampMs: Math.floor(nowMs),
      network: this.#setup.network,
    };
    const created = createEntry(
      this.#setup.keyPair,
      {
        ...fields,
        seq: (prev?.seq ?? 0) + 1,
        prev: prev === undefined ? null : this.#known.get(prev.id)!.name.id,
      },
      payload,
    );
    const entry = this.#remember(created);
    this.#ownHeads.set(topic, entry);
    return entry;
  }

  #remember({ name, header, parts }: ReturnType<typeof createEntry>): Entry {
    const { author, seq, id } = name;
    const text = parts.payload === undefined ? '' : decoder.decode(parts.payload);
    const entry = Object.freeze<Entry>({ author, seq, id, topic: header.topic, text });
    this.#known.set(id, { entry, name, header, parts });
    return entry;
  }
}

/** A node of the simulator that runs a learner's machine. */
export function hosted(Machine: MachineClass, options: HostOptions = {}): MachineFactory {
  return hostedBy((setup) => new Machine(setup), options);
}

export function hostedBy(makeMachine: (setup: Setup) => Machine, options: HostOptions = {}): MachineFactory {
  return (setup) => new Host(setup, makeMachine, options);
}

/** How an entry's id stands in diagrams and messages. */
export function shortId(id: string | Uint8Array): string {
  return (typeof id === 'string' ? id : toHex(id)).slice(0, 6);
}
