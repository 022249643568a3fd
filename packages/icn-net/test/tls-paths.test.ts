import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { generateKeyPair } from '@icn/identity';
import {
  certificateOf,
  createTlsTransport,
  type Address,
  type Connection,
  type Listener,
  type Stream,
  type TlsLimits,
  type Transport,
} from '../src/index.js';
import { Bench } from '../src/conformance/pair.js';
import { HELLO, PING, PONG, RawTlsClient, frame, hello } from './raw-tls.js';
import { until } from './until.js';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

function transport(limits: Partial<TlsLimits> = {}): Transport {
  const created = createTlsTransport({ keyPair: generateKeyPair(), limits });
  open.push(() => created.close());
  return created;
}

async function listen(
  limits: Partial<TlsLimits> = {},
  host = '127.0.0.1',
): Promise<{ listener: Listener; port: number }> {
  const listener = await transport(limits).listen({ host, port: 0 });
  return { listener, port: listener.addresses[0]?.port ?? 0 };
}

async function next<T>(values: AsyncIterable<T>): Promise<T> {
  const result = await values[Symbol.asyncIterator]().next();
  if (result.done === true) throw new Error('ended');
  return result.value;
}

function tls(host: string, port: number): Address {
  return { scheme: 'tls', host, port };
}

/** TCP in front of a port, which can go silent, change a byte or be far away. */
class Relay {
  port = 0;
  passes = true;
  flips = false;
  /** One way; to be set before anybody dials. */
  delayMs = 0;
  /** The most that was under way at once, in either direction. */
  underWayBytesMax = 0;
  readonly #server = createServer((near) => this.#join(near));
  readonly #sockets: Socket[] = [];
  readonly #target: number;

  constructor(target: number) {
    this.#target = target;
  }

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as AddressInfo).port;
    open.push(() => {
      for (const socket of this.#sockets) socket.destroy();
      this.#server.close();
    });
    return this;
  }

  #join(near: Socket): void {
    const far = connect(this.#target, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.push(from);
      from.on('error', () => {});
      let underWayBytes = 0;
      from.on('data', (bytes) => {
        const at = bytes.length - 1;
        if (this.flips) bytes[at] = (bytes[at] ?? 0) ^ 1;
        if (!this.passes) return;
        if (this.delayMs === 0) return void to.write(bytes);
        underWayBytes += bytes.length;
        this.underWayBytesMax = Math.max(this.underWayBytesMax, underWayBytes);
        setTimeout(() => {
          underWayBytes -= bytes.length;
          to.write(bytes);
        }, this.delayMs);
      });
      from.on('close', () => {
        if (this.passes) to.destroy();
      });
    }
  }
}

async function pair(
  limits: Partial<TlsLimits> = {},
  delayMs = 0,
): Promise<{ near: Connection; far: Connection; relay: Relay }> {
  const { listener, port } = await listen(limits);
  const relay = await new Relay(port).start();
  relay.delayMs = delayMs;
  const [near, far] = await Promise.all([
    transport(limits).dial(tls('127.0.0.1', relay.port)),
    next(listener),
  ]);
  return { near, far, relay };
}

describe('addresses', () => {
  it('a dual-stack listener is reached over IPv4 and IPv6, and shows the host as people write it', async () => {
    const { listener, port } = await listen({}, '::');
    expect(listener.addresses.map(({ host }) => host)).toEqual(expect.arrayContaining(['127.0.0.1', '::1']));
    for (const host of ['127.0.0.1', '::1']) {
      const near = await transport().dial(tls(host, port));
      const far = await next(listener);
      expect(near.remoteAddress).toEqual({ scheme: 'tls', host, port, did: near.remote });
      // Nobody can dial the port that a client comes from.
      expect(far.remoteAddress).toEqual({ scheme: 'tls', host, port: 0, did: far.remote });
    }
  });

  it('an IPv4 listener is not reached over IPv6', async () => {
    const { port } = await listen();
    await expect(transport().dial(tls('::1', port))).rejects.toMatchObject({ code: 'dial-failed' });
  });

  it('a name is resolved; port 0 and other schemes are not dialled', async () => {
    const { port } = await listen();
    await transport().dial(tls('localhost', port));
    for (const address of [tls('127.0.0.1', 0), { ...tls('127.0.0.1', port), scheme: 'quic' }]) {
      await expect(transport().dial(address)).rejects.toMatchObject({ code: 'address-invalid' });
    }
  });

  it('an address of another machine is not listened on', async () => {
    await expect(transport().listen({ host: '192.0.2.1', port: 0 })).rejects.toMatchObject({
      code: 'address-unavailable',
    });
  });
});

