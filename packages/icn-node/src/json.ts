import { toHex } from '@icn/identity';
import type { NodeEvent } from './node-events.js';
import type { NodeStatus } from './node-status.js';
import type { Traffic } from './peer-links.js';
import type { PeerStatus, SoughtStatus } from './peer-status.js';
import type { SessionBill } from '@icn/gossip';
import type { Entry, Item } from './topic.js';

/** The forms in which the CLI and the control socket speak of a node: part of the CLI's contract. */

export interface EntryJson {
  readonly type: 'entry';
  readonly topic: string;
  readonly id: string;
  readonly author: string;
  readonly seq: number;
  readonly position: number;
  readonly timestampMs: number;
  /** The payload as text; null where it is not UTF-8, or pruned. */
  readonly payload: string | null;
  /** The payload where it is not UTF-8. */
  readonly payloadBase64?: string;
  /** It came after entries that it precedes. */
  readonly late: boolean;
  /** Its author was known to have made another entry in its place. */
  readonly forked: boolean;
}

/** Entries of a log, from seq `from` on, have left the topic. */
export interface WithdrawnJson {
  readonly type: 'withdrawn';
  readonly topic: string;
  readonly position: number;
  readonly author: string;
  readonly lane: number;
  readonly from: number;
}

export type ItemJson = EntryJson | WithdrawnJson;

export interface StatusJson {
  readonly did: string;
  readonly network: string;
  readonly reconcile: string;
  readonly addresses: readonly string[];
  readonly peers: readonly PeerStatus[];
  readonly sought: readonly SoughtStatus[];
  readonly blocked: readonly string[];
  readonly topics: readonly TopicJson[];
  /** Gossip frames and their bytes since the start, over all peers, without what the transport adds. */
  readonly traffic: Traffic;
  readonly counters: Readonly<Record<string, number>>;
}

export interface TopicJson {
  readonly topic: string;
  readonly entries: number;
  readonly authors: number;
  readonly root: string;
  /** Peers that follow the topic. */
  readonly subscribers: readonly string[];
  /** Those of them whose root, as they last told it, is ours. */
  readonly inSync: readonly string[];
}

export interface PublishedJson {
  readonly id: string;
  readonly topic: string;
  readonly seq: number;
  readonly durable: true;
}

export interface SessionsJson {
  readonly topic: string;
  /** Oldest first. Null stands for what is not known, or not yet. */
  readonly sessions: readonly SessionJson[];
}

export type SessionJson = {
  readonly [Field in keyof SessionBill]: undefined extends SessionBill[Field]
    ? Exclude<SessionBill[Field], undefined> | null
    : SessionBill[Field];
};

export interface ConsumersJson {
  readonly topic: string;
  /** Position committed, by name. */
  readonly consumers: Readonly<Record<string, number>>;
}

export interface ErrorJson {
  readonly error: { readonly code: string; readonly message: string };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function entryJson(entry: Entry): EntryJson {
  const { topic, id, author, seq, position, timestampMs, payload, late, forked } = entry;
  const head = { type: 'entry', topic, id, author, seq, position, timestampMs } as const;
  if (payload === undefined) return { ...head, payload: null, late, forked };
  try {
    return { ...head, payload: utf8.decode(payload), late, forked };
  } catch {
    return { ...head, payload: null, payloadBase64: Buffer.from(payload).toString('base64'), late, forked };
  }
}

export function itemJson(item: Item): ItemJson {
  if (item.type === 'entry') return entryJson(item);
  const { type, topic, position, log } = item;
  const { author, lane, from } = log;
  return { type, topic, position, author, lane, from };
}

export function sessionsJson(topic: string, bills: readonly SessionBill[]): SessionsJson {
  const sessions = bills.map(({ endedAtMs = null, ...bill }) => ({ ...bill, endedAtMs }));
  return { topic, sessions };
}

export function statusJson(status: NodeStatus): StatusJson {
  const topics = status.topics.map(({ topic, entryCount, authorCount, root, subscribers, inSync }) => {
    return { topic, entries: entryCount, authors: authorCount, root: toHex(root), subscribers, inSync };
  });
  return { ...status, topics };
}

export function errorJson(error: unknown): ErrorJson {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return {
    error: { code: typeof code === 'string' ? code : 'unexpected', message: String(message ?? error) },
  };
}

/** The first line of `icn up --json`. */
export function listeningJson({ did, addresses }: Pick<NodeStatus, 'did' | 'addresses'>) {
  return { type: 'listening', did, addresses } as const;
}

/** The line of `icn up --json` for what happened; `undefined` for what is said of its items. */
export function eventJson(event: NodeEvent) {
  switch (event.type) {
    case 'peer-up':
    case 'warning':
      return event;
    case 'peer-down': {
      const { code, by, text } = event.reason;
      return { type: 'peer-down', did: event.did, reason: code, by, text } as const;
    }
    case 'failed':
      return { type: 'failed', message: event.error.message } as const;
    case 'delivered':
    case 'withdrawn':
      return undefined;
    default:
      return event satisfies never;
  }
}
