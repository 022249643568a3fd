import type { Did } from '@icn/identity';
import type { Address } from '../address.js';
import { AsyncQueue } from '../async-queue.js';
import {
  closeCodeOf,
  closeNumber,
  connectionClosed,
  decodeCloseText,
  encodeCloseText,
  ownReason,
} from '../close-reason.js';
import type { NetError } from '../errors.js';
import { Openings, openAborted } from '../openings.js';
import type { CloseReason } from '../protocol.js';
import type { Connection, ConnectionStats, Stream, StreamOptions } from '../transport.js';
import type { MemoryMedium } from './network.js';
import { MemoryStream } from './stream.js';
import type { WireEnd } from './wire.js';

/** As in the QUIC adapter. */
export const memoryPeerStreamsMax = 128;

export interface MemoryConnectionOptions {
  readonly medium: MemoryMedium;
  readonly wire: WireEnd;
  readonly remoteAddress: Address;
  readonly direction: 'inbound' | 'outbound';
}

/** One end of a connection in memory; `join` makes two of them a connection. */
export class MemoryConnection implements Connection {
  readonly remote: Did;
  readonly remoteAddress: Address;
  readonly direction: 'inbound' | 'outbound';
  readonly closed: Promise<CloseReason>;
  readonly #medium: MemoryMedium;
  readonly #wire: WireEnd;
  readonly #incoming = new AsyncQueue<Stream>();
  readonly #streams = new Set<MemoryStream>();
  readonly #openings = new Openings<undefined>();
  /** Set by `join`, before anything can be sent. */
  #other!: MemoryConnection;
  readonly #carried = { sent: 0, received: 0 };
  #ownStreamCount = 0;
  #failure: NetError | undefined;
  #stopIdleTimer: (() => void) | undefined;
  #resolveClosed: (reason: CloseReason) => void = () => {};

  constructor({ medium, wire, remoteAddress, direction }: MemoryConnectionOptions) {
    this.remote = wire.remote;
    this.remoteAddress = remoteAddress;
    this.direction = direction;
    this.#medium = medium;
    this.#wire = wire;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    wire.onBroken = (reason) => this.#endedBy(reason);
    wire.onSilence = (isSilent) => this.#onSilence(isSilent);
    medium.countEnds(1);
  }

  static join(a: MemoryConnection, b: MemoryConnection): void {
    a.#other = b;
    b.#other = a;
  }

  async openStream({ signal }: StreamOptions = {}): Promise<Stream> {
    if (this.#failure !== undefined) throw this.#failure;
    if (signal?.aborted === true) throw openAborted(signal);
    if (this.#openings.size === 0 && this.#ownStreamCount < memoryPeerStreamsMax) return this.#open();
    return this.#openings.wait(undefined, signal);
  }

  streams(): AsyncIterable<Stream> {
    return this.#incoming;
  }

  stats(): ConnectionStats {
    return { bytesSent: this.#carried.sent, bytesReceived: this.#carried.received };
  }

  async close(reason?: Partial<CloseReason>): Promise<void> {
    if (this.#failure !== undefined) return;
    const own = ownReason(reason);
    const seen: CloseReason = {
      code: closeCodeOf(closeNumber(own.code)),
      by: 'peer',
      text: decodeCloseText(encodeCloseText(own.text)),
    };
    const other = this.#other;
    this.#wire.send(() => other.#endedBy(seen));
    this.#endedBy(own);
  }

  #endedBy(reason: CloseReason): void {
    if (this.#failure !== undefined) return;
    this.#failure = connectionClosed(reason);
    for (const stream of [...this.#streams]) stream.fail(this.#failure);
    this.#openings.fail(this.#failure);
    this.#incoming.end();
    this.#onSilence(false);
    this.#medium.countEnds(-1);
    this.#wire.leave();
    this.#resolveClosed(reason);
  }

  /** While both ends live and hear each other they would send signs of life; who misses them gives up, and says nothing. */
  #onSilence(isSilent: boolean): void {
    if (isSilent && (this.#stopIdleTimer !== undefined || this.#failure !== undefined)) return;
    this.#stopIdleTimer?.();
    this.#stopIdleTimer = undefined;
    if (!isSilent) return;
    const { clock, idleTimeoutMs } = this.#medium;
    this.#stopIdleTimer = clock.after(idleTimeoutMs, () => {
      this.#wire.fallSilent();
      this.#endedBy({ code: 'timeout', by: 'network', text: 'nothing heard any more' });
    });
  }

  #open(): MemoryStream {
    this.#ownStreamCount += 1;
    const other = this.#other;
    let there: MemoryStream | undefined;
    const here: MemoryStream = this.#createStream((arrival, byteCount) => {
      // The peer hears of a stream with the first byte, end or reset, as it does over QUIC.
      this.#wire.send(() => {
        there ??= other.#accept(here, () => this.#onPlaceFree());
        if (there !== undefined) arrival(there);
      }, byteCount);
    });
    return here;
  }

  /** The other end opened a stream; both ends being done frees its place. */
  #accept(other: MemoryStream, onFree: () => void): MemoryStream | undefined {
    if (this.#failure !== undefined) return undefined;
    const stream = this.#createStream(
      (arrival, byteCount) => this.#wire.send(() => arrival(other), byteCount),
      () => this.#wire.send(onFree),
    );
    this.#incoming.push(stream);
    return stream;
  }

  #createStream(
    deliver: (arrival: (other: MemoryStream) => void, byteCount?: number) => void,
    onDone: () => void = () => {},
  ): MemoryStream {
    const stream: MemoryStream = new MemoryStream({
      deliver,
      onCarried: (direction, byteCount) => (this.#carried[direction] += byteCount),
      onDone: () => {
        this.#streams.delete(stream);
        onDone();
      },
    });
    this.#streams.add(stream);
    return stream;
  }

  #onPlaceFree(): void {
    this.#ownStreamCount -= 1;
    if (this.#failure === undefined) this.#openings.serve(() => this.#open());
  }
}
