import { createHash, randomFillSync } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { generateKeyPair } from '@icn/identity';
import { UdpProxy, type PathConditions } from '../src/conformance/index.js';
import { createQuicTransport, type Connection, type QuicLimits, type Stream } from '../src/index.js';
import { until } from './until.js';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

interface Ends {
  readonly client: Connection;
  readonly server: Connection;
  readonly proxy: UdpProxy;
  readonly closedCount: () => number;
}

/** Two proven ends, and the path between them. */
async function connect(
  conditions: Partial<PathConditions> = {},
  limits: Partial<QuicLimits> = {},
): Promise<Ends> {
  const [accepting, dialling] = [0, 1].map(() => createQuicTransport({ keyPair: generateKeyPair(), limits }));
  open.push(() => Promise.all([accepting?.close(), dialling?.close()]));
  const listener = await accepting!.listen({ host: '127.0.0.1', port: 0 });
  const proxy = await UdpProxy.to(listener.addresses[0]!.port, conditions);
  open.push(() => proxy.close());
  const accepted = listener[Symbol.asyncIterator]().next();
  const client = await dialling!.dial({ scheme: 'quic', host: '127.0.0.1', port: proxy.port });
  const server = (await accepted).value as Connection;
  let closedCount = 0;
  for (const { closed } of [client, server]) void closed.then(() => (closedCount += 1));
  return { client, server, proxy, closedCount: () => closedCount };
}

/** Sends `byteCount` random bytes one way; `during` sees how many the other end has. Both ends agree on what they were. */
async function transfer(
  from: Connection,
  to: Connection,
  byteCount: number,
  during: (received: number) => unknown = () => undefined,
): Promise<void> {
  const [sent, received] = [createHash('sha256'), createHash('sha256')];
  const stream = await from.openStream();
  const chunk = new Uint8Array(32_768);
  const sending = (async () => {
    for (let left = byteCount; left > 0; left -= chunk.length) {
      randomFillSync(chunk);
      sent.update(chunk.subarray(0, left));
      await stream.write(chunk.subarray(0, left));
    }
    await stream.end();
  })();
  let count = 0;
  const accepted = (await to.streams()[Symbol.asyncIterator]().next()).value as Stream;
  for (let bytes = await accepted.read(); bytes !== undefined; bytes = await accepted.read()) {
    received.update(bytes);
    count += bytes.length;
    await during(count);
  }
  await sending;
  expect(count).toBe(byteCount);
  expect(received.digest('hex')).toBe(sent.digest('hex'));
}

describe('a rough path', () => {
  it('brings all bytes in order through loss, reordering and duplication', async () => {
    const rough = { lossShare: 0.05, duplicateShare: 0.05, delayMs: 5, jitterMs: 5 };
    const { client, server, proxy, closedCount } = await connect(rough, { datagramBytesMax: 1_350 });
    await transfer(client, server, 1 << 20);
    await transfer(server, client, 1 << 20);
    expect(proxy.counts.lost).toBeGreaterThan(20);
    expect(proxy.counts.duplicated).toBeGreaterThan(20);
    expect(closedCount()).toBe(0);
  });
});

