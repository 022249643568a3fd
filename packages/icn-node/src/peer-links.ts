import type { Did } from '@icn/identity';
import type { TrustClass } from '@icn/identity/trust';
import type { CloseReason, Connection } from '@icn/net';
import { MessageRates } from './message-rates.js';
import { LINK_RULES, PeerLink, type Lane, type LinkRule } from './peer-link.js';

/** What gossip cost so far: its frames, without what the transport adds. */
export interface Traffic {
  readonly framesSent: number;
  readonly framesReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

export interface PeerLinksOptions {
  /** The longest frame of gossip. */
  readonly frameBytesMax: number;
  /** By which the rate of a peer's messages is chosen; what comes faster is read later. */
  readonly classOf: (peer: Did) => TrustClass;
  /** A frame of gossip. The stream that it came on is read no further before what this returns resolves. */
  readonly onGossip: (from: Did, frame: Uint8Array) => void | Promise<void>;
  /** A frame of the exchange of peers. */
  readonly onExchange: (from: Did, frame: Uint8Array) => void;
}

/** The links to all peers that are up, by DID. */
export class PeerLinks {
  readonly #options: PeerLinksOptions;
  readonly #links = new Map<Did, PeerLink>();
  readonly #rates: MessageRates;
  #slowedCount = 0;
  readonly #dropped = { 'control-queue-full': 0, 'bulk-queue-full': 0, 'exchange-queue-full': 0 };
  readonly #broken = Object.fromEntries(LINK_RULES.map((rule) => [rule, 0])) as Record<LinkRule, number>;
  readonly #frames = { sent: 0, received: 0 };
  readonly #bytes = { sent: 0, received: 0 };

  constructor(options: PeerLinksOptions) {
    this.#options = options;
    this.#rates = new MessageRates(options.classOf);
  }

  /** Frames that slow peers were not sent; those that peers sent too fast, which waited; and rules of lanes and frames that peers broke. */
  get counters(): Readonly<Record<string, number>> {
    return { ...this.#dropped, 'messages-slowed': this.#slowedCount, ...this.#broken };
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
    const { remote } = connection;
    const { frameBytesMax, onGossip, onExchange } = this.#options;
    const link = new PeerLink({
      connection,
      frameBytesMax,
      waitMs: (lane) => {
        const kind = lane === 'bulk' ? 'bulk' : 'control';
        const waitMs = this.#rates.waitMs(remote, kind, performance.now());
        if (waitMs > 0) this.#slowedCount += 1;
        return waitMs;
      },
      onFrame: (frame, lane) => {
        // A link that was replaced may still have frames in flight: they belong to no peer that is up.
        if (this.#links.get(remote) !== link) return;
        return lane === 'exchange' ? onExchange(remote, frame) : onGossip(remote, frame);
      },
      onCarried: (direction, byteCount, lane) => {
        if (lane === 'exchange') return;
        this.#frames[direction] += 1;
        this.#bytes[direction] += byteCount;
      },
      onDropped: (lane) => this.#dropped[`${lane}-queue-full`]++,
      onBroken: (rule) => this.#broken[rule]++,
    });
    this.#links.set(remote, link);
  }

  delete(peer: Did): void {
    this.#links.delete(peer);
  }

  send(to: readonly Did[], frame: Uint8Array, lane: Lane): void {
    for (const peer of to) this.#links.get(peer)?.send(frame, lane);
  }

  disconnect(peer: Did, reason: Partial<CloseReason>): void {
    void this.#links.get(peer)?.connection.close(reason);
  }
}
