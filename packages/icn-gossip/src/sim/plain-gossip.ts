import type { Did } from '@icn/identity';
import { Counters } from '../bounds/counters.js';
import type { DropName } from '../drops.js';
import {
  createEntries,
  decodeEntry,
  verifyEntry,
  type DecodedEntry,
  type EntryParts,
} from '../entry/entry.js';
import { ProofVerifier } from '../entry/proof.js';
import type { EntryId } from '../entry/entry-name.js';
import type { GossipEffect, GossipEvent } from '../events.js';
import { Outbox } from '../outbox.js';
import { BloomFilter, WHOLE } from '../repair/bloom-filter.js';
import type { Topic } from '../topic.js';
import { decodeMessage } from '../wire/message-codec.js';
import type { AntiEntropy, ClockComponent, GossipMessage, PullRequest, Summary } from '../wire/messages.js';
import { u64FromBytes } from '../wire/u64.js';
import { PlainHolding } from './plain-holding.js';
import type { HostedMachine, HostedStatus, MachineFactory, MachineSetup } from './sim-node.js';

/** What a plain machine does, rightly or wrongly. */
export interface PlainOptions {
  /**
   * `filter` is right. `fixed-salt`: the filters of all rounds have one salt, so an entry that looks held looks so for
   * ever. `max-merge`: a clock of maxima, which claims what it has heard of, and never asks for what it claims.
   */
  readonly repair?: 'filter' | 'fixed-salt' | 'max-merge';
  readonly intervalMs?: number;
}

/** Flooding and Bloom filters: about the least that is right, without bounds, trees or shares; see `plainMachine`. */
class PlainGossip implements HostedMachine {
  readonly #setup: MachineSetup;
  readonly #proofs: ProofVerifier;
  readonly #options: Required<PlainOptions>;
  readonly #topics = new Map<Topic, PlainHolding>();
  readonly #peers: Did[] = [];
  readonly #outbox = new Outbox(Infinity, new Counters<DropName>());
  readonly #serving = new Map<number, { readonly peer: Did; readonly request: PullRequest }>();
  #lastNumber = 0;
  #nextRoundAtMs: number | undefined;

  constructor(setup: MachineSetup, { repair = 'filter', intervalMs = 5_000 }: PlainOptions) {
    this.#setup = setup;
    this.#proofs = new ProofVerifier(setup.verifySignature);
    this.#options = { repair, intervalMs };
  }

  get wakeAtMs(): number | undefined {
    return this.#nextRoundAtMs;
  }

