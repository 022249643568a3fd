import { describe, expect, it } from '@jest/globals';

import { defaultMuxLimits } from '../src/mux/limits.js';
import { FrameOutput } from '../src/mux/frame-output.js';
import { Mux } from '../src/mux/mux.js';
import { Writable } from 'node:stream';

const chunk = Buffer.alloc(16 * 1024);

/** The side that reads: what a peer that keeps to its windows sends is pushed into it, and the room it gives is counted. */
function readingSide() {
  const room = { connection: defaultMuxLimits.connectionWindowBytes, streams: new Map<number, number>() };
  const socket = new Writable({
    write: (bytes: Buffer, _encoding, taken) => {
      for (let at = 0; at < bytes.length;) {
        const [type, id, length] = [
          bytes.readUInt8(at),
          bytes.readUIntBE(at + 1, 6),
          bytes.readUInt16BE(at + 7),
        ];
        if (type === 4) room.streams.set(id, room.streams.get(id)! + bytes.readUInt32BE(at + 9));
        if (type === 5) room.connection += bytes.readUInt32BE(at + 9);
        at += 9 + length;
      }
      taken();
    },
  });
  const output = new FrameOutput(socket, defaultMuxLimits.outputBytesMax, () => flush());
  const mux = new Mux({
    role: 'server',
    limits: defaultMuxLimits,
    peer: { streamWindowBytes: 1 << 18, connectionWindowBytes: 1 << 24, placeCount: 100 },
    output,
    roundTripMs: () => 1_000,
    schedule: () => undefined,
  });
  const flush = (): void => {
    mux.fill();
    output.flush();
  };
  return { mux, room, flush };
}

describe('streams whose reader stops', () => {
  it.each([
    ['never began to read', 0],
    ['read quickly before', 16 * 1024 * 1024],
  ])('leave room to others: 8 of them, who %s', async (_why, readBytes) => {
    const { mux, room, flush } = readingSide();
    const send = (id: number): boolean => {
      const left = room.streams.get(id) ?? defaultMuxLimits.streamWindowBytes;
      room.streams.set(id, left);
      if (left < chunk.length || room.connection < chunk.length) return false;
      room.streams.set(id, left - chunk.length);
      room.connection -= chunk.length;
      expect(mux.onData(id, chunk)).toBeUndefined();
      return true;
    };
    const incoming = mux.incoming[Symbol.asyncIterator]();
    for (let id = 0; id < 16; id += 2) {
      let stream;
      for (let read = 0; read < readBytes;) {
        while (send(id)) continue;
        stream ??= (await incoming.next()).value!;
        read += (await stream.read())!.length;
        flush();
      }
    }
    for (let id = 0; id < 16; id += 2) while (send(id)) continue;
    expect(room.connection).toBeGreaterThanOrEqual(defaultMuxLimits.streamWindowBytes);
  });
});