describe('a peer', () => {
  it('that falls silent is given up on both sides', async () => {
    const { near, far, relay } = await pair({ idleTimeoutMs: 300, keepAliveMs: 100 });
    relay.passes = false;
    const timeout = { code: 'timeout', by: 'network', text: 'nothing heard any more' };
    expect(await Promise.all([near.closed, far.closed])).toEqual([timeout, timeout]);
  });

  it('that only answers pings is kept', async () => {
    const { listener, port } = await listen({ idleTimeoutMs: 800, keepAliveMs: 160 });
    const client = await RawTlsClient.dial(port, certificateOf(generateKeyPair()));
    open.push(() => client.close());
    client.send(hello());
    await next(listener);
    let answered = 0;
    await until(() => {
      const pings = client.of(PING);
      for (; answered < pings.length; answered += 1)
        client.send(frame(PONG, 0, pings[answered]?.payload ?? Buffer.alloc(8)));
      // Twice as long as silence would have been borne.
      return client.isClosed || answered === 11;
    });
    expect(client.isClosed).toBe(false);
  });

  it('whose bytes were changed on the way is not listened to', async () => {
    const { near, far, relay } = await pair();
    const stream = await near.openStream();
    relay.flips = true;
    await stream.write(Buffer.from('one kilogram'));
    const reasons = await Promise.all([near.closed, far.closed]);
    expect(reasons).toMatchObject([
      { code: 'unknown', by: 'network' },
      { code: 'unknown', by: 'network' },
    ]);
    await expect(near.openStream()).rejects.toMatchObject({ code: 'connection-closed' });
  });

  it('that never reads does not hold up a close', async () => {
    const { listener, port } = await listen();
    const client = await RawTlsClient.dial(port, certificateOf(generateKeyPair()));
    open.push(() => client.close());
    client.send(hello(2 ** 31, 2 ** 31));
    const connection = await next(listener);
    await until(() => client.of(HELLO).length === 1);
    client.socket.pause();
    const stream = await connection.openStream();
    let writing: Promise<void>;
    do writing = stream.write(Buffer.alloc(1 << 20));
    while (!(await Bench.isPending(writing)));
    await Promise.all([
      expect(writing).rejects.toMatchObject({ code: 'connection-closed' }),
      connection.close({ code: 'too-many' }),
    ]);
    expect(await connection.closed).toMatchObject({ code: 'too-many', by: 'us' });
  });
});

describe('a dial', () => {
  it('ends with its signal, at whatever point', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const connected = once(silent, 'connection') as Promise<[Socket]>;
    const abort = new AbortController();
    const { port } = silent.address() as AddressInfo;
    const dialling = transport().dial(tls('127.0.0.1', port), { signal: abort.signal });
    const [socket] = await connected;
    const closed = once(socket.resume(), 'close');
    abort.abort();
    await expect(dialling).rejects.toMatchObject({ code: 'aborted' });
    await closed;
    silent.close();
  });

  it('ends when its transport closes', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const connected = once(silent, 'connection') as Promise<[Socket]>;
    const dialler = transport();
    const dialling = dialler.dial(tls('127.0.0.1', (silent.address() as AddressInfo).port));
    const [socket] = await connected;
    const closed = once(socket.resume(), 'close');
    await Promise.all([
      expect(dialling).rejects.toMatchObject({ code: 'connection-closed' }),
      dialler.close(),
      closed,
    ]);
    silent.close();
  });

  it('to one who says nothing fails in time, and says so', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const dialler = transport({ handshakeTimeoutMs: 150 });
    const dialling = dialler.dial(tls('127.0.0.1', (silent.address() as AddressInfo).port));
    await expect(dialling).rejects.toMatchObject({ code: 'dial-timeout' });
    expect(dialler.counters).toMatchObject({ 'handshake-timeout': 1 });
    silent.close();
  });
});

/** Fills the window of a stream, and leaves a write waiting. */
async function stall(stream: Stream, windowBytes: number): Promise<void> {
  await stream.write(Buffer.alloc(windowBytes));
  stream.write(Buffer.alloc(1)).catch(() => {});
}

describe('a long way', () => {
  const streamWindowBytes = 64 * 1024;

  /** How much was under way at once while 1 MiB went to a reader. */
  async function underWayBytes(streamWindowBytesMax: number): Promise<number> {
    const { near, far, relay } = await pair({ streamWindowBytes, streamWindowBytesMax }, 10);
    const stream = await near.openStream();
    const bytes = 1024 * 1024;
    const writing = stream.write(Buffer.alloc(bytes));
    const reader = await next(far.streams());
    for (let left = bytes; left > 0;) left -= (await reader.read())?.length ?? left;
    await writing;
    return relay.underWayBytesMax;
  }

  it('is filled by a window that grows', async () => {
    expect(await underWayBytes(1024 * 1024)).toBeGreaterThan(4 * streamWindowBytes);
  });

  it('is filled to no more than the window where it may not grow', async () => {
    expect(await underWayBytes(streamWindowBytes)).toBeLessThan(1.2 * streamWindowBytes);
  });
});

describe('readers who stop', () => {
  it('on bulk streams hold up bulk at the window of the connection, and never control', async () => {
    const streamWindowBytes = 64 * 1024;
    const { near, far } = await pair({ streamWindowBytes, connectionWindowBytes: 4 * streamWindowBytes });
    // A quarter of the window of the connection is for control: three bulk streams fill the rest.
    for (let i = 0; i < 3; i += 1) await stall(await near.openStream(), streamWindowBytes);
    const held = await near.openStream();
    let isHeld = true;
    const holding = held.write(Buffer.from('bulk')).then(() => (isHeld = false));
    const control = await near.openStream({ priority: 'control' });
    const streams: Stream[] = [];
    void (async () => {
      for await (const stream of far.streams()) streams.push(stream);
    })();
    for (let i = 0; i < 100; i += 1) {
      await control.write(Buffer.alloc(1000, i));
      await until(() => streams.length === 4);
      let length = 0;
      while (length < 1000) length += (await streams[3]?.read())?.length ?? Infinity;
    }
    expect(isHeld).toBe(true);
    expect(streams).toHaveLength(4);
    await streams[0]?.read();
    await streams[0]?.read();
    await holding;
    await until(() => streams.length === 5);
  });
});
