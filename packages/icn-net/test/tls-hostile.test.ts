import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { generateKeyPair } from '@icn/identity';
import {
  CLOSE_CODES,
  certificateOf,
  createTlsTransport,
  type Connection,
  type Stream,
  type Transport,
} from '../src/index.js';
import {
  CONNECTION_ROOM,
  DATA,
  END,
  HELLO,
  PING,
  PLACES,
  PONG,
  RESET,
  RawTlsClient,
  STREAM_ROOM,
  frame,
  hello,
  u32,
} from './raw-tls.js';
import { realClientHello } from './raw-tls-hello.js';
import { until } from './until.js';

const limits = {
  handshakeTimeoutMs: 800,
  streamWindowBytes: 64 * 1024,
  connectionWindowBytes: 256 * 1024,
  peerStreamsMax: 10,
};
const victim = createTlsTransport({ keyPair: generateKeyPair(), limits });
const friend = createTlsTransport({ keyPair: generateKeyPair() });
const accepted: Connection[] = [];
let port = 0;
let honest: Stream;

beforeAll(async () => {
  const listener = await victim.listen({ host: '127.0.0.1', port: 0 });
  port = listener.addresses[0]?.port ?? 0;
  void (async () => {
    for await (const connection of listener) accepted.push(connection);
  })();
  honest = await (await friend.dial({ scheme: 'tls', host: '127.0.0.1', port })).openStream();
  await until(() => accepted.length === 1);
  void (async () => {
    for await (const stream of accepted[0]?.streams() ?? []) void echo(stream);
  })();
});

afterAll(() => Promise.all([friend.close(), victim.close()]));

const open: (() => unknown)[] = [];
afterEach(async () => {
  if (!(await isServed())) throw new Error('the honest peer is not served');
  for (const close of open.splice(0).reverse()) await close();
});

async function echo(stream: Stream): Promise<void> {
  try {
    for (let chunk = await stream.read(); chunk !== undefined; chunk = await stream.read())
      await stream.write(chunk);
  } catch {
    // The tests are over.
  }
}

async function next(streams: AsyncIterable<Stream>): Promise<Stream> {
  const arrived = await streams[Symbol.asyncIterator]().next();
  if (arrived.done === true) throw new Error('no stream');
  return arrived.value;
}

/** One round trip of the honest peer. */
async function isServed(): Promise<boolean> {
  const asked = randomBytes(100);
  await honest.write(asked);
  return asked.equals((await honest.read()) ?? Buffer.alloc(0));
}

/** A proven peer, and the connection that the victim has to it; nobody reads its streams. */
async function proven(): Promise<{ client: RawTlsClient; connection: Connection }> {
  const client = await RawTlsClient.dial(port, certificateOf(generateKeyPair()));
  open.push(() => client.close());
  const count = accepted.length;
  client.send(hello());
  await until(() => accepted.length === count + 1 && client.of(HELLO).length === 1);
  const connection = accepted.at(-1);
  if (connection === undefined) throw new Error('not accepted');
  return { client, connection };
}

const bytes = (length: number): Buffer => Buffer.alloc(length, 7);
/** So much data on a stream, in frames. */
const fill = (stream: number, length: number): Buffer =>
  Buffer.concat(
    Array.from({ length: Math.ceil(length / 16_000) }, (_, i) =>
      frame(DATA, stream, bytes(Math.min(16_000, length - i * 16_000))),
    ),
  );
const windowBytes = limits.streamWindowBytes;
const opened = frame(DATA, 0, bytes(1));

