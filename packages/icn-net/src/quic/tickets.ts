import { performance } from 'node:perf_hooks';
import type { Did } from '@icn/identity';

/** Peers whose tickets are kept, those of the latest connections. At about 1 KiB each 256 KiB. Guess. */
const ticketsMax = 256;
/** How long a ticket is of use: a peer that restarted has forgotten its key anyway. Guess. */
const ticketMs = 3_600_000;

export interface Ticket {
  readonly bytes: Uint8Array;
  readonly untilMs: number;
}

/**
 * Tickets by which connections are resumed (RFC 8446 §2.2), in memory alone. Each is used once (RFC 8446 §C.4): one that
 * was seen twice links two connections for whoever watches.
 */
export class Tickets {
  readonly #nowMs: () => number;
  readonly #byPeer = new Map<Did, Ticket>();

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  keep(peer: Did, bytes: Uint8Array): void {
    this.#byPeer.delete(peer);
    this.#byPeer.set(peer, { bytes, untilMs: this.#nowMs() + ticketMs });
    const [oldest] = this.#byPeer.keys();
    if (this.#byPeer.size > ticketsMax && oldest !== undefined) this.#byPeer.delete(oldest);
  }

  take(peer: Did): Ticket | undefined {
    const ticket = this.#byPeer.get(peer);
    this.#byPeer.delete(peer);
    return ticket !== undefined && ticket.untilMs > this.#nowMs() ? ticket : undefined;
  }

  /** Nobody was there to use it. It grows no younger, and takes the place of none that came meanwhile. */
  giveBack(peer: Did, ticket: Ticket): void {
    if (this.#byPeer.size < ticketsMax && !this.#byPeer.has(peer)) this.#byPeer.set(peer, ticket);
  }
}
