import type { Did } from '@icn/identity';
import type { Address } from './address.js';
import { AsyncQueue } from './async-queue.js';
import { reachableHosts, type HostPort } from './host-addresses.js';
import type { Connection, Listener } from './transport.js';

export interface ProvenListenerOptions {
  readonly scheme: string;
  readonly did: Did;
  /** Where the socket is bound. */
  readonly local: HostPort;
  /** Stops accepting; called at every `close`, before it resolves. */
  readonly onClose: () => Promise<void>;
}

/** Hands over the proven inbound connections of one bound socket. */
export class ProvenListener implements Listener {
  readonly addresses: readonly Address[];
  readonly #onClose: () => Promise<void>;
  readonly #waiting = new AsyncQueue<Connection>();

  constructor({ scheme, did, local, onClose }: ProvenListenerOptions) {
    this.#onClose = onClose;
    this.addresses = reachableHosts(local.host).map((host) => ({ scheme, host, port: local.port, did }));
  }

  /** Proven connections that nobody has taken yet. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  offer(connection: Connection): void {
    if (!this.#waiting.push(connection)) void connection.close({ text: 'not listening any more' });
    else void connection.closed.then(() => this.#waiting.remove(connection));
  }

  async close(): Promise<void> {
    for (const connection of this.#waiting.end()) void connection.close({ text: 'not listening any more' });
    await this.#onClose();
  }

  [Symbol.asyncIterator](): AsyncIterator<Connection> {
    return this.#waiting[Symbol.asyncIterator]();
  }
}