describe('a proven peer that breaks a rule of the framing', () => {
  it.each<[string, Buffer, string]>([
    ['a frame longer than allowed', frame(DATA, 0, bytes(0), 16_376), 'a frame of type 1 with 16376 bytes'],
    ['an empty data frame', frame(DATA, 0), 'a frame of type 1 with 0 bytes'],
    ['an end with a payload', frame(END, 0, bytes(1)), 'a frame of type 2 with 1 bytes'],
    ['an unknown frame type', frame(10), 'unknown frame type 10'],
    ['a ping for a stream', frame(PING, 4, bytes(8)), 'a frame of type 7 for stream 4'],
    ['a second hello', hello(), 'a second hello'],
    ['data for a stream after the next', frame(DATA, 2, bytes(1)), 'stream 2, which is not open'],
    ['data for a stream that we never opened', frame(DATA, 1, bytes(1)), 'stream 1, which is not open'],
    ['room for a stream that is not', frame(STREAM_ROOM, 0, u32(1)), 'stream 0, which is not open'],
    ['a reset of a stream that is not', frame(RESET, 0), 'stream 0, which is not open'],
    ['data after the end', Buffer.concat([opened, frame(END, 0), opened]), 'data after the end of stream 0'],
    ['a second end', Buffer.concat([opened, frame(END, 0), frame(END, 0)]), 'a second end of stream 0'],
    ['data after a reset', Buffer.concat([opened, frame(RESET, 0), opened]), 'stream 0, which is not open'],
    ['more than the stream window', fill(0, windowBytes + 1), 'more than the window of stream 0'],
    [
      'more than the window of the connection',
      Buffer.concat([0, 2, 4, 6, 8].map((stream) => fill(stream, windowBytes - 1))),
      'more than the window of the connection',
    ],
    [
      'more streams than there are places',
      Buffer.concat(Array.from({ length: 11 }, (_, i) => frame(END, 2 * i))),
      'more streams than there are places',
    ],
    ['no room', Buffer.concat([opened, frame(STREAM_ROOM, 0, u32(0))]), 'room of stream 0 out of bounds'],
    ['room beyond 2^32', frame(CONNECTION_ROOM, 0, u32(2 ** 32 - 1)), 'room of the connection out of bounds'],
    ['places beyond 2^32', frame(PLACES, 0, u32(2 ** 32 - 1)), 'places out of bounds'],
  ])('is told so: %s', async (_name, sent, text) => {
    const before = victim.counters['frame-refused'] ?? 0;
    const { client, connection } = await proven();
    client.send(sent);
    await until(() => client.isClosed);
    expect(client.closed).toMatchObject({ code: CLOSE_CODES['protocol-error'] });
    expect(client.closed?.text).toContain(text);
    expect(await connection.closed).toMatchObject({ code: 'protocol-error', by: 'us' });
    expect(victim.counters['frame-refused']).toBe(before + 1);
  });

  it('and one that goes to the limits is not', async () => {
    const { client, connection } = await proven();
    client.send(
      // The whole window of the connection, in streams that end, and the longest frame.
      frame(DATA, 0, bytes(16_375)),
      ...[0, 2, 4, 6].map((stream) => fill(stream, windowBytes - (stream === 0 ? 16_375 : 0))),
      ...[8, 10, 12, 14, 16, 18].map((stream) => frame(END, stream)),
      // What a peer may still say of a stream before it hears that it is over.
      frame(END, 0),
      frame(STREAM_ROOM, 0, u32(5)),
      frame(RESET, 0),
      frame(PONG, 0, bytes(8)),
      frame(PING, 0, bytes(8)),
    );
    await until(() => client.of(PONG).length === 1);
    const seen: number[] = [];
    for (let i = 0; i < 9; i += 1) {
      const stream = await next(connection.streams());
      let length = 0;
      if (i < 3) while (length < windowBytes) length += (await stream.read())?.length ?? Infinity;
      else expect(await stream.read()).toBeUndefined();
      seen.push(length);
    }
    // The stream that was reset before anybody took it is not among them.
    expect(seen).toEqual([windowBytes, windowBytes, windowBytes, 0, 0, 0, 0, 0, 0]);
    expect(client.isClosed).toBe(false);
  });
});

