import { NetError } from '../errors.js';
import type { Stream } from '../transport.js';

/** What a writer may have under way that the other side has not read: small enough for tests to reach it. */
export const memoryWindowBytes = 256 * 1024;

interface PendingRead {
  resolve(bytes: Uint8Array | undefined): void;
  reject(error: NetError): void;
}

interface PendingWrite {
  rest: Uint8Array;
  resolve(): void;
  reject(error: NetError): void;
}

export interface MemoryStreamOptions {
  /** Runs something at the other end, later, in order; `byteCount` bytes travel with it. */
  readonly deliver: (arrival: (other: MemoryStream) => void, byteCount?: number) => void;
  /** So many bytes went out, or came in. */
  readonly onCarried: (direction: 'sent' | 'received', byteCount: number) => void;
  /** Called once, when both halves are over. */
  readonly onDone: () => void;
}

/** One end of a stream: bytes go into the other end's queue by way of the network, inside a window that reading opens. */
export class MemoryStream implements Stream {
  readonly #options: MemoryStreamOptions;
  #arrived: Uint8Array[] = [];
  #room = memoryWindowBytes;
  #failure: NetError | undefined;
  #readEnded = false;
  #writeEnded = false;
  #isDone = false;
  #reading: PendingRead | undefined;
  #writing: PendingWrite | undefined;

  constructor(options: MemoryStreamOptions) {
    this.#options = options;
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.#reading !== undefined) throw new TypeError('one read at a time');
    if (this.#failure !== undefined) throw this.#failure;
    const bytes = this.#arrived.shift();
    if (bytes !== undefined) {
      this.#options.deliver((other) => other.#onRoom(bytes.length));
      return bytes;
    }
    if (this.#readEnded) return undefined;
    return new Promise((resolve, reject) => {
      this.#reading = { resolve, reject };
    });
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#writing !== undefined) throw new TypeError('one write at a time');
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#writeEnded) throw new TypeError('write after end');
    const rest = this.#put(bytes);
    if (rest.length === 0) return undefined;
    return new Promise((resolve, reject) => {
      this.#writing = { rest, resolve, reject };
    });
  }

  async end(): Promise<void> {
    if (this.#writing !== undefined) throw new TypeError('end while a write is under way');
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#writeEnded) return;
    this.#writeEnded = true;
    this.#options.deliver((other) => other.#onEnd());
    this.#settle();
  }

  reset(): void {
    if (this.#failure !== undefined || (this.#readEnded && this.#writeEnded && this.#arrived.length === 0))
      return;
    this.fail(new NetError('stream-reset', 'this node reset the stream'));
    this.#options.deliver((other) => other.fail(new NetError('stream-reset', 'the peer reset the stream')));
  }

  /** Both halves are over, for a reason. */
  fail(error: NetError): void {
    if (this.#failure !== undefined || this.#isDone) return;
    this.#failure = error;
    this.#arrived = [];
    this.#readEnded = true;
    this.#writeEnded = true;
    this.#reading?.reject(error);
    this.#writing?.reject(error);
    this.#reading = undefined;
    this.#writing = undefined;
    this.#settle();
  }

  #put(bytes: Uint8Array): Uint8Array {
    const part = new Uint8Array(bytes.subarray(0, this.#room));
    if (part.length > 0) {
      this.#room -= part.length;
      this.#options.onCarried('sent', part.length);
      this.#options.deliver((other) => other.#onBytes(part), part.length);
    }
    return bytes.subarray(part.length);
  }

  #onBytes(bytes: Uint8Array): void {
    if (this.#failure !== undefined) return;
    this.#options.onCarried('received', bytes.length);
    const reading = this.#reading;
    if (reading === undefined) {
      this.#arrived.push(bytes);
      return;
    }
    this.#reading = undefined;
    this.#options.deliver((other) => other.#onRoom(bytes.length));
    reading.resolve(bytes);
  }

  #onEnd(): void {
    if (this.#failure !== undefined) return;
    this.#readEnded = true;
    this.#reading?.resolve(undefined);
    this.#reading = undefined;
    this.#settle();
  }

  #onRoom(length: number): void {
    this.#room += length;
    const writing = this.#writing;
    if (writing === undefined) return;
    writing.rest = this.#put(writing.rest);
    if (writing.rest.length > 0) return;
    this.#writing = undefined;
    writing.resolve();
  }

  #settle(): void {
    if (this.#isDone || !this.#readEnded || !this.#writeEnded) return;
    this.#isDone = true;
    this.#options.onDone();
  }
}
