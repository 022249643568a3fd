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
import type { MemoryNetwork } from './network.js';
import { MemoryStream } from './stream.js';

/** As in the QUIC adapter. */
export const memoryPeerStreamsMax = 128;

export interface MemoryConnectionOptions {
  readonly network: MemoryNetwork;
  readonly local: Did;
  readonly remote: Did;
  readonly remoteAddress: Address;
  readonly direction: 'inbound' | 'outbound';
}

/** One end of a connection in memory; `connectEnds` makes two of them a connection. */
export class MemoryConnection implements Connection {
  readonly local: Did;
  readonly remote: Did;
  readonly remoteAddress: Address;
  readonly direction: 'inbound' | 'outbound';
  readonly closed: Promise<CloseReason>;
  readonly #network: MemoryNetwork;
  readonly #incoming = new AsyncQueue<Stream>();
  readonly #streams = new Set<MemoryStream>();
  readonly #openings = new Openings<undefined>();
  #other: MemoryConnection | undefined;
  readonly #carried = { sent: 0, received: 0 };
  #ownStreamCount = 0;
  #failure: NetError | undefined;
  #resolveClosed: (reason: CloseReason) => void = () => {};

  constructor(options: MemoryConnectionOptions) {
    this.local = options.local;
    this.remote = options.remote;
    this.remoteAddress = options.remoteAddress;
    this.direction = options.direction;
    this.#network = options.network;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#network.join(this);
  }

  static connectEnds(a: MemoryConnection, b: MemoryConnection): void {
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
    this.#network.deliver(() => this.#other?.endedBy(seen));
    this.endedBy(own);
  }

  /** It is over, on this end. */
  endedBy(reason: CloseReason): void {
    if (this.#failure !== undefined) return;
    this.#failure = connectionClosed(reason);
    for (const stream of [...this.#streams]) stream.fail(this.#failure);
    this.#openings.fail(this.#failure);
    this.#incoming.end();
    this.#network.leave(this);
    this.#resolveClosed(reason);
  }

  #open(): MemoryStream {
    this.#ownStreamCount += 1;
    let there: MemoryStream | undefined;
    const here: MemoryStream = this.#createStream((arrival) => {
      // The peer hears of a stream with the first byte, end or reset, as it does over QUIC.
      this.#network.deliver(() => {
        there ??= this.#other?.accept(
          (back) => this.#network.deliver(() => back(here)),
          () => this.#onPlaceFree(),
        );
        if (there !== undefined) arrival(there);
      });
    });
    return here;
  }

  /** The other end opened a stream; both ends being done frees its place. */
  accept(
    deliver: (arrival: (other: MemoryStream) => void) => void,
    onFree: () => void,
  ): MemoryStream | undefined {
    if (this.#failure !== undefined) return undefined;
    const stream = this.#createStream(deliver, () => this.#network.deliver(onFree));
    this.#incoming.push(stream);
    return stream;
  }

  #createStream(
    deliver: (arrival: (other: MemoryStream) => void) => void,
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
