import { Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Stream } from '../src/index.js';
import { FrameOutput } from '../src/mux/frame-output.js';
import { FrameParser } from '../src/mux/frame-parser.js';
import { defaultMuxLimits, type MuxLimits } from '../src/mux/limits.js';
import { Mux } from '../src/mux/mux.js';
import { UnreadBytes } from '../src/mux/unread-bytes.js';
import { DATA, END, RESET, STREAM_ROOM, frame } from './raw-tls.js';

/** A multiplexer whose frames go to a socket that takes one write when it is told to. */
class Side {
  readonly mux: Mux;
  readonly writes: Buffer[] = [];
  readonly #taken: (() => void)[] = [];

  constructor(limits: Partial<MuxLimits> = {}, peerWindowBytes = 1 << 24, placeCount = 100) {
    const socket = new Writable({
      write: (bytes: Buffer, _encoding, taken) => {
        this.writes.push(Buffer.from(bytes));
        this.#taken.push(taken);
      },
    });
    const all = { ...defaultMuxLimits, ...limits };
    const output = new FrameOutput(socket, all.outputBytesMax, () => this.flush());
    const peer = { streamWindowBytes: peerWindowBytes, connectionWindowBytes: 1 << 24, placeCount };
    this.mux = new Mux({
      role: 'client',
      limits: all,
      peer,
      output,
      roundTripMs: () => undefined,
      schedule: () => setImmediate(() => this.flush()),
    });
    this.flush = () => {
      this.mux.fill();
      output.flush();
    };
  }

  readonly flush: () => void;

  /** The system takes what waits first. */
  async take(): Promise<void> {
    this.#taken.shift()?.();
    await turn();
  }

  /** What was handed to the socket: type, stream and payload length of each frame. */
  get sent(): readonly [number, number, number][] {
    const frames: [number, number, number][] = [];
    const bytes = Buffer.concat(this.writes);
    for (let at = 0; at < bytes.length;) {
      const length = bytes.readUInt16BE(at + 7);
      frames.push([bytes.readUInt8(at), bytes.readUIntBE(at + 1, 6), length]);
      at += 9 + length;
    }
    return frames;
  }

  push(...parts: readonly Buffer[]): string | undefined {
    const parser = new FrameParser({
      onData: (stream, bytes) => this.mux.onData(stream, bytes),
      onFrame: (...[type, stream, payload]) =>
        type >= 2 && type <= 6 ? this.mux.onFrame(type as 2, stream, payload) : undefined,
    });
    return parser.push(Buffer.concat(parts));
  }
}

describe('what is sent next', () => {
  it('is of control streams first, and bulk streams take turns', async () => {
    const side = new Side({ outputBytesMax: 40_000 });
    const [a, b, control] = [
      await side.mux.open(),
      await side.mux.open(),
      await side.mux.open({ priority: 'control' }),
    ];
    const writes = [a.write(new Uint8Array(60_000)), b.write(new Uint8Array(60_000))];
    await turn();
    expect(side.sent.map(([, stream]) => stream)).toEqual([0, 0, 0]);
    // The output is full: what comes now waits, and overtakes bulk when there is room.
    const progress = { isDone: false };
    void Promise.all([...writes, control.write(new Uint8Array(100))]).then(() => (progress.isDone = true));
    while (!progress.isDone) await side.take();
    const [, , , ...later] = side.sent;
    expect(later[0]).toEqual([DATA, 2, 100]);
    const bulk = later.slice(1).map(([, stream]) => stream);
    expect(bulk.slice(0, 4)).toEqual([0, 4, 0, 4]);
  });

  it('is never more than the peer and the output have room for', async () => {
    const side = new Side({ outputBytesMax: 1 << 20 }, 10_000);
    const stream = await side.mux.open();
    let done = false;
    const writing = stream.write(new Uint8Array(25_000)).then(() => (done = true));
    await turn();
    expect(side.sent).toEqual([[DATA, 0, 10_000]]);
    side.push(frame(STREAM_ROOM, 0, Buffer.from([0, 0, 0x13, 0x88])));
    await turn();
    await side.take();
    expect(side.sent).toEqual([
      [DATA, 0, 10_000],
      [DATA, 0, 5000],
    ]);
    expect(done).toBe(false);
    side.push(frame(STREAM_ROOM, 0, Buffer.from([0, 1, 0, 0])));
    await writing;
  });

  it('is nothing for a stream that was reset before it began, and its place is free', async () => {
    const side = new Side({}, 1 << 20, 1);
    for (let i = 0; i < 3; i += 1) (await side.mux.open()).reset();
    const stream = await side.mux.open();
    await stream.end();
    await turn();
    expect(side.sent).toEqual([[END, 0, 0]]);
  });
});

