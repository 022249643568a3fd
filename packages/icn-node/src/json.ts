import { toHex } from '@icn/identity';
import type { NodeStatus } from './node.js';
import type { Entry } from './topic.js';

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
}

export interface StatusJson {
  readonly did: string;
  readonly network: string;
  readonly addresses: readonly string[];
  readonly peers: readonly PeerJson[];
  readonly blocked: readonly string[];
  readonly topics: readonly TopicJson[];
  readonly counters: Readonly<Record<string, number>>;
}

export interface PeerJson {
  readonly did: string;
  readonly address: string;
  readonly direction: string;
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

export interface ErrorJson {
  readonly error: { readonly code: string; readonly message: string };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function entryJson({ topic, id, author, seq, position, timestampMs, payload }: Entry): EntryJson {
  const common = { type: 'entry', topic, id, author, seq, position, timestampMs } as const;
  if (payload === undefined) return { ...common, payload: null };
  try {
    return { ...common, payload: utf8.decode(payload) };
  } catch {
    return { ...common, payload: null, payloadBase64: Buffer.from(payload).toString('base64') };
  }
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
