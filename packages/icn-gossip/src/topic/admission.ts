import type { Did } from '@icn/identity';
import type { DropName } from '../drops.js';
import { verifyEntry, type DecodedEntry, type VerifiedEntry } from '../entry/entry.js';
import type { EntryLinks } from '../entry/entry-header.js';
import type { EntryName } from '../entry/entry-name.js';
import type { Equivocation } from '../wire/messages.js';
import { EvidenceGate } from './evidence.js';
import type { TopicContext } from './topic-context.js';
import type { Delivery } from './delivery-order.js';
import type { Closing, TopicState } from './topic-state.js';

export interface AdmissionOptions {
  readonly context: TopicContext;
  readonly state: TopicState;
  /** Peers that follow the topic. */
  readonly followers: () => readonly Did[];
  /** An entry is about to be taken; `from` nobody where it was made here. */
  readonly onTaking: (entry: VerifiedEntry, from: Did | undefined) => void;
}

/** The only way into a topic: what comes is judged, verified once (I2), stored, linked, and delivered when durable. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #evidence: EvidenceGate;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#evidence = new EvidenceGate(options.context, options.state);
  }

  /** Decides on an entry from a peer: known, at fault, no room, or taken. What is not taken is counted. */
  admit(
    entry: DecodedEntry | DropName,
    from: Did,
    nowMs: number,
    announced?: EntryName,
  ): VerifiedEntry | undefined {
    const verified = typeof entry === 'string' ? entry : this.#verify(entry, announced);
    if (typeof verified === 'string') {
      this.#options.context.counters.add(verified);
      return undefined;
    }
    this.take(verified, nowMs, from);
    return verified;
  }

  /** Stores a verified entry, and delivers what it brings the turn of. */
  take(entry: VerifiedEntry, nowMs: number, from?: Did): void {
    const { context, state, onTaking } = this.#options;
    const { topic } = state;
    onTaking(entry, from);
    context.outbox.write({ type: 'entry', topic, id: entry.name.id, parts: entry.parts });
    this.deliver(state.accept(linksOf(entry), nowMs), from);
  }

  /** Makes known what closed, and then what has its turn: in the order of their positions. */
  deliver(deliveries: readonly Delivery[], from?: Did): void {
    const { context, state } = this.#options;
    const { outbox, counters } = context;
    const { topic } = state;
    const { closings, evictedCount } = state.takeNews();
    if (evictedCount > 0) counters.add('parked-evicted', evictedCount);
    for (const closing of closings) this.#closed(closing, from);
    for (const { name, position, late, forked } of deliveries) {
      outbox.write({ type: 'position', topic, position, id: name.id, late, forked });
      outbox.effectWhenDurable({ type: 'deliver', topic, position, name, late, forked });
    }
  }

  /** Takes in evidence of forks. Returns whether it changed anything. */
  admitEvidence(from: Did, message: Equivocation): boolean {
    const headers = this.#evidence.admit(message);
    const [first] = headers;
    if (first === undefined) return false;
    const { context, state } = this.#options;
    const { topic } = state;
    const unheld = new Map(headers.map(({ name, parts }) => [name.id, parts]));
    for (const { name } of headers) if (state.has(name)) unheld.delete(name.id);
    const deliveries = state.prove(headers.map(linksOf));
    for (const id of state.witness(first.name.author, first.name.lane)) {
      const parts = unheld.get(id);
      if (parts !== undefined) context.outbox.write({ type: 'entry', topic, id, parts });
    }
    this.deliver(deliveries, from);
    return true;
  }

  #verify(entry: DecodedEntry, announced: EntryName | undefined): VerifiedEntry | DropName {
    const { context, state } = this.#options;
    const { header, name } = entry;
    if (header.network !== context.network) return 'network-wrong';
    if (header.topic !== state.topic) return 'topic-wrong';
    if (announced !== undefined && !isSameName(announced, name)) return 'name-wrong';
    if (state.has(name)) return 'duplicate';
    const isOwn = name.author === context.keyPair.did;
    return state.refusalOf(linksOf(entry), isOwn) ?? verifyEntry(entry, context.proofs);
  }

  /** Tells consumers what left that they had been given, and the followers why; but not who told us. */
  #closed({ log, position, witness }: Closing, from: Did | undefined): void {
    const { context, state, followers } = this.#options;
    const { outbox, peers, evidence } = context;
    const { topic } = state;
    if (position !== undefined) {
      outbox.write({ type: 'withdrawal', topic, position, log });
      outbox.effectWhenDurable({ type: 'withdraw', topic, position, log });
    }
    const told = followers().filter((peer) => peer !== from && peers.speaks(peer, 'evidence'));
    evidence.tell(told, topic, witness);
  }
}

function linksOf({ name, header }: Pick<VerifiedEntry, 'name' | 'header'>): EntryLinks {
  return { name, prev: header.prev, deps: header.deps };
}

function isSameName(a: EntryName, b: EntryName): boolean {
  return a.id === b.id && a.author === b.author && a.lane === b.lane && a.seq === b.seq;
}
