import type { Did } from '@icn/identity';
import type { Address } from '../address.js';
import { AsyncQueue } from '../async-queue.js';
import type { CloseCode } from '../protocol.js';
import type { Connection, Listener } from '../transport.js';
import type { MemoryConnection } from './connection.js';

export interface MemoryListenerOptions {
  readonly address: Address;
  readonly did: Did;
  /** The last word about a peer: a close code refuses it. */
  readonly admit: (did: Did) => CloseCode | undefined;
  /** Another transport of the same key dialled. */
  readonly onTwin: () => void;
  /** An inbound connection was made; its transport closes it when it closes. */
  readonly onConnection: (connection: MemoryConnection) => void;
  readonly onClosed: () => void;
}

/** Where inbound connections of a memory transport come out. */
export class MemoryListener implements Listener {
  readonly addresses: readonly Address[];
  readonly did: Did;
  readonly admit: (did: Did) => CloseCode | undefined;
  readonly onTwin: () => void;
  readonly #onConnection: (connection: MemoryConnection) => void;
  readonly #onClosed: () => void;
  readonly #waiting = new AsyncQueue<Connection>();

  constructor(options: MemoryListenerOptions) {
    this.addresses = [options.address];
    this.did = options.did;
    this.admit = options.admit;
    this.onTwin = options.onTwin;
    this.#onConnection = options.onConnection;
    this.#onClosed = options.onClosed;
  }

  offer(connection: MemoryConnection): void {
    this.#onConnection(connection);
    if (!this.#waiting.push(connection)) void connection.close({ text: 'not listening any more' });
    else void connection.closed.then(() => this.#waiting.remove(connection));
  }

  async close(): Promise<void> {
    this.#onClosed();
    for (const connection of this.#waiting.end()) void connection.close({ text: 'not listening any more' });
  }

  [Symbol.asyncIterator](): AsyncIterator<Connection> {
    return this.#waiting[Symbol.asyncIterator]();
  }
}
