import { performance } from 'node:perf_hooks';
import { NetError } from '../errors.js';
import type { Stream, StreamOptions } from '../transport.js';
import { dataBytesMax, encodeU32, frameTypes } from './frame.js';
import type { FrameOutput } from './frame-output.js';
import { ReceiveWindow, type ReceiveWindowOptions } from './receive-window.js';
import { UnreadBytes } from './unread-bytes.js';

/** What a stream asks of the multiplexer it belongs to. */
export interface StreamOwner {
  /** The stream has something to send. */
  onDue(stream: MuxStream): void;
  /** So many bytes of the peer are read or given up. */
  onConsumed(byteCount: number): void;
  /** Gives the stream the next number of this side. */
  number(stream: MuxStream): number;
  /** Nothing more will be said of the stream by either side, or has ever been. */
  forget(stream: MuxStream): void;
}

export interface MuxStreamOptions {
  readonly owner: StreamOwner;
  readonly priority: NonNullable<StreamOptions['priority']>;
  /** Known from the beginning for a stream of the peer; one of ours gets it with its first frame. */
  readonly id?: number;
  /** What this side lets the peer send before anything is read. */
  readonly window: ReceiveWindowOptions;
  /** What the peer lets this side send. */
  readonly roomBytes: number;
}

interface PendingRead {
  resolve(bytes: Uint8Array | undefined): void;
  reject(error: NetError): void;
}

interface PendingWrite {
  rest: Uint8Array;
  resolve(): void;
  reject(error: NetError): void;
}

/** Beyond this the peer miscounts; it keeps sums exact. */
const roomBytesMax = 2 ** 32 - 1;

/**
 * One stream. What the peer sent waits here within the window; what this side writes stays with the writer until there is
 * room in the windows of the peer and in the output.
 *
 * Invariants:
 * 1. Each side says the last of a stream by one of END and RESET; a RESET may follow an END, nothing follows a RESET.
 *    It is forgotten when both sides have said it and what arrived before an END is read or given up.
 * 2. A stream that nobody told the peer of has no number, and leaves no trace when it is reset.
 */
export class MuxStream implements Stream {
  readonly priority: NonNullable<StreamOptions['priority']>;
  id: number | undefined;
  readonly #owner: StreamOwner;
  readonly #unread = new UnreadBytes();
  readonly #window: ReceiveWindow;
  #roomBytes: number;
  #failure: NetError | undefined;
  #peerEnded = false;
  #peerReset = false;
  #ending = false;
  #resetting = false;
  #ended = false;
  #reading: PendingRead | undefined;
  #writing: PendingWrite | undefined;

