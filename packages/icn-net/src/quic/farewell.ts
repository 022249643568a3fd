import { performance } from 'node:perf_hooks';
import type { DatagramLink } from './datagram-link.js';
import { LazyTimer } from '../lazy-timer.js';
import type { HostPort, NativeConnection } from './native.js';
import type { Path } from './path.js';

/** How long it is tried to say it, and how long datagrams of the peer are expected afterwards at most. Guess. */
const lingerMaxMs = 1000;

export interface FarewellOptions {
  readonly native: NativeConnection;
  readonly link: DatagramLink;
  readonly path: Path;
  /** The UDP payload that passes everywhere. */
  readonly bytesMax: number;
}

/**
 * The last words of a connection, and the time in which its peer may not have heard them. quiche sends the closing
 * datagram inside the congestion window like any other, so with much under way it goes out with the next probe timeout.
 * Once said, it is repeated to a peer that goes on sending and so has not heard it (RFC 9000 §10.2.1): at its 1st, 2nd,
 * 4th, 8th… datagram, for three probe timeouts.
 */
export class Farewell {
  /** Resolves when it has been said, or there is no point in it any more. */
  readonly said: Promise<void>;
  readonly #native: NativeConnection;
  readonly #link: DatagramLink;
  readonly #path: Path;
  readonly #bytesMax: number;
  readonly #onReleased: () => void;
  readonly #timer = new LazyTimer(() => this.#onTimer());
  #resolveSaid: () => void = () => {};
  #repeat: (() => void) | undefined;
  #releaseAtMs = Infinity;
  #strayCount = 0;

  constructor({ native, link, path, bytesMax }: FarewellOptions, onReleased: () => void) {
    this.#native = native;
    this.#link = link;
    this.#path = path;
    this.#bytesMax = bytesMax;
    this.#onReleased = onReleased;
    this.said = new Promise((resolve) => {
      this.#resolveSaid = resolve;
    });
  }

  /** Says what quiche was told to close with. */
  begin(): void {
    this.#releaseAtMs = performance.now() + lingerMaxMs;
    this.#say();
  }

  /** There is nothing to say: the peer has said it, or is gone. */
  listen(): void {
    this.#releaseAtMs = performance.now() + Math.min(this.#native.timeout() ?? 0, lingerMaxMs);
    this.#timer.set(this.#releaseAtMs);
    this.#resolveSaid();
  }

  /** The peer sent something although it is over. */
  onDatagram(datagram: Buffer, from: HostPort): void {
    if (this.#repeat === undefined) {
      try {
        this.#path.receive(datagram, from);
      } catch {
        // What it says does not matter any more.
      }
      return this.#say();
    }
    this.#strayCount += 1;
    const isPowerOfTwo = (this.#strayCount & (this.#strayCount - 1)) === 0;
    if (isPowerOfTwo) this.#repeat();
  }

  /** Ends at once what is left of it. Idempotent. */
  release(): void {
    this.#timer.clear();
    this.#resolveSaid();
    if (this.#releaseAtMs === -Infinity) return;
    this.#releaseAtMs = -Infinity;
    this.#onReleased();
  }

  #say(): void {
    if (this.#native.isDraining() || this.#native.isClosed()) return this.listen();
    try {
      const datagram = Buffer.allocUnsafe(this.#bytesMax);
      const sent = this.#native.send(datagram);
      if (sent !== null) {
        this.#repeat = () => this.#link.send(datagram.subarray(0, sent[0]), this.#path.remote);
        this.#repeat();
        return this.listen();
      }
    } catch {
      // quiche has no keys to say it with yet.
      return this.listen();
    }
    const timeoutMs = this.#native.timeout() ?? lingerMaxMs;
    this.#timer.set(Math.min(performance.now() + timeoutMs + 1, this.#releaseAtMs));
  }

  #onTimer(): void {
    if (performance.now() >= this.#releaseAtMs - 1) return this.release();
    this.#native.onTimeout();
    this.#say();
  }
}
