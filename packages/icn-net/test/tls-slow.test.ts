import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  CLOSE_CODES,
  certificateOf,
  createTlsTransport,
  type Connection,
  type Stream,
  type TlsLimits,
  type Transport,
} from '../src/index.js';
import { generateKeyPair } from '@icn/identity';
import { RawTlsClient, hello } from './raw-tls.js';
import { realClientHello } from './raw-tls-hello.js';
import { until } from './until.js';

let victim: Transport;
let friend: Transport;
let port = 0;
let accepted: Connection[] = [];
let sockets: Socket[] = [];

async function listen(limits: Partial<TlsLimits>): Promise<void> {
  victim = createTlsTransport({ keyPair: generateKeyPair(), limits });
  const listener = await victim.listen({ host: '127.0.0.1', port: 0 });
  port = listener.addresses[0]?.port ?? 0;
  void (async () => {
    for await (const connection of listener) accepted.push(connection);
  })();
}

beforeEach(() => {
  accepted = [];
  friend = createTlsTransport({ keyPair: generateKeyPair() });
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all([friend.close(), victim.close()]);
});

/** Linux answers for all of 127.0.0.0/8: an address is a source. */
async function connectFrom(host: string): Promise<Socket> {
  const socket = connectTcp({ host: '127.0.0.1', port, localAddress: host });
  socket.on('error', () => undefined).resume();
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

async function dialAsFriend(): Promise<Connection> {
  const count = accepted.length;
  const connection = await friend.dial({ scheme: 'tls', host: '127.0.0.1', port });
  await until(() => accepted.length === count + 1);
  return connection;
}

describe('a handshake over TLS', () => {
  it('of which a byte comes now and then ends at the deadline, as slow', async () => {
    await listen({ handshakeTimeoutMs: 400 });
    const bytes = await realClientHello();
    const socket = await connectFrom('127.0.0.1');
    for (let i = 0; i < bytes.length && !socket.closed; i += 1) {
      socket.write(bytes.subarray(i, i + 1));
      await delay(10);
    }
    expect(socket.bytesWritten).toBeLessThan(bytes.length);
    expect(victim.counters).toMatchObject({
      'handshake-slow': 1,
      'handshake-timeout': 0,
      'handshake-failed': 0,
    });
    await dialAsFriend();
  });

  it('that is whole, and followed by a hello of ours of which a byte comes now and then, ends there too', async () => {
    await listen({ handshakeTimeoutMs: 400 });
    const client = await RawTlsClient.dial(port, certificateOf(generateKeyPair()));
    const bytes = hello();
    for (let i = 0; i < bytes.length - 1 && !client.isClosed; i += 1) {
      client.send(bytes.subarray(i, i + 1));
      await delay(30);
    }
    await until(() => victim.counters['handshake-slow'] === 1);
    client.close();
    expect(accepted).toEqual([]);
  });

  it('of which nothing comes, from so many sources that all places are taken, ends as one of a silent peer', async () => {
    await listen({ handshakesMax: 16, handshakesPerSourceMax: 2, handshakeTimeoutMs: 500 });
    const connected = await dialAsFriend();
    for (let i = 0; i < 40; i += 1) await connectFrom(`127.0.1.${1 + (i >> 1)}`);
    await until(() => victim.counters['handshake-cap'] === 24);
    // Who is connected does not notice.
    const stream = await accepted[0]?.openStream();
    await stream?.write(Buffer.from('served'));
    const arrived = await connected.streams()[Symbol.asyncIterator]().next();
    expect(Buffer.from((await (arrived.value as Stream).read()) ?? []).toString()).toBe('served');
    expect(victim.counters).toMatchObject({ 'handshake-timeout': 0, 'handshake-source-cap': 0 });
    await until(() => victim.counters['handshake-timeout'] === 16);
    await dialAsFriend();
  });

  it('of which nothing comes gives its place to who comes next, once it is no longer young', async () => {
    await listen({ handshakesMax: 8, handshakePatienceMs: 100, handshakeTimeoutMs: 60_000 });
    for (let i = 0; i < 7; i += 1) await connectFrom(`127.0.1.${1 + i}`);
    // One that has finished TLS, and says no more.
    const silent = await RawTlsClient.dial(port, certificateOf(generateKeyPair()));
    await delay(150);
    for (let i = 0; i < 8; i += 1) await dialAsFriend();
    expect(victim.counters).toMatchObject({ 'handshake-displaced': 1, 'handshake-timeout': 0 });
    for (let i = 0; i < 8; i += 1) await connectFrom('127.0.1.9');
    await until(() => silent.isClosed);
    expect(silent.closed).toMatchObject({ code: CLOSE_CODES['too-many'] });
    expect(victim.counters).toMatchObject({ 'handshake-displaced': 8, 'handshake-timeout': 0 });
  });

  it('costs its source something that hanging up does not give back', async () => {
    await listen({ handshakesPerSourceBurst: 5, handshakesPerSourceRate: 0.001 });
    for (let i = 0; i < 5; i += 1) {
      (await connectFrom('127.0.1.1')).destroy();
      await until(() => victim.counters['handshake-failed'] === i + 1);
    }
    const late = await connectFrom('127.0.1.1');
    await until(() => late.closed);
    expect(victim.counters).toMatchObject({ 'handshake-source-budget': 1, 'handshake-failed': 5 });
    await dialAsFriend();
  });
});