  status(): readonly HostedStatus[] {
    return Array.from(this.#topics, ([topic, { root, entries }]) => ({
      topic,
      root,
      entryCount: entries.size,
    }));
  }

  handle(event: GossipEvent, nowMs: number): readonly GossipEffect[] {
    switch (event.type) {
      case 'peer-up':
        this.#peers.push(event.peer);
        for (const topic of this.#topics.keys()) this.#ask(event.peer, topic, false);
        this.#nextRoundAtMs ??= this.#drawNextRound(nowMs);
        break;
      case 'peer-down':
        this.#peers.splice(this.#peers.indexOf(event.peer), 1);
        break;
      case 'received': {
        const message = decodeMessage(event.frame);
        if (typeof message !== 'string' && 'topic' in message && this.#topics.has(message.topic))
          this.#received(event.from, message);
        break;
      }
      case 'restored':
        for (const row of event.entries) this.#holding(event.topic).restore(row);
        break;
      case 'joined':
        this.#holding(event.topic);
        break;
      case 'submitted':
        this.#submitted(event.topic, event.payloads, event.ref, nowMs);
        break;
      case 'persisted':
        this.#outbox.persisted(event.write);
        break;
      case 'loaded': {
        const { peer, request } = this.#serving.get(event.load)!;
        this.#serving.delete(event.load);
        const { requestId, topic } = request;
        this.#outbox.send([peer], {
          type: 'PullResponse',
          requestId,
          topic,
          entries: event.entries,
          more: false,
        });
        break;
      }
      case 'woke':
        this.#woke(nowMs);
        break;
      case 'left':
      case 'unreachable':
      case 'twin-met':
        break;
      default:
        event satisfies never;
    }
    return this.#outbox.take();
  }

  #woke(nowMs: number): void {
    this.#nextRoundAtMs = this.#drawNextRound(nowMs);
    const peer = this.#peers.shift();
    if (peer === undefined) return;
    this.#peers.push(peer);
    for (const topic of this.#topics.keys()) this.#ask(peer, topic, false);
  }

  #received(from: Did, message: Extract<GossipMessage, { topic: Topic }>): void {
    const { topic } = message;
    if (message.type === 'Announcement') {
      if (message.entry !== undefined) this.#take(topic, message.entry, from);
      else if (!this.#holding(topic).entries.has(message.name.id))
        this.#pull(from, { topic, missing: [message.name], ranges: [] });
    } else if (message.type === 'PullRequest') {
      this.#serve(from, message);
    } else if (message.type === 'PullResponse') {
      for (const parts of message.entries) if (parts !== undefined) this.#take(topic, parts, from);
    } else if (message.type === 'AntiEntropy') {
      if (!message.answer) this.#ask(from, topic, true);
      if (message.summary !== null) this.#compare(from, topic, message.summary);
    }
  }

  #ask(peer: Did, topic: Topic, answer: boolean): void {
    const message: AntiEntropy = {
      type: 'AntiEntropy',
      topic,
      roundId: 1,
      answer,
      root: this.#holding(topic).root,
      counts: null,
      closed: [],
      summary: this.#summary(topic),
    };
    this.#outbox.sendWhenDurable([peer], message);
  }

  #summary(topic: Topic): Summary {
    const { entries, maxima } = this.#holding(topic);
    if (this.#options.repair === 'max-merge') {
      const clock = Array.from(maxima, ([author, seq]): ClockComponent => {
        const name = [...entries.values()].find((held) => held.name.author === author)?.name;
        return { author, lane: 0, floor: 0, seq, id: name?.id ?? ('00'.repeat(32) as EntryId) };
      });
      return { type: 'clock', clock, base: null };
    }
    const salt = this.#options.repair === 'fixed-salt' ? 1n : u64FromBytes(this.#setup.random(8));
    const filter = BloomFilter.withRoomFor(entries.size, salt);
    for (const id of entries.keys()) filter.add(id);
    return { type: 'filter', salt, slice: WHOLE, bytes: filter.bytes };
  }

  #compare(peer: Did, topic: Topic, summary: Summary): void {
    const { entries, maxima } = this.#holding(topic);
    if (summary.type === 'clock' && this.#options.repair === 'max-merge') {
      for (const { author, lane, seq } of summary.clock) {
        const own = maxima.get(author) ?? 0;
        if (seq <= own) continue;
        this.#pull(peer, { topic, missing: [], ranges: [{ author, lane, from: own + 1, to: seq }] });
        maxima.set(author, seq);
      }
    } else if (summary.type === 'filter') {
      const theirs = new BloomFilter(summary.salt, summary.bytes);
      for (const { name } of entries.values()) {
        if (!theirs.mayHave(name.id))
          this.#outbox.sendWhenDurable([peer], { type: 'Announcement', topic, name, entry: undefined });
      }
    }
  }

  #pull(peer: Did, wants: Pick<PullRequest, 'topic' | 'missing' | 'ranges'>): void {
    const requestId = ++this.#lastNumber;
    const rest = { bytesMax: 262_144, heads: null, evidence: [] };
    this.#outbox.send([peer], { type: 'PullRequest', requestId, ...wants, ...rest });
  }

  #serve(peer: Did, request: PullRequest): void {
    const { entries } = this.#holding(request.topic);
    const named = request.missing.flatMap(({ id }) => (entries.has(id) ? [id] : []));
    const ranged = [...entries.values()].filter(({ name }) =>
      request.ranges.some(
        ({ author, from, to }) => name.author === author && name.seq >= from && name.seq <= to,
      ),
    );
    const ids = [...named, ...ranged.map(({ name }) => name.id)];
    if (ids.length === 0) return;
    const load = ++this.#lastNumber;
    this.#serving.set(load, { peer, request });
    this.#outbox.effect({ type: 'load', load, topic: request.topic, ids, bytesMax: request.bytesMax });
  }

  #take(topic: Topic, parts: EntryParts, from: Did): void {
    const decoded = decodeEntry(parts);
    const { entries } = this.#holding(topic);
    if (typeof decoded === 'string' || decoded.header.topic !== topic || entries.has(decoded.name.id)) return;
    if (decoded.header.network !== this.#setup.network) return;
    if (typeof verifyEntry(decoded, this.#proofs) === 'string') return;
    this.#keep(topic, decoded);
    const others = this.#peers.filter((peer) => peer !== from);
    this.#outbox.send(others, { type: 'Announcement', topic, name: decoded.name, entry: parts });
  }

  #submitted(topic: Topic, payloads: readonly Uint8Array[], ref: number, nowMs: number): void {
    const { keyPair, network } = this.#setup;
    const holding = this.#holding(topic);
    const prev = holding.lastOf(keyPair.did);
    const first = {
      network,
      topic,
      lane: 0 as const,
      seq: (prev?.seq ?? 0) + 1,
      prev: prev?.id ?? null,
      timestampMs: Math.floor(nowMs),
    };
    const drafts = payloads.map((payload, index) => {
      return { payload, deps: index === 0 ? holding.frontier(prev) : [] };
    });
    const entries = createEntries(keyPair, first, drafts);
    for (const entry of entries) {
      this.#keep(topic, entry);
      const { name, parts } = entry;
      this.#outbox.sendWhenDurable([...this.#peers], { type: 'Announcement', topic, name, entry: parts });
    }
    this.#outbox.effectWhenDurable({ type: 'acknowledge', ref, names: entries.map(({ name }) => name) });
  }

  #keep(topic: Topic, { name, header, parts }: DecodedEntry): void {
    const holding = this.#holding(topic);
    holding.keep({ name, header });
    this.#outbox.write({ type: 'entry', topic, id: name.id, parts });
    for (const { position, ...turn } of holding.turns()) {
      if (turn.type === 'withdraw') {
        this.#outbox.write({ type: 'withdrawal', topic, position, log: turn.log });
        this.#outbox.effectWhenDurable({ type: 'withdraw', topic, position, log: turn.log });
      } else {
        this.#outbox.write({ type: 'position', topic, position, id: turn.name.id });
        this.#outbox.effectWhenDurable({ ...turn, topic, position, late: false });
      }
    }
  }

  #holding(topic: Topic): PlainHolding {
    let holding = this.#topics.get(topic);
    if (holding === undefined)
      this.#topics.set(topic, (holding = new PlainHolding(this.#setup.network, topic)));
    return holding;
  }

  #drawNextRound(nowMs: number): number {
    const share = Number(u64FromBytes(this.#setup.random(8)) % 1_000n) / 1_000;
    return nowMs + this.#options.intervalMs * (0.8 + 0.4 * share);
  }
}

/**
 * The simulator's yardstick: a machine of a page that floods entries and repairs with Bloom filters, slow and without
 * any bound, but right. With `repair` it is broken on purpose, in ways that a sweep must find.
 */
export function plainMachine(options: PlainOptions = {}): MachineFactory {
  return (setup) => new PlainGossip(setup, options);
}