describe('a peer that moves', () => {
  it.each([
    ['who sends', (ends: Ends) => [ends.client, ends.server] as const],
    ['who receives', (ends: Ends) => [ends.server, ends.client] as const],
  ])('is followed 50 times in a transfer, and nothing is lost: %s', async (_, way) => {
    const ends = await connect({}, { connectionIdsMax: 2 });
    const [from, to] = way(ends);
    let rebindCount = 0;
    let portBefore = 0;
    const byteCount = 10_000_000;
    await transfer(from, to, byteCount, async (received) => {
      if (rebindCount === 50 || received < rebindCount * (byteCount / 100)) return;
      const { port } = ends.server.remoteAddress;
      // Whoever receives learns of a change by what comes; the next one waits for that, and what is read goes on.
      if (to === ends.server && port === portBefore) return;
      portBefore = port;
      rebindCount += 1;
      await ends.proxy.rebind();
    });
    expect(rebindCount).toBe(50);
    expect(ends.closedCount()).toBe(0);
  });

  /** Copies what the client sends to the server from a port of `host`; the copy overtakes the original, and so is the one that counts. */
  async function copyFrom(host: string, { proxy }: Ends): Promise<{ sent: number; heard: number[] }> {
    const copier = createSocket('udp4');
    open.push(() => copier.close());
    copier.bind(0, host);
    await once(copier, 'listening');
    const seen = { sent: 0, heard: [] as number[] };
    copier.on('message', (datagram) => seen.heard.push(datagram.length));
    proxy.conditions = { ...proxy.conditions, delayMs: 20 };
    proxy.onArrival = (datagram) => {
      copier.send(datagram, proxy.targetPort, '127.0.0.1');
      seen.sent += 1;
    };
    return seen;
  }

  it('is not followed to another host to which its packets were copied: only challenges go there', async () => {
    const ends = await connect();
    const before = ends.server.remoteAddress;
    const seen = await copyFrom('127.0.0.2', ends);
    await transfer(ends.client, ends.server, 500_000);
    await transfer(ends.server, ends.client, 500_000);
    expect(seen.sent).toBeGreaterThan(20);
    expect(ends.server.remoteAddress).toEqual(before);
    expect(seen.heard.length).toBeGreaterThan(0);
    expect(Math.max(...seen.heard)).toBeLessThanOrEqual(160);
    expect(seen.heard.length).toBeLessThan(seen.sent / 2);
  });

  it('is followed to another port to which its packets were copied, and no more when that does not answer', async () => {
    const ends = await connect();
    const before = ends.server.remoteAddress;
    const seen = await copyFrom('127.0.0.1', ends);
    await transfer(ends.client, ends.server, 500_000);
    await transfer(ends.server, ends.client, 500_000);
    expect(seen.sent).toBeGreaterThan(20);
    expect(ends.server.remoteAddress).toEqual(before);
    expect(ends.closedCount()).toBe(0);
  });

  it('is followed to another host once it has answered there', async () => {
    const ends = await connect();
    await transfer(ends.client, ends.server, 100_000);
    await ends.proxy.rebind('127.0.0.3');
    await transfer(ends.client, ends.server, 100_000);
    await until(
      () => ends.server.remoteAddress.host === '127.0.0.3',
      () => ends.server.remoteAddress,
    );
    await transfer(ends.server, ends.client, 100_000);
    expect(ends.closedCount()).toBe(0);
  });
});

describe('what a path carries', () => {
  it('is found out: this machine carries large datagrams', async () => {
    const { client, server, proxy } = await connect();
    await transfer(client, server, 1 << 20);
    expect(proxy.largestBytes).toBeGreaterThan(16_000);
  });

  it.each([1_350, 1_400, 1_452, 8_952])('is not exceeded for long where it is %d bytes', async (bytes) => {
    const { client, server, proxy } = await connect({ datagramBytesMax: bytes });
    await transfer(client, server, 200_000);
    const lostBefore = proxy.counts.lost;
    await until(
      () => proxy.largestBytes > bytes - 150 || bytes === 1_350,
      () => proxy.largestBytes,
      8_000,
    );
    await transfer(client, server, 200_000);
    // Probes alone: one for each size that is too large, of each side.
    expect(lostBefore).toBeLessThanOrEqual(10);
    expect(proxy.largestBytes).toBeLessThanOrEqual(bytes);
  });

  it('is found out again where it becomes less', async () => {
    const { client, server, proxy, closedCount } = await connect();
    await transfer(client, server, 1 << 20);
    proxy.conditions = { ...proxy.conditions, datagramBytesMax: 1_400 };
    await transfer(client, server, 1 << 20);
    expect(closedCount()).toBe(0);
  });
});
