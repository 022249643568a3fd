import { NetError } from '../errors.js';
import type { MemoryListener } from './listener.js';
import type { MemoryConnection } from './connection.js';

/** Ports that `listen` with port 0 takes, as in a real stack. */
const firstFreePort = 49_152;
const portMax = 65_535;

export interface MemoryNetworkOptions {
  /** From a write to its arrival, in milliseconds; 0, the default, arrives in the next turn of the event loop. */
  readonly latencyMs?: number;
}

/**
 * A network inside one process, for tests and examples: listeners by host and port, an optional latency, and cuts.
 * Transports on different networks cannot reach each other.
 */
export class MemoryNetwork {
  readonly #latencyMs: number;
  readonly #listeners = new Map<string, MemoryListener>();
  readonly #connections = new Set<MemoryConnection>();
  readonly #cuts = new Set<string>();
  #nextPort = firstFreePort;

  constructor(options: MemoryNetworkOptions = {}) {
    this.#latencyMs = options.latencyMs ?? 0;
  }

  /** Pairs of connections are counted once per end. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Separates two DIDs: their connections end with `timeout` by the network, and dials between them find nobody. */
  cut(a: string, b: string): void {
    this.#cuts.add(pairKey(a, b));
    for (const connection of this.#connections) {
      if (pairKey(connection.local, connection.remote) !== pairKey(a, b)) continue;
      connection.endedBy({ code: 'timeout', by: 'network', text: 'the network is cut' });
    }
  }

  /** Ends a cut; dials get through again. */
  heal(a: string, b: string): void {
    this.#cuts.delete(pairKey(a, b));
  }

  isCut(a: string, b: string): boolean {
    return this.#cuts.has(pairKey(a, b));
  }

  /** Runs an arrival after the latency; arrivals keep their order. */
  deliver(arrival: () => void): void {
    if (this.#latencyMs === 0) setImmediate(arrival);
    else setTimeout(arrival, this.#latencyMs);
  }

  find(host: string, port: number): MemoryListener | undefined {
    return this.#listeners.get(`${host}:${port}`);
  }

  /** Takes the port, or a free one for 0. Throws NetError `address-in-use`. */
  add(host: string, port: number, create: (port: number) => MemoryListener): MemoryListener {
    let taken = port;
    if (port === 0) {
      do {
        taken = this.#nextPort;
        this.#nextPort = this.#nextPort === portMax ? firstFreePort : this.#nextPort + 1;
      } while (this.#listeners.has(`${host}:${taken}`));
    } else if (this.#listeners.has(`${host}:${port}`)) {
      throw new NetError(
        'address-in-use',
        `memory port ${port} of ${host} is in use: take another, or 0 for any free one`,
      );
    }
    const listener = create(taken);
    this.#listeners.set(`${host}:${taken}`, listener);
    return listener;
  }

  remove(host: string, port: number): void {
    this.#listeners.delete(`${host}:${port}`);
  }

  join(connection: MemoryConnection): void {
    this.#connections.add(connection);
  }

  leave(connection: MemoryConnection): void {
    this.#connections.delete(connection);
  }
}

function pairKey(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
