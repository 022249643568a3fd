import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { CLOSE_CODES, type CloseCode } from '../protocol.js';
import type { ConformanceCase, ConformanceFixture } from './fixture.js';
import { Bench, patternBytes, textOf } from './pair.js';

const wireCodes = (Object.keys(CLOSE_CODES) as CloseCode[]).filter(
  (code) => code !== 'timeout' && code !== 'unknown',
);

/** Sockets and timers of the process that keep it alive. */
function activeCount(): number {
  return process.getActiveResourcesInfo().filter((name) => name !== 'Immediate').length;
}

/** Waits until no more is active than before. */
async function settleAt(before: number, { patienceMs = 5000 }: ConformanceFixture): Promise<void> {
  const deadlineMs = performance.now() + patienceMs;
  while (activeCount() > before && performance.now() < deadlineMs) await delay(5);
  assert.ok(activeCount() <= before, `left behind: ${process.getActiveResourcesInfo().join(', ')}`);
}

export const closeCases: readonly ConformanceCase[] = [
  {
    name: 'shows the code and the text of a close to the other side',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const acceptor = await bench.side();
        const dialler = await bench.side();
        const { listener, address } = await bench.listen(acceptor);
        for (const [i, code] of wireCodes.entries()) {
          const near = await bench.within(dialler.transport.dial(address), 'dial');
          const far = await bench.next(listener, 'the inbound connection');
          const [closer, other] = i % 2 === 0 ? [near, far] : [far, near];
          await bench.within(closer.close({ code, text: `because ${code}` }), 'close');
          const seen = await bench.within(other.closed, 'closed, at the other side');
          assert.deepEqual(seen, { code, by: 'peer', text: `because ${code}` });
          const own = await bench.within(closer.closed, 'closed');
          assert.deepEqual(own, { code, by: 'us', text: `because ${code}` });
        }
      }),
  },
  {
    name: 'cuts the text of a close to 200 bytes, between characters',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { near, far } = await bench.link();
        await near.close({ text: `x${'ä'.repeat(200)}` });
        const { text } = await bench.within(far.closed, 'closed, at the other side');
        assert.equal(text, `x${'ä'.repeat(99)}`);
      }),
  },
  {
    name: 'ends everything that waits on a connection when it closes, at both ends',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { near, far, here, there } = await bench.stream();
        const reads = [here.read(), there.read()];
        const writing = (async () => {
          for (;;) await here.write(patternBytes(256 * 1024, 1));
        })();
        const unread = (async () => {
          for (;;) await there.write(patternBytes(256 * 1024, 1));
        })();
        const accepts = [near, far].map((connection) => connection.streams()[Symbol.asyncIterator]().next());
        for (const pending of [...reads, writing, unread]) pending.catch(() => {});
        await bench.within(near.close(), 'close');
        // Reads that already had bytes may succeed; those that wait may not.
        for (const write of [writing, unread]) await bench.rejects(write, 'a write', 'connection-closed');
        for (const end of [here, there]) {
          const readToEnd = async (): Promise<void> => {
            for (;;) assert.notEqual(await end.read(), undefined, 'closing is not the end of a stream');
          };
          await Promise.allSettled(reads);
          await bench.rejects(readToEnd(), 'a read', 'connection-closed');
        }
        for (const accept of accepts) assert.equal((await bench.within(accept, 'streams()')).done, true);
        await bench.rejects(near.openStream(), 'openStream', 'connection-closed');
        await bench.within(far.closed, 'closed, at the other side');
        await bench.rejects(far.openStream(), 'openStream of the peer', 'connection-closed');
      }),
  },
  {
    name: 'closes once: the first reason stands, on both sides',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { near, far } = await bench.link();
        await near.close({ code: 'blocked', text: 'first' });
        await near.close({ code: 'done', text: 'second' });
        assert.deepEqual(await bench.within(near.closed, 'closed'), {
          code: 'blocked',
          by: 'us',
          text: 'first',
        });
        const seen = await bench.within(far.closed, 'closed, at the other side');
        await far.close({ code: 'done', text: 'third' });
        assert.deepEqual(seen, { code: 'blocked', by: 'peer', text: 'first' });
        assert.equal(await far.closed, seen);
      }),
  },
  {
    name: 'stops accepting when a listener closes, and keeps what it handed over',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { listener, address, near, far } = await bench.link();
        const accepting = listener[Symbol.asyncIterator]().next();
        await bench.within(listener.close(), 'close of the listener');
        await bench.within(listener.close(), 'the second close of the listener');
        assert.equal((await bench.within(accepting, 'the accept loop')).done, true);
        const { transport } = await bench.side();
        await bench.rejects(
          transport.dial(address),
          'dial to a closed listener',
          'dial-timeout',
          'dial-failed',
        );
        const stream = await near.openStream();
        await stream.write(Buffer.from('still up'));
        assert.equal(textOf(await bench.read(await bench.next(far.streams(), 'the stream'))), 'still up');
      }),
  },
  {
    name: 'closing a transport closes its listeners and connections, and tells the peers',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { acceptor, listener, near, far, address } = await bench.link();
        const accepting = listener[Symbol.asyncIterator]().next();
        await bench.within(acceptor.transport.close(), 'close of the transport');
        await bench.within(acceptor.transport.close(), 'the second close of the transport');
        assert.equal((await bench.within(accepting, 'the accept loop')).done, true);
        const seen = await bench.within(near.closed, 'closed, at the dialler');
        assert.deepEqual([seen.code, seen.by], ['done', 'peer']);
        assert.equal((await bench.within(far.closed, 'closed')).by, 'us');
        await bench.rejects(
          acceptor.transport.dial(fixture.nobody),
          'dial by a closed transport',
          'connection-closed',
        );
        await bench.rejects(
          acceptor.transport.listen(fixture.listen),
          'listen by a closed transport',
          'connection-closed',
        );
        const successor = await bench.side();
        await bench.within(
          successor.transport.listen({ host: address.host, port: address.port }),
          'listen on the freed port',
        );
      }),
  },
  {
    name: 'leaves nothing of closed connections behind while their transports live on',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { dialler, listener, address, near, far } = await bench.link();
        const isGone = async (): Promise<void> => {
          for await (const connection of listener) await bench.within(connection.closed, 'closed');
        };
        void isGone();
        await near.close();
        await far.closed;
        const before = activeCount();
        for (let count = 0; count < 20; count += 1) {
          const connection = await bench.within(dialler.transport.dial(address), 'dial');
          const stream = await connection.openStream();
          await stream.write(patternBytes(1000, count));
          await connection.close();
        }
        await settleAt(before, fixture);
      }),
  },
  {
    name: 'leaves no socket and no timer behind',
    run: async (fixture) => {
      const before = activeCount();
      await Bench.use(fixture, async (bench) => {
        const { near, here, there } = await bench.stream();
        await here.write(patternBytes(100_000, 1));
        there.reset();
        await near.close();
        const { near: open } = await bench.link();
        await open.openStream();
      });
      await settleAt(before, fixture);
    },
  },
];
