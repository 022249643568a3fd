import type { EntryParts, VerifiedEntry } from '../src/entry/entry.js';
import type { GossipEffect, GossipEvent } from '../src/events.js';
import type { Gossip, GossipOptions } from '../src/gossip.js';
import { encodeMessage } from '../src/wire/message-codec.js';
import type { AntiEntropy, ClockComponent, GossipMessage, Hello, PullRequest } from '../src/wire/messages.js';
import { EXTENSIONS } from '../src/link/peers.js';
import { PROTOCOL } from '../src/limits.js';
import { did, gossipOf, NETWORK, text, TOPIC } from './fixtures.js';
import { transcript } from './transcript.js';

/** The number of the node under test. */
export const ME = 1;

/** The node under test, told events one after another. */
export class Subject {
  readonly gossip: Gossip;
  nowMs = 0;
  #lastRef = 0;

  /** Publishes without asking for its own head first, unless `limits` say otherwise. */
  constructor({ limits, ...options }: Partial<GossipOptions> = {}) {
    this.gossip = gossipOf(ME, { ...options, limits: { ownHeadWaitMs: 0, ...limits } });
  }

  handle(event: GossipEvent): readonly GossipEffect[] {
    return this.gossip.handle(event, this.nowMs);
  }

  tell(event: GossipEvent): string[] {
    return transcript(this.handle(event));
  }

  join(topic = TOPIC): string[] {
    return this.tell({ type: 'joined', topic, access: { type: 'Public' } });
  }

  /** Meets peers that follow the topic, hold nothing, and are neighbours. */
  meet(...peers: readonly number[]): void {
    for (const peer of peers) {
      this.handle({ type: 'peer-up', peer: did(peer) });
      for (const message of [hello(), subscribe(), emptyAnswer(), neighborAnswer(true)])
        this.handle({ type: 'received', from: did(peer), frame: encodeMessage(message) });
    }
  }

  receive(from: number, message: GossipMessage): string[] {
    return this.tell({ type: 'received', from: did(from), frame: encodeMessage(message) });
  }

  submit(payload: Uint8Array | string, topic = TOPIC): string[] {
    return this.submitAll([payload], topic);
  }

  submitAll(payloads: readonly (Uint8Array | string)[], topic = TOPIC): string[] {
    const bytes = payloads.map((payload) => (typeof payload === 'string' ? text(payload) : payload));
    return this.tell({ type: 'submitted', topic, payloads: bytes, ref: ++this.#lastRef });
  }

  persisted(write: number): string[] {
    return this.tell({ type: 'persisted', write });
  }

  /** Wakes it whenever it asks for that, until `nowMs`. */
  sleepUntil(nowMs: number): string[] {
    const lines: string[] = [];
    while ((this.gossip.wakeAtMs ?? Infinity) <= nowMs) lines.push(...this.wake());
    this.nowMs = nowMs;
    return lines;
  }

  wake(): string[] {
    this.nowMs = this.gossip.wakeAtMs!;
    return this.tell({ type: 'woke' });
  }
}

export function joined(...peers: readonly number[]): Subject {
  const subject = new Subject();
  subject.join();
  subject.meet(...peers);
  return subject;
}

export function hello(changes: Partial<Hello> = {}): Hello {
  return {
    type: 'Hello',
    version: PROTOCOL.version,
    network: NETWORK,
    extensions: EXTENSIONS,
    nonce: new Uint8Array(8),
    heard: true,
    ...changes,
  };
}

export function neighborAnswer(accepted: boolean): GossipMessage {
  return { type: 'NeighborAnswer', topic: TOPIC, accepted };
}

export function subscribe(): GossipMessage {
  return { type: 'Subscribe', topics: [TOPIC], reply: false };
}

/** What a peer that holds nothing says of the topic; its root is that of an empty topic. */
export function emptyAnswer(): AntiEntropy {
  const gossip = gossipOf(9);
  gossip.handle({ type: 'joined', topic: TOPIC, access: { type: 'Public' } }, 0);
  return antiEntropy({ root: gossip.status()[0]!.root, answer: true });
}

export function antiEntropy(fields: Partial<AntiEntropy>): AntiEntropy {
  return {
    type: 'AntiEntropy',
    topic: TOPIC,
    roundId: 7,
    answer: false,
    root: new Uint8Array(32),
    counts: null,
    closed: [],
    summary: null,
    ...fields,
  };
}

/** A question that carries a whole clock. */
export function clockQuestion(clock: readonly ClockComponent[]): AntiEntropy {
  return antiEntropy({ summary: { type: 'clock', clock, base: null } });
}

/** A question that carries a filter of nothing, or of everything. */
export function filterQuestion(byte: 0 | 0xff, salt = 0n): AntiEntropy {
  const bytes = new Uint8Array(8).fill(byte);
  return antiEntropy({ summary: { type: 'filter', salt, slice: { index: 0, count: 1 }, bytes } });
}

/** A request for nothing, and what a test asks for. */
export function pullRequest(fields: Partial<PullRequest>): PullRequest {
  return {
    type: 'PullRequest',
    requestId: 1,
    topic: TOPIC,
    missing: [],
    ranges: [],
    bytesMax: 262_144,
    heads: null,
    evidence: [],
    ...fields,
  };
}

export function eager({ name, parts }: VerifiedEntry, changes: Partial<EntryParts> = {}): GossipMessage {
  return { type: 'Announcement', topic: TOPIC, name, entry: { ...parts, ...changes } };
}

/** As pushed along the tree by who got it over so many links. */
export function eagerAfter(hops: number, { name, parts }: VerifiedEntry): GossipMessage {
  return { type: 'Announcement', topic: TOPIC, name, entry: parts, hops };
}

export function lazy({ name }: VerifiedEntry): GossipMessage {
  return { type: 'Announcement', topic: TOPIC, name, entry: undefined };
}

export function response(requestId: number, entries: readonly VerifiedEntry[], more = false): GossipMessage {
  return { type: 'PullResponse', requestId, topic: TOPIC, entries: entries.map(({ parts }) => parts), more };
}

export function headOf({ name }: VerifiedEntry): ClockComponent {
  return { ...name, floor: 0 };
}
