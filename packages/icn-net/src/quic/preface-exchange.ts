import { PREFACE, PREFACE_STREAM } from '../protocol.js';
import type { NativeConnection } from './native.js';

/** The exchange of prefaces on one connection: each side says that it accepts the other. */
export class PrefaceExchange {
  readonly #native: NativeConnection;
  readonly #ownStream: number;
  readonly #peerStream: number;
  readonly #received: number[] = [];

  constructor(native: NativeConnection, role: 'client' | 'server') {
    this.#native = native;
    this.#ownStream = PREFACE_STREAM[role];
    this.#peerStream = PREFACE_STREAM[role === 'client' ? 'server' : 'client'];
  }

  send(): void {
    this.#native.streamSend(this.#ownStream, PREFACE, true);
  }

  /** What the peer has said so far. */
  receive(): 'waiting' | 'accepted' | 'violated' {
    const room = new Uint8Array(PREFACE.length + 1);
    try {
      while (this.#native.streamReadable(this.#peerStream)) {
        const [length, ended] = this.#native.streamRecv(this.#peerStream, room) ?? [0, false];
        this.#received.push(...room.subarray(0, length));
        if (this.#received.length > PREFACE.length) return 'violated';
        if (ended) return this.#isPreface() ? 'accepted' : 'violated';
      }
    } catch {
      return 'violated';
    }
    return 'waiting';
  }

  #isPreface(): boolean {
    return this.#received.length === PREFACE.length && PREFACE.every((byte, i) => byte === this.#received[i]);
  }
}
