import type { HostPort, NativeConnection } from './native.js';

/** A DATAGRAM frame that is to be sent. */
export interface OutgoingFrame {
  readonly frame: Uint8Array;
  /** The UDP payload that it is to be sent in, if not the usual one. */
  readonly roomBytes?: number;
  /** Where it goes, if not where all else goes. */
  readonly to?: HostPort;
  /** It has left. */
  readonly onSent?: () => void;
}

/** Of each DATAGRAM queue of quiche: one frame of ours is sent at a time, a few of the peer's come in a turn. */
export const datagramQueueMax = 8;

/**
 * Gives quiche one DATAGRAM frame at a time, and so knows which datagram it is in. quiche sends them from the front of its
 * queue alone: a second one, or one that finds no room, would hold up what is behind it for good.
 */
export class FrameQueue {
  readonly #native: NativeConnection;
  readonly #waiting: OutgoingFrame[] = [];
  #offered: OutgoingFrame | undefined;

  constructor(native: NativeConnection) {
    this.#native = native;
  }

  /** The longest frame that the peer takes; 0 while that is not known, or it takes none. */
  get frameBytesMax(): number {
    return this.#native.dgramMaxWritableLen() ?? 0;
  }

  push(outgoing: OutgoingFrame): void {
    this.#waiting.push(outgoing);
  }

  remove(outgoing: OutgoingFrame): void {
    const at = this.#waiting.indexOf(outgoing);
    if (at !== -1) this.#waiting.splice(at, 1);
    if (this.#offered === outgoing) this.takeBack();
  }

  /** Gives quiche the next frame, and says what it is, so that a datagram is made for it. */
  offer(): OutgoingFrame | undefined {
    while (this.#offered === undefined) {
      const next = this.#waiting.shift();
      if (next === undefined) return undefined;
      if (this.give(next)) break;
    }
    return this.#offered;
  }

  /** Gives quiche this frame now, if it holds none. Says whether it took it. */
  give(outgoing: OutgoingFrame): boolean {
    if (this.#offered !== undefined || outgoing.frame.length > this.frameBytesMax) return false;
    this.#native.dgramSend(outgoing.frame);
    this.#offered = outgoing;
    return true;
  }

  /** A datagram was made. Returns the frame that was offered, if it is in it. */
  takeSent(): OutgoingFrame | undefined {
    const offered = this.#offered;
    if (offered === undefined || this.#native.dgramSendQueueLen() > 0) return undefined;
    this.#offered = undefined;
    offered.onSent?.();
    return offered;
  }

  /** Takes the frame that was offered, and has not left, out of quiche again. */
  takeBack(): void {
    this.#native.dgramPurgeOutgoing(() => true);
    this.#offered = undefined;
  }
}
