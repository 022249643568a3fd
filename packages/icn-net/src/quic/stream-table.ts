import { AsyncQueue } from '../async-queue.js';
import { connectionClosed } from '../close-reason.js';
import { Openings, openAborted } from '../openings.js';
import type { CloseReason } from '../protocol.js';
import type { Stream, StreamOptions } from '../transport.js';
import type { NativeConnection, NativeQuic } from './native.js';
import { QuicStream, type StreamOwner } from './stream.js';

/** RFC 9000 §2.1: the two least significant bits of a stream id say who opened it and whether it goes both ways. */
const idStep = 4;
const unidirectionalBit = 0x2;
const serverBit = 0x1;

/** quiche sends lower urgencies first and takes turns among streams of one urgency; its own default is 127. */
const urgency = { control: 1, bulk: 127 } as const;

type Priority = NonNullable<StreamOptions['priority']>;

export interface StreamTableOptions {
  readonly quic: NativeQuic;
  readonly native: NativeConnection;
  readonly role: 'client' | 'server';
  readonly scratch: Uint8Array;
  readonly schedule: () => void;
  /** The peer opened what the protocol has no place for. */
  readonly onViolation: (text: string) => void;
}

/** The bidirectional streams of one connection: who opened them, who waits for room, who waits for a place. */
export class StreamTable implements StreamOwner {
  /** Streams of the peer that nobody has taken yet; the stream limit bounds it. */
  readonly incoming = new AsyncQueue<Stream>();
  readonly quic: NativeQuic;
  readonly native: NativeConnection;
  readonly scratch: Uint8Array;
  readonly schedule: () => void;
  readonly #onViolation: (text: string) => void;
  readonly #ownBit: number;
  readonly #streams = new Map<number, QuicStream>();
  readonly #blocked = new Map<number, QuicStream>();
  readonly #openings = new Openings<Priority>();
  #nextId: number;
  #readBytes = 0;
  #writtenBytes = 0;
  #end: CloseReason | undefined;

  constructor(options: StreamTableOptions) {
    this.quic = options.quic;
    this.native = options.native;
    this.scratch = options.scratch;
    this.schedule = options.schedule;
    this.#onViolation = options.onViolation;
    this.#ownBit = options.role === 'server' ? serverBit : 0;
    this.#nextId = this.#ownBit;
  }

  /** Streams that are not over, opened by either side. */
  get size(): number {
    return this.#streams.size;
  }

  /** What streams carried so far, as far as it was read. */
  get readBytes(): number {
    return this.#readBytes;
  }

  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** Whether a stream waits for room to write. */
  get isBlocked(): boolean {
    return this.#blocked.size > 0;
  }

  async open({ signal, priority = 'bulk' }: StreamOptions = {}): Promise<Stream> {
    if (this.#end !== undefined) throw connectionClosed(this.#end);
    if (signal?.aborted === true) throw openAborted(signal);
    if (this.#openings.size === 0 && this.native.peerStreamsLeftBidi() > 0) return this.#create(priority);
    return this.#openings.wait(priority, signal);
  }

  /** Lets every stream that quiche has news for go on. */
  turn(): void {
    // Listing streams costs ten times as much as to ask whether there are any.
    if (this.native.isReadable()) this.#read();
    if (this.#blocked.size > 0) {
      for (const id of this.native.writable()) this.#blocked.get(id)?.onWritable();
    }
    while (this.#openings.size > 0 && this.native.peerStreamsLeftBidi() > 0) {
      this.#openings.serve((priority) => this.#create(priority));
    }
  }

  /** The connection is gone. */
  fail(reason: CloseReason): void {
    this.#end = reason;
    this.incoming.end();
    if (this.#streams.size + this.#openings.size === 0) return;
    const error = connectionClosed(reason);
    for (const stream of this.#streams.values()) stream.fail(error);
    this.#openings.fail(error);
    this.#streams.clear();
    this.#blocked.clear();
  }

  onRead(byteCount: number): void {
    this.#readBytes += byteCount;
    this.schedule();
  }

  onWritten(byteCount: number): void {
    this.#writtenBytes += byteCount;
    this.schedule();
  }

  setBlocked(stream: QuicStream, blocked: boolean): void {
    if (blocked) this.#blocked.set(stream.id, stream);
    else this.#blocked.delete(stream.id);
  }

  forget(stream: QuicStream): void {
    this.#streams.delete(stream.id);
  }

  #read(): void {
    const arrived: QuicStream[] = [];
    for (const id of this.native.readable()) {
      const stream = this.#streams.get(id) ?? this.#arrive(id, arrived);
      stream?.onReadable();
    }
    // One who opened two streams sees them accepted in that order, whatever order quiche lists them in.
    arrived.sort((a, b) => a.id - b.id);
    for (const stream of arrived) if (!stream.failed) this.incoming.push(stream);
  }

  #create(priority: Priority): QuicStream {
    const stream = new QuicStream(this.#nextId, this);
    this.#nextId += idStep;
    this.#streams.set(stream.id, stream);
    // Also takes the place in the peer's limit; the peer hears of the stream with the first byte, end or reset.
    this.native.streamPriority(stream.id, urgency[priority], true);
    return stream;
  }

  #arrive(id: number, arrived: QuicStream[]): QuicStream | undefined {
    if ((id & unidirectionalBit) !== 0) {
      this.#onViolation('a second unidirectional stream');
      return undefined;
    }
    // Of our own streams, those that are not in the table are over on both halves.
    if ((id & serverBit) === this.#ownBit) return undefined;
    const stream = new QuicStream(id, this);
    this.#streams.set(id, stream);
    arrived.push(stream);
    return stream;
  }
}
