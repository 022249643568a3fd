import type { Did } from '@icn/identity';
import type { CloseReason, Connection } from '@icn/net';
import { PeerLink } from './peer-link.js';

/** The links to all peers that are up, by DID. */
export class PeerLinks {
  readonly #links = new Map<Did, PeerLink>();
  readonly #frameBytesMax: number;
  readonly #onFrame: (from: Did, frame: Uint8Array) => void | Promise<void>;
  readonly #dropped = { 'control-queue-full': 0, 'bulk-queue-full': 0 };

  constructor(frameBytesMax: number, onFrame: (from: Did, frame: Uint8Array) => void | Promise<void>) {
    this.#frameBytesMax = frameBytesMax;
    this.#onFrame = onFrame;
  }

  /** Frames that slow peers were not sent. */
  get counters(): Readonly<Record<string, number>> {
    return { ...this.#dropped };
  }

  add(connection: Connection): void {
    const link = new PeerLink({
      connection,
      frameBytesMax: this.#frameBytesMax,
      onFrame: (frame) => {
        // A link that was replaced may still have frames in flight: they belong to no peer that is up.
        if (this.#links.get(connection.remote) === link) return this.#onFrame(connection.remote, frame);
      },
      onDropped: (lane) => this.#dropped[`${lane}-queue-full`]++,
    });
    this.#links.set(connection.remote, link);
  }

  delete(peer: Did): void {
    this.#links.delete(peer);
  }

  send(to: readonly Did[], frame: Uint8Array, lane: 'control' | 'bulk'): void {
    for (const peer of to) this.#links.get(peer)?.send(frame, lane);
  }

  disconnect(peer: Did, reason: Partial<CloseReason>): void {
    void this.#links.get(peer)?.connection.close(reason);
  }
}
