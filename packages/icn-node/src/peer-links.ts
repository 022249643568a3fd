import type { Did } from '@icn/identity';
import type { CloseReason, Connection } from '@icn/net';
import { LINK_RULES, PeerLink, type LinkRule } from './peer-link.js';

/** What gossip cost so far: its frames, without what the transport adds. */
export interface Traffic {
  readonly framesSent: number;
  readonly framesReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** The links to all peers that are up, by DID. */
export class PeerLinks {
  readonly #links = new Map<Did, PeerLink>();
  readonly #frameBytesMax: number;
  readonly #onFrame: (from: Did, frame: Uint8Array) => void | Promise<void>;
  readonly #dropped = { 'control-queue-full': 0, 'bulk-queue-full': 0 };
  readonly #broken = Object.fromEntries(LINK_RULES.map((rule) => [rule, 0])) as Record<LinkRule, number>;
  readonly #frames = { sent: 0, received: 0 };
  readonly #bytes = { sent: 0, received: 0 };

  constructor(frameBytesMax: number, onFrame: (from: Did, frame: Uint8Array) => void | Promise<void>) {
    this.#frameBytesMax = frameBytesMax;
    this.#onFrame = onFrame;
  }

  /** Frames that slow peers were not sent, and rules of lanes and frames that peers broke. */
  get counters(): Readonly<Record<string, number>> {
    return { ...this.#dropped, ...this.#broken };
  }

  get traffic(): Traffic {
    return {
      framesSent: this.#frames.sent,
      framesReceived: this.#frames.received,
      bytesSent: this.#bytes.sent,
      bytesReceived: this.#bytes.received,
    };
  }

  add(connection: Connection): void {
    const link = new PeerLink({
      connection,
      frameBytesMax: this.#frameBytesMax,
      onFrame: (frame) => {
        // A link that was replaced may still have frames in flight: they belong to no peer that is up.
        if (this.#links.get(connection.remote) === link) return this.#onFrame(connection.remote, frame);
      },
      onCarried: (direction, byteCount) => {
        this.#frames[direction] += 1;
        this.#bytes[direction] += byteCount;
      },
      onDropped: (lane) => this.#dropped[`${lane}-queue-full`]++,
      onBroken: (rule) => this.#broken[rule]++,
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
