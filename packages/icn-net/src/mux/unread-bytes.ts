/** The least that is allocated for bytes nobody waits for. Guess: a few small frames. */
const blockBytesMin = 512;
/** The most that one read returns, and one block holds. 64 KiB: what a read of QUIC's returns. */
const blockBytesMax = 64 * 1024;

interface Block {
  readonly bytes: Uint8Array;
  filledBytes: number;
}

/**
 * Bytes that arrived before anybody read them. They are copied, into blocks that double, so that however small the pieces
 * they come in, what is held is less than twice what arrived, and blockBytesMin.
 */
export class UnreadBytes {
  #blocks: Block[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(bytes: Uint8Array): void {
    let rest = bytes;
    const last = this.#blocks.at(-1);
    if (last !== undefined) rest = rest.subarray(fill(last, rest));
    while (rest.length > 0) {
      const size = Math.min(blockBytesMax, Math.max(blockBytesMin, rest.length, this.#length));
      const block = { bytes: new Uint8Array(size), filledBytes: 0 };
      this.#blocks.push(block);
      rest = rest.subarray(fill(block, rest));
    }
    this.#length += bytes.length;
  }

  /** The next bytes, which belong to the caller from now on; `undefined` if there are none. */
  take(): Uint8Array | undefined {
    const block = this.#blocks.shift();
    if (block === undefined) return undefined;
    this.#length -= block.filledBytes;
    return block.bytes.subarray(0, block.filledBytes);
  }

  clear(): void {
    this.#blocks = [];
    this.#length = 0;
  }
}

/** Copies what fits behind what is there; returns how much that was. */
function fill(block: Block, bytes: Uint8Array): number {
  const part = bytes.subarray(0, block.bytes.length - block.filledBytes);
  block.bytes.set(part, block.filledBytes);
  block.filledBytes += part.length;
  return part.length;
}