  constructor({ owner, priority, id, window, roomBytes }: MuxStreamOptions) {
    this.#owner = owner;
    this.priority = priority;
    this.id = id;
    this.#window = new ReceiveWindow(window, performance.now());
    this.#roomBytes = roomBytes;
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.#reading !== undefined) throw new TypeError('one read at a time');
    if (this.#failure !== undefined) throw this.#failure;
    const bytes = this.#unread.take();
    if (bytes !== undefined) {
      this.#consume(bytes.length);
      this.#settle();
      return bytes;
    }
    if (this.#peerEnded) return undefined;
    return new Promise((resolve, reject) => {
      this.#reading = { resolve, reject };
    });
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#writing !== undefined) throw new TypeError('one write at a time');
    if (this.#ending) throw new TypeError('write after end');
    if (this.#failure !== undefined) throw this.#failure;
    if (bytes.length === 0) return undefined;
    const writing: PendingWrite = { rest: bytes, resolve: () => undefined, reject: () => undefined };
    this.#writing = writing;
    this.#owner.onDue(this);
    if (writing.rest.length === 0) return undefined;
    return new Promise((resolve, reject) => {
      writing.resolve = resolve;
      writing.reject = reject;
    });
  }

  async end(): Promise<void> {
    if (this.#ending) return;
    if (this.#writing !== undefined) throw new TypeError('end while a write is under way');
    if (this.#failure !== undefined) throw this.#failure;
    this.#ending = true;
    this.#owner.onDue(this);
  }

  reset(): void {
    if (this.#failure !== undefined || this.#isOver()) return;
    this.#giveUp(new NetError('stream-reset', 'this node reset the stream'));
    if (this.id === undefined) return this.#owner.forget(this);
    if (!this.#ended || !this.#peerEnded) this.#sayReset();
    this.#settle();
  }

  /** Bytes came. Returns the rule that they break, or `undefined`. */
  onData(bytes: Uint8Array): string | undefined {
    if (this.#peerEnded) return `data after the end of stream ${this.id}`;
    if (!this.#window.arrived(bytes.length)) return `more than the window of stream ${this.id}`;
    const reading = this.#reading;
    if (this.#failure !== undefined) {
      this.#owner.onConsumed(bytes.length);
    } else if (reading === undefined) {
      this.#unread.push(bytes);
    } else {
      this.#reading = undefined;
      this.#consume(bytes.length);
      reading.resolve(new Uint8Array(bytes));
    }
    return undefined;
  }

  onEnd(): string | undefined {
    if (this.#peerEnded) return `a second end of stream ${this.id}`;
    this.#peerEnded = true;
    this.#reading?.resolve(undefined);
    this.#reading = undefined;
    this.#settle();
    return undefined;
  }

  onReset(): string | undefined {
    if (this.#peerReset) return `a second reset of stream ${this.id}`;
    this.#peerEnded = true;
    this.#peerReset = true;
    if (this.#failure === undefined) {
      this.#giveUp(new NetError('stream-reset', 'the peer reset the stream'));
      if (!this.#ended) this.#sayReset();
    }
    this.#settle();
    return undefined;
  }

  onRoom(byteCount: number): string | undefined {
    this.#roomBytes += byteCount;
    if (byteCount === 0 || this.#roomBytes > roomBytesMax) return `room of stream ${this.id} out of bounds`;
    if (this.#writing !== undefined) this.#owner.onDue(this);
    return undefined;
  }

  /** The connection is gone. */
  fail(error: NetError): void {
    if (this.#failure !== undefined || this.#isOver()) return;
    this.#giveUp(error);
  }

  /** The stream is forgotten. */
  releaseWindow(): void {
    this.#window.release();
  }

  /** What is to be sent: small frames that need no window, or bytes, or nothing at the moment. */
  get due(): 'signs' | 'bytes' | undefined {
    if (this.#resetting || this.#isRoomDue() || (this.#ending && !this.#ended)) return 'signs';
    return this.#writing !== undefined && this.#roomBytes > 0 ? 'bytes' : undefined;
  }

  /** Sends the small frames that are due. */
  sendSigns(output: FrameOutput): void {
    if (this.#isRoomDue() && this.id !== undefined) {
      output.append(frameTypes.streamRoom, this.id, encodeU32(this.#window.give(performance.now())));
    }
    if (this.#resetting) this.#sendLast(output, frameTypes.reset);
    else if (this.#ending && !this.#ended) this.#sendLast(output, frameTypes.end);
  }

  /** Sends one data frame of no more than so many bytes; returns how many those were. */
  sendBytes(output: FrameOutput, bytesMax: number): number {
    const writing = this.#writing;
    if (writing === undefined) return 0;
    const part = writing.rest.subarray(0, Math.min(bytesMax, this.#roomBytes, dataBytesMax));
    if (part.length === 0) return 0;
    output.append(frameTypes.data, (this.id ??= this.#owner.number(this)), part);
    this.#roomBytes -= part.length;
    writing.rest = writing.rest.subarray(part.length);
    if (writing.rest.length === 0) {
      this.#writing = undefined;
      writing.resolve();
    }
    return part.length;
  }

  #sendLast(output: FrameOutput, type: typeof frameTypes.end | typeof frameTypes.reset): void {
    output.append(type, (this.id ??= this.#owner.number(this)));
    this.#ended = true;
    this.#resetting = false;
    this.#settle();
  }

  #sayReset(): void {
    this.#resetting = true;
    this.#owner.onDue(this);
  }

  #isRoomDue(): boolean {
    return !this.#peerEnded && this.#failure === undefined && this.#window.isRoomDue;
  }

  #consume(byteCount: number): void {
    this.#window.consumed(byteCount);
    if (this.#isRoomDue()) this.#owner.onDue(this);
    this.#owner.onConsumed(byteCount);
  }

  #giveUp(error: NetError): void {
    this.#failure = error;
    const { length } = this.#unread;
    this.#unread.clear();
    if (length > 0) this.#owner.onConsumed(length);
    this.#reading?.reject(error);
    this.#writing?.reject(error);
    this.#reading = undefined;
    this.#writing = undefined;
  }

  #isOver(): boolean {
    return this.#ended && this.#peerEnded && this.#unread.length === 0 && !this.#resetting;
  }

  #settle(): void {
    if (this.#isOver()) this.#owner.forget(this);
  }
}
