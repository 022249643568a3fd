// What a connection costs in datagrams and sockets: what is counted here, a benchmark sees as time.

import { generateKeyPair } from '@icn/identity';
import { afterEach, describe, expect, it } from '@jest/globals';

import { UdpProxy } from '../src/conformance/index.js';
import { createQuicTransport, defaultQuicLimits, type Connection, type Transport } from '../src/index.js';
import { until } from './until.js';

const { datagramBytes } = defaultQuicLimits;
const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

function transport(): Transport {
  const created = createQuicTransport({ keyPair: generateKeyPair() });
  open.push(() => created.close());
  return created;
}

/** A connection through a proxy that counts, to a node that sends everything back; who was accepted there, and more dials. */
async function connected() {
  const listener = await transport().listen({ host: '127.0.0.1', port: 0 });
  const accepted: Connection[] = [];
  void (async () => {
    for await (const connection of listener) {
      accepted.push(connection);
      void echoAll(connection);
    }
  })();
  const proxy = await UdpProxy.to(listener.addresses[0]!.port);
  open.push(() => proxy.close());
  const dialler = transport();
  const client = await dialler.dial({ scheme: 'quic', host: '127.0.0.1', port: proxy.port });
  return { client, proxy, accepted, dialler, listener };
}

async function echoAll(connection: Connection): Promise<void> {
  try {
    for await (const stream of connection.streams()) {
      for (let chunk = await stream.read(); chunk !== undefined; chunk = await stream.read())
        await stream.write(chunk);
      await stream.end();
    }
  } catch {
    // The test is over.
  }
}

async function readBytes(stream: { read(): Promise<Uint8Array | undefined> }, count: number): Promise<void> {
  for (let left = count; left > 0;) left -= (await stream.read())?.length ?? left;
}

describe('what a QUIC connection costs', () => {
  it('an answer travels with the acknowledgement of its question', async () => {
    const { client, proxy } = await connected();
    const stream = await client.openStream();
    const roundTrip = async (): Promise<void> => {
      await stream.write(Buffer.alloc(64));
      await readBytes(stream, 64);
    };
    await roundTrip();
    const before = proxy.counts.passed;
    for (let i = 0; i < 100; i += 1) await roundTrip();
    // Two each, and a few for what quiche says besides.
    expect(proxy.counts.passed - before).toBeLessThan(250);
  });

  it('who says little sends nothing large; who says much soon does', async () => {
    const { client, proxy } = await connected();
    const stream = await client.openStream();
    for (let i = 0; i < 20; i += 1) {
      await stream.write(Buffer.alloc(64));
      await readBytes(stream, 64);
    }
    expect(proxy.largestBytes).toBeLessThanOrEqual(datagramBytes);
    const bytes = 100 * datagramBytes;
    const reading = readBytes(stream, bytes);
    await stream.write(Buffer.alloc(bytes));
    await reading;
    await until(() => proxy.largestBytes > datagramBytes);
  });

  it('all that a node dials goes by one socket, as long as there is a connection on it', async () => {
    const { accepted, dialler, listener } = await connected();
    const [address] = listener.addresses;
    const second = await dialler.dial({ scheme: 'quic', host: '127.0.0.1', port: address!.port });
    const third = await dialler.dial({ scheme: 'quic', host: '127.0.0.1', port: address!.port });
    await until(() => accepted.length === 3);
    const ports = accepted.map(({ remoteAddress }) => remoteAddress.port);
    // The first one comes by the proxy's.
    expect(ports[1]).toBe(ports[2]);
    await Promise.all([second.close(), third.close()]);
  });
});
