import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  FrameAssembler,
  FrameWriter,
  encodeFrames,
  readFrames,
  writeFrame,
  type Stream,
} from '../src/index.js';

/** A stream that reads out given chunks and keeps what is written. */
class ScriptedStream implements Stream {
  readonly written: Uint8Array[] = [];
  readonly #chunks: Uint8Array[];
  hold: Promise<void> = Promise.resolve();

  constructor(chunks: readonly Uint8Array[] = []) {
    this.#chunks = [...chunks];
  }

  async read(): Promise<Uint8Array | undefined> {
    return this.#chunks.shift();
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.written.push(new Uint8Array(bytes));
    await this.hold;
  }

  async end(): Promise<void> {}

  reset(): void {}
}

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let rest = bytes;
  for (let i = 0; rest.length > 0; i += 1) {
    const size = sizes[i % sizes.length] ?? 1;
    chunks.push(rest.subarray(0, size));
    rest = rest.subarray(size);
  }
  return chunks;
}

async function collect(chunks: readonly Uint8Array[], frameBytesMax = 1000): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = [];
  for await (const frame of readFrames(new ScriptedStream(chunks), { frameBytesMax })) frames.push(frame);
  return frames;
}

describe('frames', () => {
  it('come out as they went in, however the stream is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 1000 }), { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 10 }),
        async (payloads, sizes) => {
          expect(await collect(cut(encodeFrames(payloads), sizes))).toEqual(payloads);
        },
      ),
    );
  });

  it('are in memory of their own, also where the chunk is a Buffer', async () => {
    const chunk = Buffer.from(encodeFrames([Buffer.from('mine')]));
    const [frame] = await collect([chunk]);
    chunk.fill(0);
    expect(Buffer.from(frame ?? []).toString()).toBe('mine');
    expect(frame?.buffer.byteLength).toBe(4);
  });

  it('refuse a declared length over the limit before a byte of it has come', async () => {
    const declared = Uint8Array.of(0x40, 0, 0, 0);
    await expect(collect([declared])).rejects.toMatchObject({ code: 'frame-too-large' });
    await expect(collect(cut(declared, [1]))).rejects.toMatchObject({ code: 'frame-too-large' });
    await expect(collect([encodeFrames([new Uint8Array(1001)])])).rejects.toMatchObject({
      code: 'frame-too-large',
    });
    expect(await collect([encodeFrames([new Uint8Array(1000)])])).toHaveLength(1);
  });

  it('allocate nothing for a declared length alone', () => {
    const before = process.memoryUsage().arrayBuffers;
    const assemblers = Array.from({ length: 20 }, () => {
      const assembler = new FrameAssembler({ frameBytesMax: 2 ** 31 });
      expect([...assembler.push(Uint8Array.of(0x40, 0, 0, 0, 1))]).toEqual([]);
      return assembler;
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
    expect(() => assemblers[0]?.end()).toThrow(/1073741823 bytes before the end/);
  });

  it('are refused where the stream ends inside one', async () => {
    const whole = encodeFrames([Uint8Array.of(1, 2, 3)]);
    for (let length = 1; length < whole.length; length += 1) {
      await expect(collect([whole.subarray(0, length)])).rejects.toMatchObject({ code: 'frame-truncated' });
    }
  });

  it('come out whole from 65,536 chunks', () => {
    const bytes = encodeFrames([new Uint8Array(2 ** 20)]);
    const assembler = new FrameAssembler({ frameBytesMax: 2 ** 20 });
    // Copying all that came with each chunk would be 32 GiB, and take longer than a test may.
    let frames = 0;
    for (const chunk of cut(bytes, [16])) frames += [...assembler.push(chunk)].length;
    expect(frames).toBe(1);
  });

  it('read or refuse any bytes, never anything else', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40 })), async (chunks) => {
        try {
          const frames = await collect(chunks);
          expect(Buffer.concat(chunks).equals(encodeFrames(frames))).toBe(true);
        } catch (error) {
          expect(['frame-too-large', 'frame-truncated']).toContain((error as { code: string }).code);
        }
      }),
    );
  });
});

describe('a frame writer', () => {
  it('writes one by one what comes one by one', async () => {
    const stream = new ScriptedStream();
    await writeFrame(stream, Buffer.from('a'));
    const writer = new FrameWriter(stream);
    await writer.write(Buffer.from('b'));
    await writer.write(Buffer.from('c'));
    expect(stream.written).toHaveLength(3);
    expect(await collect(stream.written)).toHaveLength(3);
  });

  it('joins what is handed over while a write is under way, in order', async () => {
    const stream = new ScriptedStream();
    let release = (): void => {};
    stream.hold = new Promise((resolve) => (release = resolve));
    const writer = new FrameWriter(stream);
    const first = writer.write(Buffer.from('first'));
    await Promise.resolve();
    const others = Array.from({ length: 100 }, (_, i) => writer.write(Buffer.from(`frame ${i}`)));
    expect(writer.pendingBytes).toBeGreaterThan(0);
    release();
    await Promise.all([first, ...others]);
    expect(stream.written).toHaveLength(2);
    const frames = await collect(stream.written);
    expect(frames.map((frame) => Buffer.from(frame).toString())).toEqual([
      'first',
      ...others.map((_, i) => `frame ${i}`),
    ]);
    expect(writer.pendingBytes).toBe(0);
  });
});
