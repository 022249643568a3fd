import assert from 'node:assert/strict';
import type { Connection, Stream } from '../transport.js';
import type { ConformanceCase } from './fixture.js';
import { Bench, patternBytes, textOf } from './pair.js';

/** No window that makes sense for a node is larger; a writer that gets this far is not slowed down. */
const windowBytesMax = 64 * 1024 * 1024;
/** No stream limit that makes sense is larger. */
const streamsMax = 10_000;

/** Opens streams until the limit is reached; returns them and the call that waits. */
async function openToTheLimit(connection: Connection): Promise<{ open: Stream[]; waiting: Promise<Stream> }> {
  const open: Stream[] = [];
  for (;;) {
    const opening = connection.openStream();
    if (await Bench.isPending(opening)) return { open, waiting: opening };
    open.push(await opening);
    assert.ok(open.length < streamsMax, `a peer may not open ${streamsMax} streams at once`);
  }
}

export const flowCases: readonly ConformanceCase[] = [
  {
    name: 'slows a writer down while nobody reads, and loses nothing',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { here, there } = await bench.stream();
        const chunk = patternBytes(64 * 1024, 3);
        let written = 0;
        let pending: Promise<void>;
        for (;;) {
          pending = here.write(chunk);
          if (await Bench.isPending(pending)) break;
          written += chunk.length;
          assert.ok(written < windowBytesMax, 'a reader that stops slows the writer down');
        }
        const reading = bench.readToEnd(there);
        await bench.within(pending, 'the write, once the other side reads');
        await here.end();
        const received = await reading;
        assert.equal(received.length, written + chunk.length);
        assert.ok(Buffer.from(chunk).equals(received.subarray(-chunk.length)), 'the last chunk is whole');
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
];
