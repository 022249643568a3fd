import assert from 'node:assert/strict';
import type { Connection, Stream } from '../transport.js';
import type { ConformanceCase } from './fixture.js';
import { Bench, echoStreams, patternBytes, readToEnd, textOf } from './pair.js';

/** 5 MiB: more than the window of any adapter here grows to. */
const largeBytes = (seed: number): Uint8Array => patternBytes(5 * 1024 * 1024, seed);

async function echoOnce(bench: Bench, connection: Connection, payload: Uint8Array): Promise<void> {
  const stream = await bench.within(connection.openStream(), 'openStream');
  await bench.within(stream.write(payload), 'write');
  await bench.within(stream.end(), 'end');
  assert.deepEqual(
    Buffer.from(await bench.readToEnd(stream)),
    Buffer.from(payload),
    'the echo is what was sent',
  );
}

/** Runs `count` jobs, `concurrency` at a time. */
async function inParallel(
  count: number,
  concurrency: number,
  job: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await job(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

export const streamCases: readonly ConformanceCase[] = [
  {
    name: 'delivers bytes both ways on one stream',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { here, there } = await bench.stream();
        await here.write(Buffer.from('ping'));
        assert.equal(textOf(await bench.read(there)), 'ping');
        await there.write(Buffer.from('pong'));
        assert.equal(textOf(await bench.read(here)), 'pong');
      }),
  },
  {
    name: 'lets either side open streams',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { near, far } = await bench.link();
        void echoStreams(near);
        void echoStreams(far);
        await echoOnce(bench, near, Buffer.from('from the dialler'));
        await echoOnce(bench, far, Buffer.from('from the acceptor'));
      }),
  },
  {
    name: 'keeps the order of the bytes of a stream',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { here, there } = await bench.stream();
        const sent = Array.from({ length: 300 }, (_, i) => patternBytes((i * i) % 9000, i));
        const writing = (async () => {
          for (const bytes of sent) await here.write(bytes);
          await here.end();
        })();
        const received = await bench.readToEnd(there);
        await bench.within(writing, 'the writes');
        assert.ok(Buffer.concat(sent).equals(received), 'all bytes, in order');
      }),
  },
  {
    name: 'leaves the bytes of a finished write to the caller',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { here, there } = await bench.stream();
        const buffer = Buffer.from('first ');
        await here.write(buffer);
        buffer.write('second');
        await here.write(buffer);
        await here.end();
        assert.equal(textOf(await bench.readToEnd(there)), 'first second');
      }),
  },
  {
    name: 'leaves the bytes of a read to the reader',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { here, there } = await bench.stream();
        await here.write(Buffer.from('first'));
        const kept = await bench.read(there);
        await here.write(Buffer.from('other'));
        assert.equal(textOf(await bench.read(there)), 'other');
        assert.equal(textOf(kept), 'first', 'a later read does not change what an earlier one gave');
      }),
  },
  {
    name: 'takes a write of nothing, and one larger than any window, in both directions at once',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { here, there } = await bench.stream();
        const sendAndReceive = async (end: Stream, seed: number): Promise<Uint8Array> => {
          const writing = (async () => {
            await end.write(new Uint8Array(0));
            await end.write(largeBytes(seed));
            await end.end();
          })();
          const received = await bench.readToEnd(end);
          await bench.within(writing, 'the large write');
          return received;
        };
        const received = await Promise.all([sendAndReceive(here, 1), sendAndReceive(there, 2)]);
        assert.ok(Buffer.from(largeBytes(2)).equals(received[0]), 'what the acceptor wrote');
        assert.ok(Buffer.from(largeBytes(1)).equals(received[1]), 'what the dialler wrote');
      }),
  },
  {
    name: 'carries many short streams, 100 at a time: none hangs, none is lost',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { shortStreamCount = 1000 } = fixture;
        const { near, far } = await bench.link();
        const echoing = echoStreams(far);
        let count = 0;
        const work = inParallel(shortStreamCount, 100, async (i) => {
          const payload = patternBytes(1 + ((i * 97) % 3000), i);
          const stream = await near.openStream();
          await stream.write(payload);
          await stream.end();
          assert.ok(Buffer.from(payload).equals(await readToEnd(stream)), 'the echo is what was sent');
          count += 1;
        });
        await bench.whileMoving(work, () => count, 'one of the streams');
        await near.close();
        assert.equal(await bench.within(echoing, 'the end of streams()'), shortStreamCount);
      }),
  },
  {
    name: 'half-closes: the peer reads to the end and may still write',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { here, there } = await bench.stream();
        await here.write(Buffer.from('question'));
        await here.end();
        assert.equal(textOf(await bench.readToEnd(there)), 'question');
        assert.equal(await bench.read(there), undefined, 'the end stays the end');
        await there.write(Buffer.from('answer'));
        assert.equal(textOf(await bench.read(here)), 'answer');
        await there.end();
        assert.equal(await bench.read(here), undefined);
      }),
  },
  {
    name: 'shows the end of a stream long after its last byte',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { near, far } = await bench.link();
        const peers = far.streams()[Symbol.asyncIterator]();
        await inParallel(150, 10, async (i) => {
          const here = await bench.within(near.openStream(), 'openStream');
          await here.write(patternBytes(1200, i));
          const arrived = await bench.within(peers.next(), 'the stream of the peer');
          assert.ok(arrived.done !== true);
          const there = arrived.value;
          for (let seen = 0; seen < 1200;) seen += (await bench.read(there))?.length ?? 0;
          // Each side has heard of every byte of the other; only the ends are left to say.
          await there.write(Uint8Array.of(7));
          await Promise.all([there.end(), here.end()]);
          assert.equal(await bench.read(there), undefined);
        });
      }),
  },
  {
    name: 'shows a reset to the reads and writes of the peer',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { here, there } = await bench.stream();
        const reading = there.read();
        here.reset();
        here.reset();
        await bench.rejects(reading, 'the pending read of the peer', 'stream-reset');
        await bench.rejects(there.write(Uint8Array.of(1)), 'a write of the peer', 'stream-reset');
        await bench.rejects(here.read(), 'a read after reset', 'stream-reset');
        await bench.rejects(here.write(Uint8Array.of(1)), 'a write after reset', 'stream-reset');
      }),
  },
  {
    name: 'shows a reset to a peer that is not reading',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { here, there } = await bench.stream();
        await here.write(patternBytes(1000, 1));
        here.reset();
        const writeUntilReset = async (): Promise<void> => {
          for (;;) await there.write(patternBytes(1000, 2));
        };
        await bench.rejects(writeUntilReset(), 'writing to a reset stream', 'stream-reset');
      }),
  },
  {
    name: 'takes back the place of a reset stream and leaves the others alone',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { near, far } = await bench.link();
        void echoStreams(far);
        const bystander = await near.openStream();
        for (let i = 0; i < 400; i += 1) {
          const stream = await bench.within(near.openStream(), `openStream after ${i} resets`);
          if (i % 2 === 0) await stream.write(patternBytes(i + 1, i));
          if (i % 4 === 0) await bench.read(stream);
          stream.reset();
        }
        await bystander.write(Buffer.from('still here'));
        await bystander.end();
        assert.equal(textOf(await bench.readToEnd(bystander)), 'still here');
      }),
  },
];
