import { NetError } from './errors.js';
import type { Stream } from './transport.js';

/** A frame is its length, a u32 in network order, and that many bytes. */
const prefixBytes = 4;

export interface FrameLimits {
  /** The longest payload that is accepted. */
  readonly frameBytesMax: number;
}

/**
 * Yields the payloads of the frames on a stream, each in memory of its own, until the peer ends the stream.
 *
 * A declared length costs nothing before its bytes are here: memory grows with what arrived, at most doubling it.
 *
 * @throws NetError `frame-too-large` as soon as a longer frame is declared, `frame-truncated` when the stream
 * ends inside a frame, and what `stream.read()` throws. The stream is left to the caller to reset.
 */
export async function* readFrames(
  stream: Pick<Stream, 'read'>,
  limits: FrameLimits,
): AsyncGenerator<Uint8Array, void> {
  const assembler = new FrameAssembler(limits);
  for (let chunk = await stream.read(); chunk !== undefined; chunk = await stream.read()) {
    yield* assembler.push(chunk);
  }
  assembler.end();
}

/** Writes one frame; resolves when the stream has room for more. Throws what `stream.write()` throws. */
export async function writeFrame(stream: Stream, payload: Uint8Array): Promise<void> {
  await stream.write(encodeFrames([payload]));
}

/** The bytes of several frames, to go out in one write. Throws a RangeError for a payload of 4 GiB or more. */
export function encodeFrames(payloads: readonly Uint8Array[]): Uint8Array {
  const length = payloads.reduce((sum, payload) => sum + prefixBytes + payload.length, 0);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const payload of payloads) {
    if (payload.length > 0xffff_ffff) throw new RangeError('a frame holds less than 4 GiB');
    view.setUint32(offset, payload.length);
    bytes.set(payload, offset + prefixBytes);
    offset += prefixBytes + payload.length;
  }
  return bytes;
}

/**
 * Cuts frames out of a byte stream, whatever its chunks: a frame inside one chunk is copied once, and a frame over
 * many chunks is gathered in a buffer that doubles, so that no pattern of chunks costs more than linear time.
 */
export class FrameAssembler {
  readonly #frameBytesMax: number;
  #gathered = new Uint8Array(0);
  #length = 0;

  constructor(limits: FrameLimits) {
    this.#frameBytesMax = limits.frameBytesMax;
  }

  /** Yields the frames that `chunk` completes; the chunk may be reused once the generator is done. */
  *push(chunk: Uint8Array): Generator<Uint8Array, void> {
    let offset = 0;
    while (this.#length > 0 && offset < chunk.length) {
      const missing = this.#missing();
      this.#gather(chunk.subarray(offset, offset + missing));
      offset += missing;
      if (this.#length >= prefixBytes && this.#missing() === 0) {
        yield copyOf(this.#gathered, prefixBytes, this.#length);
        this.#gathered = new Uint8Array(0);
        this.#length = 0;
      }
    }
    while (chunk.length - offset >= prefixBytes) {
      const end = offset + prefixBytes + this.#declaredLength(chunk, offset);
      if (end > chunk.length) break;
      yield copyOf(chunk, offset + prefixBytes, end);
      offset = end;
    }
    if (offset < chunk.length) this.#gather(chunk.subarray(offset));
  }

  /** Says that no more bytes come. Throws NetError `frame-truncated` inside a frame. */
  end(): void {
    if (this.#length === 0) return;
    throw new NetError(
      'frame-truncated',
      `the stream ended ${this.#missing()} bytes before the end of a frame`,
    );
  }

  /** How many bytes the gathered frame, or its length prefix, still needs. */
  #missing(): number {
    if (this.#length < prefixBytes) return prefixBytes - this.#length;
    return prefixBytes + this.#declaredLength(this.#gathered, 0) - this.#length;
  }

  #declaredLength(bytes: Uint8Array, offset: number): number {
    const length = new DataView(bytes.buffer, bytes.byteOffset + offset, prefixBytes).getUint32(0);
    if (length <= this.#frameBytesMax) return length;
    throw new NetError(
      'frame-too-large',
      `a frame of ${length} bytes was declared, ${this.#frameBytesMax} are allowed`,
    );
  }

  #gather(part: Uint8Array): void {
    const length = this.#length + part.length;
    if (length > this.#gathered.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#gathered.length));
      grown.set(this.#gathered.subarray(0, this.#length));
      this.#gathered = grown;
    }
    this.#gathered.set(part, this.#length);
    this.#length = length;
  }
}

/**
 * Writes frames to one stream from many callers: what is handed over in one turn of the event loop, or while a write
 * is under way, goes out together in the next write. Order is the order of the calls.
 */
export class FrameWriter {
  readonly #stream: Stream;
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  /** Bytes of payload that wait for the write under way: what to look at before handing over more. */
  get pendingBytes(): number {
    return this.#batchBytes;
  }

  /**
   * Takes a frame and resolves when the stream has room for more; the payload must not change until then.
   *
   * @throws NetError what `stream.write()` throws.
   */
  write(payload: Uint8Array): Promise<void> {
    this.#batch.push(payload);
    this.#batchBytes += payload.length;
    this.#next ??= this.#writing.then(() => this.#flush());
    return this.#next;
  }

  #flush(): Promise<void> {
    const bytes = encodeFrames(this.#batch);
    this.#batch = [];
    this.#batchBytes = 0;
    this.#next = undefined;
    this.#writing = this.#stream.write(bytes);
    return this.#writing;
  }
}

/** Not `slice`, which for a `Buffer` gives a view. */
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.subarray(start, end));
}
