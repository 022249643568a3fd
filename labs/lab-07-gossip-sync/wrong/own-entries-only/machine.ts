// Wrong on purpose: asked what it holds, it tells only what it wrote itself.

import {
  roundMs,
  type Access,
  type Did,
  type Effect,
  type Entry,
  type Event,
  type Machine,
  type Message,
  type Setup,
  type Summary,
} from '@icn/labs/lab-07';
import { BloomFilter } from './bloom-filter.js';
import { HaveSet } from './have-set.js';
import { VectorClock } from './vector-clock.js';

/** What this node has of one topic. */
interface TopicState {
  readonly name: string;
  readonly access: Access;
  readonly entries: Map<string, Entry>;
  /** By `author/seq`. */
  readonly bySeq: Map<string, Entry>;
  readonly haveSets: Map<Did, HaveSet>;
  /** Peers that follow the topic and may. */
  readonly readers: Set<Did>;
}

export class GossipMachine implements Machine {
  readonly #setup: Setup;
  readonly #topics = new Map<string, TopicState>();
  readonly #peers = new Set<Did>();
  #effects: Effect[] = [];
  #nextRoundAtMs: number | undefined;

  constructor(setup: Setup) {
    this.#setup = setup;
  }

  get wakeAtMs(): number | undefined {
    return this.#nextRoundAtMs;
  }

  handle(event: Event, nowMs: number): readonly Effect[] {
    this.#effects = [];
    switch (event.type) {
      case 'joined':
        this.#join(event.topic, event.access);
        break;
      case 'peer-up':
        this.#peers.add(event.peer);
        this.#subscribe(event.peer);
        this.#nextRoundAtMs ??= nowMs + roundMs;
        break;
      case 'peer-down':
        this.#peers.delete(event.peer);
        for (const topic of this.#topics.values()) topic.readers.delete(event.peer);
        break;
      case 'submitted': {
        const topic = this.#topics.get(event.entry.topic);
        if (topic !== undefined) this.#take(topic, event.entry, this.#setup.self);
        break;
      }
      case 'received':
        this.#received(event.from, event.message);
        break;
      case 'woke':
        this.#nextRoundAtMs = nowMs + roundMs;
        for (const peer of this.#peers) this.#remind(peer);
        break;
    }
    return this.#effects;
  }

  #received(from: Did, message: Message): void {
    if (message.type === 'Subscribe') {
      for (const name of message.topics) this.#addReader(from, name);
      return;
    }
    const topic = this.#topics.get(message.topic);
    if (topic === undefined || !this.#mayUse(topic, from)) return;
    switch (message.type) {
      case 'Announcement': {
        const { name } = message;
        if (!topic.entries.has(name.id) && this.#mayUse(topic, name.author))
          this.#send(from, { type: 'PullRequest', topic: topic.name, missing: [name] });
        break;
      }
      case 'PullRequest': {
        const entries = message.missing.flatMap(({ id }) => topic.entries.get(id) ?? []);
        if (entries.length > 0) this.#send(from, { type: 'PullResponse', topic: topic.name, entries });
        break;
      }
      case 'PullResponse':
        for (const entry of message.entries) this.#take(topic, entry, from);
        break;
      case 'AntiEntropy':
        topic.readers.add(from);
        for (const entry of topic.entries.values())
          if (entry.author === this.#setup.self && !isIn(message.summary, entry))
            this.#announce(from, topic, entry);
        break;
    }
  }

  #join(name: string, access: Access): void {
    if (this.#topics.has(name)) return;
    const topic = {
      name,
      access,
      entries: new Map(),
      bySeq: new Map(),
      haveSets: new Map(),
      readers: new Set<Did>(),
    };
    this.#topics.set(name, topic);
    for (const peer of this.#peers) this.#subscribe(peer);
  }

  /** Tells a peer the topics that it may know of. */
  #subscribe(peer: Did, isWanted: (topic: TopicState) => boolean = () => true): void {
    const allowed = [...this.#topics.values()].filter(
      (topic) => this.#mayUse(topic, peer) && isWanted(topic),
    );
    if (allowed.length > 0) this.#send(peer, { type: 'Subscribe', topics: allowed.map(({ name }) => name) });
  }

  /** A round with one peer: what we hold to who reads; who does not may have missed that we follow the topic. */
  #remind(peer: Did): void {
    for (const topic of this.#topics.values()) if (topic.readers.has(peer)) this.#tellSummary(peer, topic);
    this.#subscribe(peer, ({ readers }) => !readers.has(peer));
  }

  #addReader(peer: Did, name: string): void {
    const topic = this.#topics.get(name);
    if (topic === undefined || !this.#mayUse(topic, peer)) return;
    topic.readers.add(peer);
    this.#tellSummary(peer, topic);
  }

  #take(topic: TopicState, entry: Entry, from: Did): void {
    if (entry.topic !== topic.name || topic.entries.has(entry.id) || !this.#mayUse(topic, entry.author))
      return;
    topic.entries.set(entry.id, entry);
    topic.bySeq.set(`${entry.author}/${entry.seq}`, entry);
    this.#link(topic, entry);
    for (const reader of topic.readers) if (reader !== from) this.#announce(reader, topic, entry);
  }

  /** Delivers what has no hole below it any more. */
  #link(topic: TopicState, { author, seq }: Entry): void {
    const haveSet = topic.haveSets.get(author) ?? new HaveSet();
    topic.haveSets.set(author, haveSet);
    const before = haveSet.linkedMax;
    haveSet.add(seq);
    for (let next = before + 1; next <= haveSet.linkedMax; next++) {
      const entry = topic.bySeq.get(`${author}/${next}`);
      if (entry !== undefined) this.#effects.push({ type: 'deliver', entry });
    }
  }

  #tellSummary(peer: Did, topic: TopicState): void {
    this.#send(peer, { type: 'AntiEntropy', topic: topic.name, summary: this.#summaryOf(topic) });
  }

  #summaryOf(topic: TopicState): Summary {
    if (this.#setup.summary === 'clock') {
      const clock = new VectorClock(
        [...topic.haveSets].map(([author, { linkedMax }]) => [author, linkedMax]),
      );
      return { type: 'clock', counts: clock.entries() };
    }
    const salt = new DataView(Uint8Array.from(this.#setup.random(8)).buffer).getBigUint64(0);
    const filter = BloomFilter.withRoomFor(topic.entries.size, salt);
    for (const id of topic.entries.keys()) filter.add(id);
    return { type: 'filter', salt, bytes: filter.bytes };
  }

  #announce(peer: Did, topic: TopicState, { author, seq, id }: Entry): void {
    this.#send(peer, { type: 'Announcement', topic: topic.name, name: { author, seq, id } });
  }

  #mayUse({ access }: TopicState, did: Did): boolean {
    if (access.type === 'Public' || did === this.#setup.self) return true;
    return access.type === 'Private'
      ? access.allowed.includes(did)
      : this.#setup.trustOf(did) >= access.minTrust;
  }

  #send(to: Did, message: Message): void {
    this.#effects.push({ type: 'send', to, message });
  }
}

/** Whether a summary says that its sender has the entry. */
function isIn(summary: Summary, { author, seq, id }: Entry): boolean {
  if (summary.type === 'filter') return new BloomFilter(summary.salt, summary.bytes).mayHave(id);
  return new VectorClock(summary.counts).get(author) >= seq;
}
