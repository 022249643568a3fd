import type { Writable } from 'node:stream';
import { frameHeaderBytes, type FrameType } from './frame.js';

/** Frames are gathered in blocks of this size, each given to the socket in as few parts as turns need. 64 KiB: four full data frames. */
const blockBytes = 64 * 1024;
const nothing = new Uint8Array(0);

/**
 * Gathers frames and hands them to the socket, several at once. Holds no more than it has room for, apart from what is
 * appended without asking: whoever has more to say keeps it, and is asked again when there is room.
 */
export class FrameOutput {
  readonly #socket: Writable;
  readonly #bytesMax: number;
  readonly #onRoom: () => void;
  #block = Buffer.alloc(0);
  /** In the block: up to where it was handed over, and up to where it is filled. */
  #flushed = 0;
  #filled = 0;
  #unsentBytes = 0;
  #flushedBytes = 0;

  /** `onRoom` is called whenever the system has taken something. */
  constructor(socket: Writable, bytesMax: number, onRoom: () => void) {
    this.#socket = socket;
    this.#bytesMax = bytesMax;
    this.#onRoom = onRoom;
  }

  /** All that was handed to the socket so far. */
  get flushedBytes(): number {
    return this.#flushedBytes;
  }

  /** Payload bytes that the next frame may have; negative if there is no room even for a header. */
  get roomBytes(): number {
    return this.#bytesMax - this.#unsentBytes - (this.#filled - this.#flushed) - frameHeaderBytes;
  }

  /** Appends a frame; the payload is copied. */
  append(type: FrameType, stream: number, payload: Uint8Array = nothing): void {
    const size = frameHeaderBytes + payload.length;
    if (this.#block.length - this.#filled < size) {
      this.flush();
      this.#block = Buffer.allocUnsafeSlow(blockBytes);
      this.#flushed = 0;
      this.#filled = 0;
    }
    const at = this.#filled;
    this.#block[at] = type;
    this.#block.writeUIntBE(stream, at + 1, 6);
    this.#block.writeUInt16BE(payload.length, at + 7);
    this.#block.set(payload, at + frameHeaderBytes);
    this.#filled += size;
  }

  /** Hands what was appended to the socket. */
  flush(): void {
    const bytes = this.#block.subarray(this.#flushed, this.#filled);
    if (bytes.length === 0) return;
    this.#flushed = this.#filled;
    this.#unsentBytes += bytes.length;
    this.#flushedBytes += bytes.length;
    this.#socket.write(bytes, (error) => {
      this.#unsentBytes -= bytes.length;
      if (error === undefined || error === null) this.#onRoom();
    });
  }
}