describe('floods', () => {
  it('of streams that are opened and reset leave nothing behind', async () => {
    const { client, connection } = await proven();
    const count = 3000;
    for (let sent = 0; sent < count;) {
      const freed = client.of(PLACES).reduce((sum, { payload }) => sum + payload.readUInt32BE(), 0);
      const round = Math.min(count, limits.peerStreamsMax + freed) - sent;
      client.send(
        ...Array.from({ length: round }, (_, i) => [
          frame(DATA, 2 * (sent + i), bytes(10)),
          frame(RESET, 2 * (sent + i)),
        ]).flat(),
      );
      sent += round;
      await until(() => client.of(RESET).length === sent);
    }
    client.send(frame(DATA, 2 * count, Buffer.from('alive')));
    const first = await next(connection.streams());
    expect(Buffer.from((await first.read()) ?? []).toString()).toBe('alive');
  }, 20_000);

  it('of pings are answered now and then, the newest always', async () => {
    const { client } = await proven();
    const ping = (i: number): Buffer => frame(PING, 0, Buffer.concat([u32(0), u32(i)]));
    for (let i = 0; i < 100; i += 1)
      client.send(...Array.from({ length: 1000 }, (_, j) => ping(i * 1000 + j)));
    await until(() => client.of(PONG).at(-1)?.payload.readUInt32BE(4) === 99_999);
    expect(client.of(PONG).length).toBeLessThan(10_000);
  });

  it('of small frames cost no connection', async () => {
    const { client } = await proven();
    client.send(
      ...Array.from({ length: 50_000 }, () => frame(CONNECTION_ROOM, 0, u32(1))),
      frame(PING, 0, bytes(8)),
    );
    await until(() => client.of(PONG).length === 1);
    expect(client.isClosed).toBe(false);
  });
});

const endings = ['handshake-failed', 'handshake-timeout', 'handshake-slow', 'alpn-mismatch'];

function unproven({ counters }: Transport): number {
  return endings.reduce((sum, name) => sum + (counters[name] ?? 0), 0);
}

/** Connects, says something and hangs up; resolves when the other side has hung up too. */
async function say(bytes: Buffer): Promise<void> {
  const socket = connectTcp(port, '127.0.0.1');
  socket.on('error', () => {}).resume();
  socket.end(bytes);
  await once(socket, 'close').catch(() => {});
}

describe('strangers', () => {
  it('that do not speak TLS are counted, each of them', async () => {
    const before = unproven(victim);
    const words = [
      Buffer.alloc(0),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.from('160301ffff', 'hex'),
      ...Array.from({ length: 50 }, () => randomBytes(randomInt(1, 2000))),
    ];
    for (const bytes of words) await say(bytes);
    await until(
      () => unproven(victim) === before + words.length,
      () => victim.counters,
    );
  });

  it('with 300 mutated first messages of real handshakes get nowhere', async () => {
    const helloBytes = await realClientHello();
    const before = unproven(victim);
    for (let i = 0; i < 300; i += 1) {
      const mutated = Buffer.from(helloBytes);
      for (let change = 0; change <= i % 3; change += 1)
        mutated[randomInt(0, mutated.length)] = randomInt(0, 256);
      await say(mutated);
    }
    await until(
      () => unproven(victim) === before + 300,
      () => victim.counters,
    );
  }, 20_000);

  it('that say nothing are capped per source, end at the deadline, and leave room for others', async () => {
    const capsBefore = victim.counters['handshake-source-cap'] ?? 0;
    const timeoutsBefore = victim.counters['handshake-timeout'] ?? 0;
    const sockets = Array.from({ length: 30 }, () => connectTcp(port, '127.0.0.1').on('error', () => {}));
    const closed = sockets.map((socket) => once(socket.resume(), 'close'));
    await until(() => victim.counters['handshake-source-cap'] === capsBefore + 30 - 8);
    await expect(friend.dial({ scheme: 'tls', host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'dial-failed',
    });
    await until(() => victim.counters['handshake-timeout'] === timeoutsBefore + 8);
    await Promise.all(closed);
    const late = await friend.dial({ scheme: 'tls', host: '127.0.0.1', port });
    await late.close();
  });

  it('are capped in all', async () => {
    const keyPair = generateKeyPair();
    const small = createTlsTransport({ keyPair, limits: { handshakesMax: 2, handshakeTimeoutMs: 20_000 } });
    open.push(() => small.close());
    const [address] = (await small.listen({ host: '127.0.0.1', port: 0 })).addresses;
    for (let i = 0; i < 5; i += 1) {
      const socket = connectTcp(address?.port ?? 0, '127.0.0.1').on('error', () => {});
      open.push(() => socket.destroy());
    }
    await until(() => small.counters['handshake-cap'] === 3);
    expect(small.counters['handshake-source-cap']).toBe(0);
  });
});
