import { NetError } from '../errors.js';
import { STREAM_END } from '../protocol.js';
import type { Stream } from '../transport.js';
import type { NativeConnection, NativeQuic } from './native.js';

/** What a stream asks of the table it is in. */
export interface StreamOwner {
  readonly quic: NativeQuic;
  readonly native: NativeConnection;
  /** Room for one read; its contents mean nothing between calls. */
  readonly scratch: Uint8Array;
  /** Bytes were read, so that there is room for the peer to send more. */
  onRead(byteCount: number): void;
  /** Bytes are to be sent. */
  onWritten(byteCount: number): void;
  /** Something else is to be sent. */
  schedule(): void;
  /** The stream waits, or no longer waits, for room to write. */
  setBlocked(stream: QuicStream, blocked: boolean): void;
  /** Both halves are over: quiche says nothing about this stream any more. */
  forget(stream: QuicStream): void;
}

interface PendingRead {
  resolve(bytes: Uint8Array | undefined): void;
  reject(error: NetError): void;
}

interface PendingWrite {
  rest: Uint8Array;
  /** Whether the stream ends with these bytes. */
  readonly last: boolean;
  resolve(): void;
  reject(error: NetError): void;
}

const nothing = new Uint8Array(0);
const resetCode = 0;

/**
 * One stream. Bytes are buffered by quiche alone, inside the flow control windows: what nobody reads stays there and
 * slows the peer down, what the peer does not read stays with the writer.
 *
 * Invariants:
 * 1. It leaves the table exactly when quiche may forget it: the end or reset of the peer has been *read* out of quiche,
 *    and the own half has been ended or shut down. Earlier, quiche would announce it again as a new stream; later, it
 *    would be kept for ever.
 * 2. A reset is one RESET_STREAM each way and no STOP_SENDING: a stream whose receiving half was shut down is never
 *    collected by quiche 0.18 when the peer's end arrives after our acknowledged reset, and its place in the peer's
 *    stream limit is lost. So the halves are given up together, and what still arrives is read and thrown away.
 * 3. A FIN never travels alone; `STREAM_END` says why.
 */
export class QuicStream implements Stream {
  readonly id: number;
  readonly #owner: StreamOwner;
  #failure: NetError | undefined;
  #readEnded = false;
  #writeEnded = false;
  #discarding = false;
  /** Data that was taken out of quiche to see whether it is the end. */
  #held: Uint8Array = nothing;
  #ending: Promise<void> | undefined;
  #reading: PendingRead | undefined;
  #writing: PendingWrite | undefined;

