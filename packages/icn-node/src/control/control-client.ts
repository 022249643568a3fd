import { request, type IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { parseTopic } from '@icn/gossip';
import { parseDid } from '@icn/identity';
import { parseConsumerName } from '../consumers.js';
import { NodeError } from '../errors.js';
import type { ConsumersJson, ErrorJson, ItemJson, PublishedJson, SessionsJson, StatusJson } from '../json.js';
import type { ExplanationJson, ImportJson, StatementJson, TrustedJson } from '../trust/trust-json.js';
import { controlPath } from './control-path.js';
import { readLines } from './read-input.js';

/** The longest JSON line is a status: 1,024 topics that 256 peers follow, and 65,536 blocked ones, make 36 MiB. */
const LINE_BYTES_MAX = 64 << 20;

/** What the node answered instead of doing what was asked. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly code: string;

  constructor({ error }: ErrorJson) {
    super(error.message);
    this.code = error.code;
  }
}

export interface ItemsQuery {
  /** A position from 1, or `end`. */
  readonly from: string;
  /** Begins so many positions before the end, whatever `from` says. */
  readonly last?: string | undefined;
  readonly follow: boolean;
}

/**
 * Speaks to the node that runs on a data directory. Methods throw `NodeError` `node-unreachable`,
 * `RefusedError`, and what `parseTopic`, `parseDid` and `parseConsumerName` throw.
 */
export class ControlClient {
  readonly #dataDir: string;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  status(): Promise<StatusJson> {
    return this.#one('GET', '/v1/status');
  }

  publish(topic: string, payload: Uint8Array): Promise<PublishedJson> {
    return this.#one('POST', `${pathOf(topic)}/entries`, payload);
  }

  publishLines(topic: string, lines: Readable): AsyncGenerator<PublishedJson | ErrorJson> {
    return this.#many('POST', `${pathOf(topic)}/lines`, lines);
  }

  items(topic: string, options: ItemsQuery): AsyncGenerator<ItemJson> {
    const { from, last, follow } = options;
    const query = new URLSearchParams({ from, follow: String(follow), ...(last !== undefined && { last }) });
    return this.#items(`${pathOf(topic)}/items?${query.toString()}`);
  }

  /** What comes after the consumer's committed position. */
  consumerItems(topic: string, consumer: string, follow: boolean): AsyncGenerator<ItemJson> {
    return this.#items(`${consumerPath(topic, consumer)}/items?follow=${follow}`);
  }

  consumers(topic: string): Promise<ConsumersJson> {
    return this.#one('GET', `${pathOf(topic)}/consumers`);
  }

  /** Durable when it resolves. */
  commit(topic: string, consumer: string, position: number): Promise<{ position: number }> {
    return this.#one('PUT', `${consumerPath(topic, consumer)}?position=${position}`);
  }

  forgetConsumer(topic: string, consumer: string): Promise<object> {
    return this.#one('DELETE', consumerPath(topic, consumer));
  }

  sessions(topic: string, peer: string | undefined): Promise<SessionsJson> {
    const query = peer === undefined ? '' : `?peer=${encodeURIComponent(parseDid(peer))}`;
    return this.#one('GET', `${pathOf(topic)}/sessions${query}`);
  }

  leave(topic: string): Promise<{ topic: string; left: true }> {
    return this.#one('DELETE', pathOf(topic));
  }

  setBlocked(did: string, isBlocked: boolean): Promise<{ did: string; blocked: boolean }> {
    return this.#one(isBlocked ? 'PUT' : 'DELETE', `/v1/blocked/${encodeURIComponent(parseDid(did))}`);
  }

  trusted(): AsyncGenerator<TrustedJson> {
    return this.#all('GET', '/v1/trust');
  }

  /** `score` in thousandths; durable when it resolves. */
  setTrust(did: string, score: number, days: number): Promise<StatementJson> {
    return this.#one('PUT', `${trustPath(did)}?score=${score}&days=${days}`);
  }

  revokeTrust(did: string): Promise<StatementJson> {
    return this.#one('DELETE', trustPath(did));
  }

  explainTrust(did: string): Promise<ExplanationJson> {
    return this.#one('GET', trustPath(did));
  }

  exportTrust(own: boolean): AsyncGenerator<{ readonly line: string }> {
    return this.#all('GET', `/v1/trust-lines?own=${own}`);
  }

  importTrust(lines: Readable): Promise<ImportJson> {
    return this.#one('POST', '/v1/trust-lines', lines);
  }

  #items(path: string): AsyncGenerator<ItemJson> {
    return this.#all('GET', path);
  }

  async *#all<Value extends object>(method: string, path: string): AsyncGenerator<Value> {
    for await (const value of this.#many<Value | ErrorJson>(method, path)) {
      if ('error' in value) throw new RefusedError(value);
      yield value;
    }
  }

  async #one<Value extends object>(
    method: string,
    path: string,
    body?: Uint8Array | Readable,
  ): Promise<Value> {
    for await (const value of this.#many<Value | ErrorJson>(method, path, body)) {
      if ('error' in value) throw new RefusedError(value);
      return value;
    }
    throw new NodeError('node-unreachable', 'the node ended before it answered');
  }

  async *#many<Value>(method: string, path: string, body?: Uint8Array | Readable): AsyncGenerator<Value> {
    const response = await this.#send(method, path, body);
    const { statusCode } = response;
    if (statusCode !== 200 && statusCode !== 400) {
      response.destroy();
      throw new NodeError('node-unreachable', `the node did not take the request (HTTP ${statusCode})`);
    }
    try {
      for await (const lines of readLines(response, { lineBytesMax: LINE_BYTES_MAX, togetherMax: 1 }))
        for (const text of lines) yield JSON.parse(Buffer.from(text).toString()) as Value;
    } catch (error) {
      throw new NodeError('node-unreachable', 'the node ended in the middle of its answer', { cause: error });
    } finally {
      response.destroy();
    }
  }

  async #send(method: string, path: string, body?: Uint8Array | Readable): Promise<IncomingMessage> {
    const socketPath = await controlPath(this.#dataDir);
    return new Promise((resolve, reject) => {
      const outgoing = request({ socketPath, method, path }, resolve);
      outgoing.once('error', (cause: NodeJS.ErrnoException) => reject(this.#unreachable(cause)));
      if (body === undefined || body instanceof Uint8Array) outgoing.end(body);
      else body.pipe(outgoing);
    });
  }

  #unreachable(cause: NodeJS.ErrnoException): NodeError {
    const folder = forShell(this.#dataDir);
    const message =
      cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED'
        ? `no node is running on ${folder}; start one with: icn up --data-dir ${folder}`
        : `cannot speak to the node on ${folder} (${cause.message}); is it a data directory of this user?`;
    return new NodeError('node-unreachable', message, { cause });
  }
}

/** A path as it can be pasted into a shell. */
function forShell(path: string): string {
  return /^[\w@%+=:,./~-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

/** Checked here: a name like `..` would make another path. */
function pathOf(topic: string): string {
  return `/v1/topics/${encodeURIComponent(parseTopic(topic))}`;
}

function trustPath(did: string): string {
  return `/v1/trust/${encodeURIComponent(parseDid(did))}`;
}

function consumerPath(topic: string, consumer: string): string {
  return `${pathOf(topic)}/consumers/${parseConsumerName(consumer)}`;
}
