import {
  frameHeaderBytes,
  frameTypes,
  headerViolation,
  smallPayloadBytesMax,
  type FrameType,
} from './frame.js';

/** Takes what a peer says, frame by frame. Each call returns the rule that the frame breaks, in words, or `undefined`. */
export interface FrameSink {
  /** A whole frame other than data; the payload is valid during the call. */
  onFrame(
    type: Exclude<FrameType, typeof frameTypes.data>,
    stream: number,
    payload: Buffer,
  ): string | undefined;
  /** Some bytes of a data frame, as soon as they are here; valid during the call. */
  onData(stream: number, bytes: Buffer): string | undefined;
}

/**
 * Cuts a byte stream into frames. Keeps at most one header and one small payload: bytes of streams go on as they come, so
 * that a declared length allocates nothing.
 */
export class FrameParser {
  readonly #sink: FrameSink;
  readonly #gathered = Buffer.alloc(frameHeaderBytes + smallPayloadBytesMax);
  #gatheredBytes = 0;
  /** Header, or header and payload. */
  #wantedBytes = frameHeaderBytes;
  #stream = 0;
  #dataBytesLeft = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Takes the next bytes; returns the first rule that is broken, after which nothing more may be pushed. */
  push(chunk: Buffer): string | undefined {
    for (let at = 0; at < chunk.length;) {
      if (this.#dataBytesLeft > 0) {
        const bytes = chunk.subarray(at, at + this.#dataBytesLeft);
        at += bytes.length;
        this.#dataBytesLeft -= bytes.length;
        const violation = this.#sink.onData(this.#stream, bytes);
        if (violation !== undefined) return violation;
        continue;
      }
      const taken = chunk.copy(
        this.#gathered,
        this.#gatheredBytes,
        at,
        at + this.#wantedBytes - this.#gatheredBytes,
      );
      at += taken;
      this.#gatheredBytes += taken;
      if (this.#gatheredBytes < this.#wantedBytes) return undefined;
      const violation = this.#onGathered();
      if (violation !== undefined) return violation;
    }
    return undefined;
  }

  #onGathered(): string | undefined {
    const gathered = this.#gathered;
    const type = gathered[0] ?? 0;
    const length = gathered.readUInt16BE(7);
    if (this.#gatheredBytes === frameHeaderBytes) {
      this.#stream = gathered.readUIntBE(1, 6);
      const violation = headerViolation(type, this.#stream, length);
      if (violation !== undefined) return violation;
      if (type !== frameTypes.data && length > 0) {
        this.#wantedBytes += length;
        return undefined;
      }
    }
    this.#gatheredBytes = 0;
    this.#wantedBytes = frameHeaderBytes;
    if (type === frameTypes.data) {
      this.#dataBytesLeft = length;
      return undefined;
    }
    const payload = gathered.subarray(frameHeaderBytes, frameHeaderBytes + length);
    return this.#sink.onFrame(type as Parameters<FrameSink['onFrame']>[0], this.#stream, payload);
  }
}