  constructor(id: number, owner: StreamOwner) {
    this.id = id;
    this.#owner = owner;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.#reading !== undefined) throw new TypeError('one read at a time');
    const bytes = this.#take();
    if (bytes !== undefined) return bytes;
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#readEnded) return undefined;
    return new Promise((resolve, reject) => {
      this.#reading = { resolve, reject };
    });
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#writing !== undefined) throw new TypeError('one write at a time');
    if (this.#ending !== undefined) throw new TypeError('write after end');
    return this.#submit(bytes, false);
  }

  async end(): Promise<void> {
    if (this.#ending !== undefined) return this.#ending;
    if (this.#writing !== undefined) throw new TypeError('end while a write is under way');
    this.#ending = this.#submit(STREAM_END, true);
    return this.#ending;
  }

  reset(): void {
    if (this.#failure !== undefined || (this.#readEnded && this.#writeEnded)) return;
    this.#giveUp(new NetError('stream-reset', 'this node reset the stream'));
  }

  /** quiche has something to read: data, the end, or a reset. */
  onReadable(): void {
    if (this.#discarding) return this.#discard();
    if (this.#reading === undefined) return this.#peek();
    const bytes = this.#take();
    if (bytes === undefined && !this.#readEnded) return;
    const reading = this.#reading;
    this.#reading = undefined;
    if (this.#failure === undefined) reading?.resolve(bytes);
  }

  /** quiche has room to write. */
  onWritable(): void {
    const writing = this.#writing;
    if (writing === undefined) return;
    writing.rest = writing.rest.subarray(this.#put(writing.rest, writing.last));
    if (this.#failure !== undefined || writing.rest.length > 0) return;
    this.#writing = undefined;
    this.#owner.setBlocked(this, false);
    writing.resolve();
  }

  /** The connection is gone; quiche must not be asked about the stream again. */
  fail(error: NetError): void {
    this.#failure ??= error;
    this.#readEnded = true;
    this.#writeEnded = true;
    this.#rejectPending(this.#failure);
  }

  /** The bytes that quiche holds, or `undefined`: nothing yet, or one of `#failure` and `#readEnded` says why. */
  #take(): Uint8Array | undefined {
    if (this.#readEnded || this.#failure !== undefined) return undefined;
    const { native, scratch } = this.#owner;
    const start = this.#held.length;
    scratch.set(this.#held);
    let end = start;
    try {
      const [length, ended] = native.streamRecv(this.id, start === 0 ? scratch : scratch.subarray(start)) ?? [
        0,
        false,
      ];
      end = start + length;
      if (length > 0) this.#owner.onRead(length);
      if (ended) {
        end = Math.max(0, end - STREAM_END.length);
        this.#endReading();
      }
    } catch (cause) {
      this.#onPeerReset(cause);
      return undefined;
    }
    if (end === 0) return undefined;
    this.#held = nothing;
    return scratch.slice(0, end);
  }

  async #submit(bytes: Uint8Array, last: boolean): Promise<void> {
    this.#throwIfFailed();
    const rest = bytes.subarray(this.#put(bytes, last));
    this.#throwIfFailed();
    if (rest.length === 0) return undefined;
    return new Promise((resolve, reject) => {
      this.#writing = { rest, last, resolve, reject };
      this.#owner.setBlocked(this, true);
    });
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Hands bytes to quiche and says how many it took. */
  #put(bytes: Uint8Array, last: boolean): number {
    if (bytes.length === 0) return 0;
    try {
      const taken = this.#owner.native.streamSend(this.id, bytes, last) ?? 0;
      if (taken > 0) this.#owner.onWritten(taken);
      if (last && taken === bytes.length) {
        this.#writeEnded = true;
        this.#settle();
      }
      return taken;
    } catch (cause) {
      this.#giveUp(peerReset(cause));
      return 0;
    }
  }

  /**
   * Nobody reads, so data stays where it is; but a reset must be seen, and the end taken, or a stream whose reader
   * stopped at the last byte it wanted would be kept for ever. One byte tells the end from data; with one in hand, a
   * read into no room shows a reset.
   */
  #peek(): void {
    if (this.#readEnded) return;
    const room = this.#held.length === 0 ? new Uint8Array(STREAM_END.length) : nothing;
    try {
      const [length, ended] = this.#owner.native.streamRecv(this.id, room) ?? [0, false];
      if (ended) this.#endReading();
      else if (length > 0) this.#held = room;
    } catch (cause) {
      this.#onPeerReset(cause);
    }
  }

  #discard(): void {
    const { native, scratch } = this.#owner;
    try {
      for (let received = native.streamRecv(this.id, scratch); received !== null;) {
        this.#owner.onRead(received[0]);
        if (received[1]) return this.#endReading();
        received = native.streamRecv(this.id, scratch);
      }
    } catch {
      this.#endReading();
    }
  }

  /** The peer gave both halves up; so do we. */
  #onPeerReset(cause: unknown): void {
    this.#readEnded = true;
    this.#giveUp(peerReset(cause));
    // quiche reports a reset until it can forget the stream, which it does in a read after our half is over.
    this.#discard();
  }

  #giveUp(failure: NetError): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    try {
      this.#owner.native.streamShutdown(this.id, this.#owner.quic.Shutdown.Write, resetCode);
    } catch {
      // quiche has already forgotten it, which is what we want.
    }
    this.#writeEnded = true;
    this.#rejectPending(failure);
    if (!this.#readEnded) {
      this.#discarding = true;
      this.#discard();
    }
    this.#owner.schedule();
    this.#settle();
  }

  #endReading(): void {
    this.#readEnded = true;
    this.#settle();
  }

  #settle(): void {
    if (this.#readEnded && this.#writeEnded) this.#owner.forget(this);
  }

  #rejectPending(failure: NetError): void {
    this.#reading?.reject(failure);
    this.#writing?.reject(failure);
    if (this.#writing !== undefined) this.#owner.setBlocked(this, false);
    this.#reading = undefined;
    this.#writing = undefined;
  }
}

function peerReset(cause: unknown): NetError {
  return new NetError('stream-reset', 'the peer reset the stream', { cause });
}