describe('unread bytes', () => {
  it('come out as they went in, and take less than twice their size, in whatever pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20_000 }), { maxLength: 60 }), (lengths) => {
        const unread = new UnreadBytes();
        const sent = lengths.map((length, i) => Buffer.alloc(length, i));
        for (const bytes of sent) unread.push(bytes);
        const total = Buffer.concat(sent);
        expect(unread.length).toBe(total.length);
        const read: Uint8Array[] = [];
        for (let block = unread.take(); block !== undefined; block = unread.take()) read.push(block);
        expect(total.equals(Buffer.concat(read))).toBe(true);
        const held = read.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
        expect(held).toBeLessThanOrEqual(2 * total.length + 512);
      }),
      { numRuns: 100 },
    );
  });

  it('that came byte by byte on stalled streams keep memory under twice the window', async () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const windowBytes = 1 << 20;
    const side = new Side({ connectionWindowBytes: windowBytes, streamWindowBytes: windowBytes / 16 });
    const used = (): number => {
      gc();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    // One long chunk, of which every stream gets one byte: whoever kept a view would keep all of it.
    const rounds = Array.from({ length: 16 }, (_, i) => frame(DATA, 2 * i + 1, Buffer.of(i)));
    const before = used();
    for (let i = 0; i < windowBytes / 16; i += 64) {
      expect(side.push(...Array.from({ length: 64 }, () => rounds).flat())).toBeUndefined();
    }
    expect(used() - before).toBeLessThan(2 * windowBytes);
    expect(side.push(frame(DATA, 1, Buffer.of(1)))).toBe('more than the window of the connection');
  }, 20_000);
});

describe('whatever frames come, in whatever pieces', () => {
  const anyFrame = fc
    .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0, max: 300 }))
    .map(([type, stream, size]) => {
      const ofConnection = type === 5 || type === 6;
      const payload = type === DATA ? Buffer.alloc(size + 1, size) : Buffer.alloc(type > 3 ? 4 : 0, size % 3);
      return frame(type, ofConnection ? 0 : stream, payload);
    });

  it('nothing throws, and the first broken rule is the same however they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyFrame, { maxLength: 60 }),
        fc.integer({ min: 1, max: 97 }),
        async (frames, chunkBytes) => {
          const bytes = Buffer.concat(frames);
          const violations: (string | undefined)[] = [];
          for (const size of [bytes.length, chunkBytes]) {
            const { mux, flush } = new Side({
              streamWindowBytes: 1000,
              connectionWindowBytes: 2000,
              peerStreamsMax: 2,
            });
            const streams: Stream[] = [];
            for (let i = 0; i < 3; i += 1) streams.push(await mux.open());
            await streams[0]?.write(Buffer.from('x'));
            streams[1]?.reset();
            void streams[2]?.end();
            flush();
            const parser = new FrameParser({
              onData: (stream, part) => mux.onData(stream, part),
              onFrame: (...[type, stream, payload]) => mux.onFrame(type as 2, stream, payload),
            });
            let violation: string | undefined;
            for (let at = 0; at < bytes.length && violation === undefined; at += size)
              violation = parser.push(bytes.subarray(at, at + size));
            violations.push(violation);
          }
          expect(violations[1]).toBe(violations[0]);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('a peer that resets gets each place back once', async () => {
    const side = new Side({ peerStreamsMax: 2 });
    for (let i = 0; i < 50; i += 1) {
      expect(side.push(frame(DATA, 2 * i + 1, Buffer.of(1)), frame(RESET, 2 * i + 1))).toBeUndefined();
      expect(side.mux.incoming.size).toBe(0);
      await turn();
      await side.take();
    }
    expect(side.mux.size).toBe(0);
    for (const stream of [101, 103]) expect(side.push(frame(END, stream))).toBeUndefined();
    expect(side.push(frame(END, 105))).toBe('more streams than there are places');
  });
});
