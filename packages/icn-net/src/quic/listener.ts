import type { Did } from '@icn/identity';
import type { Address } from '../address.js';
import { AsyncQueue } from '../async-queue.js';
import type { Connection, Listener } from '../transport.js';
import type { QuicEndpoint } from './endpoint.js';
import { reachableHosts } from '../host-addresses.js';

/** Hands over the proven inbound connections of one endpoint. */
export class QuicListener implements Listener {
  readonly addresses: readonly Address[];
  readonly endpoint: QuicEndpoint;
  readonly #onClosed: () => void;
  readonly #waiting = new AsyncQueue<Connection>();

  constructor(endpoint: QuicEndpoint, did: Did, onClosed: () => void) {
    const { host, port } = endpoint.local;
    this.endpoint = endpoint;
    this.#onClosed = onClosed;
    this.addresses = reachableHosts(host).map((reachable) => ({
      scheme: 'quic',
      host: reachable,
      port,
      did,
    }));
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
    this.#onClosed();
    for (const connection of this.#waiting.end()) void connection.close({ text: 'not listening any more' });
    await this.endpoint.stopListening();
  }

  [Symbol.asyncIterator](): AsyncIterator<Connection> {
    return this.#waiting[Symbol.asyncIterator]();
  }
}
