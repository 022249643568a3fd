import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import type { Connection, Stream, StreamOptions } from '../transport.js';
import type { ConformanceCase } from './fixture.js';
import { Bench, patternBytes, textOf } from './pair.js';

const defaultWindowBytes = 16 * 1024 * 1024;
const chunk = patternBytes(64 * 1024, 3);
/** No stream limit that makes sense is larger. */
const streamsMax = 10_000;

/** Opens streams until the limit is reached; returns them and the call that waits. */
async function openToTheLimit(
  connection: Connection,
  options?: StreamOptions,
): Promise<{ open: Stream[]; waiting: Promise<Stream> }> {
  const open: Stream[] = [];
  for (;;) {
    const opening = connection.openStream(options);
    if (await Bench.isPending(opening)) return { open, waiting: opening };
    open.push(await opening);
    assert.ok(open.length < streamsMax, `a peer may not open ${streamsMax} streams at once`);
  }
}

/** Writes until a write waits; what was taken, that write included, must stay below a bound. */
async function writeUntilBlocked(
  stream: Stream,
  bytesMax: number,
): Promise<{ takenBytes: number; pending: Promise<void> }> {
  for (let takenBytes = chunk.length; ; takenBytes += chunk.length) {
    assert.ok(takenBytes <= bytesMax, `a reader that stops slows the writer down within ${bytesMax} bytes`);
    const pending = stream.write(chunk);
    if (await Bench.isPending(pending)) return { takenBytes, pending };
  }
}

export const flowCases: readonly ConformanceCase[] = [
  {
    name: 'slows a writer down while nobody reads, within twice the window, and loses nothing',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { windowBytes = defaultWindowBytes } = fixture;
        const { here, there } = await bench.stream();
        const { takenBytes, pending } = await writeUntilBlocked(here, 2 * windowBytes);
        const reading = bench.readToEnd(there);
        await bench.within(pending, 'the write, once the other side reads');
        await here.end();
        const received = await reading;
        assert.equal(received.length, takenBytes);
        assert.ok(Buffer.from(chunk).equals(received.subarray(-chunk.length)), 'the last chunk is whole');
      }),
  },
  {
    name: 'slows a writer down when its reader stops on the way, within twice the window',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { windowBytes = defaultWindowBytes, windowBytesMax = windowBytes } = fixture;
        const { here, there } = await bench.stream();
        // Twice as much as any window, so that one that grows has grown.
        const readBytes = 2 * windowBytesMax;
        const reading = (async () => {
          let length = 0;
          while (length < readBytes) length += (await bench.read(there))?.length ?? 0;
          return length;
        })();
        for (let length = 0; length < readBytes; length += chunk.length) await here.write(chunk);
        const surplusBytes = (await reading) - readBytes;
        const { pending } = await writeUntilBlocked(here, 2 * windowBytesMax - surplusBytes);
        pending.catch(() => {});
      }),
  },
  {
    name: 'lets other streams pass one that nobody reads',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { near, far, here } = await bench.stream();
        let pending: Promise<void>;
        do pending = here.write(patternBytes(256 * 1024, 5));
        while (!(await Bench.isPending(pending)));
        pending.catch(() => {});
        const other = await bench.within(near.openStream({ priority: 'control' }), 'openStream');
        await bench.within(other.write(Buffer.from('urgent')), 'write');
        assert.equal(textOf(await bench.read(await bench.next(far.streams(), 'the stream'))), 'urgent');
      }),
  },
  {
    name: 'makes openStream wait at the stream limit, and go on when a stream ends',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { near, far } = await bench.link();
        const { open, waiting } = await openToTheLimit(near);
        void (async () => {
          for await (const stream of far.streams()) {
            void bench.readToEnd(stream).then(
              () => stream.end(),
              () => {},
            );
          }
        })();
        // The peer may give places back in lots, so all but one end.
        for (const stream of open.slice(1)) {
          await stream.write(Uint8Array.of(1));
          await stream.end();
          assert.equal(await bench.read(stream), undefined);
        }
        const late = await bench.within(waiting, 'the waiting openStream');
        await late.write(Buffer.from('late'));
        await late.end();
        assert.equal(await bench.read(late), undefined);
      }),
  },
  {
    name: 'cancels a waiting openStream by its signal, and the connection lives on',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { near, far } = await bench.link();
        const { open, waiting } = await openToTheLimit(near);
        waiting.catch(() => {});
        const abort = new AbortController();
        const cancelled = near.openStream({ signal: abort.signal });
        abort.abort();
        await bench.rejects(cancelled, 'the cancelled openStream', 'aborted');
        await bench.rejects(
          near.openStream({ signal: abort.signal }),
          'openStream with an aborted signal',
          'aborted',
        );
        const [first] = open;
        assert.ok(first);
        await first.write(Buffer.from('alive'));
        assert.equal(textOf(await bench.read(await bench.next(far.streams(), 'a stream'))), 'alive');
      }),
  },
  {
    name: 'leaves nothing on a signal once what it could have cancelled is done',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { signal } = new AbortController();
        const acceptor = await bench.side();
        const dialler = await bench.side();
        const { address } = await bench.listen(acceptor);
        const near = await bench.within(dialler.transport.dial(address, { signal }), 'dial');
        const { open, waiting } = await openToTheLimit(near, { signal });
        for (const stream of open) stream.reset();
        await bench.within(waiting, 'the waiting openStream');
        await Promise.resolve();
        assert.equal(getEventListeners(signal, 'abort').length, 0, 'listeners on the signal');
      }),
  },
];
