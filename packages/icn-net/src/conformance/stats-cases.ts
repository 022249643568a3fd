import assert from 'node:assert/strict';
import type { Connection, ConnectionStats } from '../transport.js';
import type { ConformanceCase } from './fixture.js';
import { Bench, echoStreams, patternBytes } from './pair.js';

/** More than any handshake takes. */
const carriedBytes = 200_000;

function statsOf(connection: Connection): ConnectionStats | undefined {
  const stats = connection.stats?.();
  if (stats === undefined) return undefined;
  for (const [name, value] of Object.entries(stats) as readonly [string, number | undefined][])
    assert.ok(value === undefined || (Number.isFinite(value) && value >= 0), `${name} is a number from 0`);
  return stats;
}

/** Kept by adapters that count; to an adapter without `stats` they do not apply. */
export const statsCases: readonly ConformanceCase[] = [
  {
    name: 'counts at least the bytes that streams carry, each way, and tells of them after the end',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { near, far } = await bench.link();
        const before = statsOf(near);
        if (before === undefined) return;
        void echoStreams(far);
        const stream = await bench.within(near.openStream(), 'openStream');
        const reading = bench.readToEnd(stream);
        await bench.within(stream.write(patternBytes(carriedBytes, 5)), 'write');
        await bench.within(stream.end(), 'end');
        await reading;
        for (const connection of [near, far]) {
          const { bytesSent = 0, bytesReceived = 0 } = statsOf(connection) ?? {};
          const spare = connection === near ? before : { bytesSent: 0, bytesReceived: 0 };
          assert.ok(bytesSent - spare.bytesSent >= carriedBytes, `${bytesSent} bytes sent are too few`);
          assert.ok(
            bytesReceived - spare.bytesReceived >= carriedBytes,
            `${bytesReceived} received are too few`,
          );
          assert.ok(bytesSent < 2 * carriedBytes, `${bytesSent} bytes sent are too many`);
        }
        const last = statsOf(near);
        await bench.within(near.close(), 'close');
        assert.ok((statsOf(near)?.bytesSent ?? 0) >= (last?.bytesSent ?? 0), 'stats are kept after the end');
      }),
  },
];
