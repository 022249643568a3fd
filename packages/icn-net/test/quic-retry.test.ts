import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import quiche from '@matrixai/quic/native/quiche.js';
import fc from 'fast-check';
import { generateKeyPair } from '@icn/identity';
import { createQuicTransport, type Connection, type QuicLimits, type Transport } from '../src/index.js';
import { AddressTokens } from '../src/quic/address-token.js';
import { parseInitialToken, parsePacketHeader } from '../src/quic/packet-header.js';
import { Stranger } from './stranger.js';
import { until } from './until.js';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

interface Victim {
  readonly transport: Transport;
  readonly port: number;
  readonly handedOver: Connection[];
  /** How many connections quiche was asked to keep for strangers. */
  readonly acceptCount: () => number;
}

async function victim(limits: Partial<QuicLimits> = {}): Promise<Victim> {
  let acceptCount = 0;
  const accept: typeof quiche.Connection.accept = (...options) => {
    acceptCount += 1;
    return quiche.Connection.accept(...options);
  };
  const connect: typeof quiche.Connection.connect = (...options) => quiche.Connection.connect(...options);
  const counting = { ...quiche, Connection: { connect, accept } };
  const transport = createQuicTransport({
    keyPair: generateKeyPair(),
    limits,
    native: { load: () => Promise.resolve({ default: counting }) },
  });
  open.push(() => transport.close());
  const listener = await transport.listen({ host: '127.0.0.1', port: 0 });
  const handedOver: Connection[] = [];
  void (async () => {
    for await (const connection of listener) handedOver.push(connection);
  })();
  const port = listener.addresses[0]?.port ?? 0;
  return { transport, port, handedOver, acceptCount: () => acceptCount };
}

async function stranger(host: string, port: number): Promise<Stranger> {
  const client = await Stranger.at(host, port);
  open.push(() => client.close());
  return client;
}

/** Begins one handshake from each of so many addresses, and leaves it at that. */
async function flood(port: number, count: number): Promise<Stranger[]> {
  const strangers: Stranger[] = [];
  for (let i = 0; i < count; i += 1) {
    const client = await stranger(`127.0.${1 + (i >> 7)}.${1 + (i & 0x7f)}`, port);
    client.send(...client.next());
    strangers.push(client);
  }
  return strangers;
}

async function dial(port: number, limits: Partial<QuicLimits> = {}): Promise<void> {
  const transport = createQuicTransport({ keyPair: generateKeyPair(), limits });
  open.push(() => transport.close());
  await transport.dial({ scheme: 'quic', host: '127.0.0.1', port });
}

const isRetry = (datagram: Buffer): boolean => (datagram[0] ?? 0) >> 4 === 0b1111;

describe('Retry', () => {
  it('lets an honest dialler in while forged first datagrams take every place that they can', async () => {
    const { transport, port, handedOver, acceptCount } = await victim({ handshakesMax: 8 });
    const forged = await flood(port, 100);
    await until(() => transport.counters['retry-sent'] === 96);
    expect(acceptCount()).toBe(4);
    await dial(port);
    await until(() => handedOver.length === 1);
    expect(transport.counters).toMatchObject({ 'retry-sent': 97, 'token-invalid': 0, 'handshake-cap': 0 });
    expect(acceptCount()).toBe(5);
    await until(() => forged.filter(({ heard }) => heard.some(isRetry)).length === 96);
  });

  it('is not sent without a flood: no round trip more', async () => {
    const { transport, port, handedOver } = await victim();
    for (let i = 0; i < 20; i += 1) await dial(port);
    await until(() => handedOver.length === 20);
    expect(transport.counters).toMatchObject({ 'retry-sent': 0, 'token-invalid': 0 });
  });

  it('lets an honest dialler in whose own address is forged, and whose budget was drawn on', async () => {
    const { transport, port, handedOver } = await victim({
      handshakesPerSourceMax: 4,
      handshakesPerSourceBurst: 10,
      handshakesPerSourceRate: 0.001,
      handshakeTimeoutMs: 300,
    });
    for (let i = 0; i < 40; i += 1) {
      const forged = await stranger('127.0.0.1', port);
      forged.send(...forged.next());
      // A new one takes the place of one that is over its deadline, until half of the budget is spent.
      if (i % 10 === 9)
        await until(() => transport.counters['handshake-timeout'] === Math.min(5, (i + 1) / 5));
    }
    await until(() => transport.counters['retry-sent'] === 35);
    for (let i = 0; i < 5; i += 1) await dial(port);
    await until(() => handedOver.length === 5);
    await expect(dial(port, { handshakeTimeoutMs: 200 })).rejects.toMatchObject({ code: 'dial-timeout' });
    expect(transport.counters['handshake-source-budget']).toBeGreaterThan(0);
  }, 30_000);

  it('keeps nothing, and is answered by far less than was asked with', async () => {
    const { transport, port, acceptCount } = await victim({ unvalidatedShare: 0 });
    const client = await stranger('127.0.1.1', port);
    const [initial] = client.next();
    if (initial === undefined) throw new Error('no datagram');
    for (let i = 0; i < 300; i += 1) client.send(initial);
    await until(() => client.heard.length === 300);
    expect(client.heard.every((answer) => isRetry(answer) && answer.length * 10 < initial.length)).toBe(true);
    expect(transport.counters['retry-sent']).toBe(300);
    expect(acceptCount()).toBe(0);
  });
});

describe('strangers who receive at their address, and stop there', () => {
  it('are capped per source and in all, end at the deadline, and leave room for others', async () => {
    const { transport, port, handedOver } = await victim({
      handshakesMax: 6,
      handshakesPerSourceMax: 4,
      handshakeTimeoutMs: 600,
      unvalidatedShare: 0,
    });
    for (const host of ['127.0.1.1', '127.0.1.2']) {
      for (let i = 0; i < 5; i += 1) {
        const client = await stranger(host, port);
        client.send(...client.next());
        await until(() => client.heard.length === 1);
        client.take(client.heard[0] ?? Buffer.alloc(0));
        client.send(...client.next());
      }
    }
    await until(
      () => transport.counters['handshake-source-cap'] === 1 && transport.counters['handshake-cap'] === 3,
      () => transport.counters,
    );
    await until(() => transport.counters['handshake-timeout'] === 6);
    await dial(port);
    await until(() => handedOver.length === 1);
  });
});

describe('strangers who fill every place from many addresses at which they receive', () => {
  it('give way to who comes next, once they are no longer young', async () => {
    const { transport, port, handedOver } = await victim({
      handshakesMax: 8,
      handshakePatienceMs: 100,
      handshakeTimeoutMs: 60_000,
      unvalidatedShare: 0,
    });
    for (let i = 0; i < 8; i += 1) {
      const client = await stranger(`127.0.1.${1 + i}`, port);
      client.send(...client.next());
      await until(() => client.heard.length === 1);
      client.take(client.heard[0] ?? Buffer.alloc(0));
      client.send(...client.next());
    }
    // Whoever comes early is heard when it says the same again.
    await dial(port);
    await until(() => handedOver.length === 1);
    expect(transport.counters).toMatchObject({ 'handshake-displaced': 1, 'handshake-timeout': 0 });
  });
});

describe('a token', () => {
  it('is good for who received it alone: another address gets a Retry of its own', async () => {
    const { transport, port, acceptCount } = await victim({ unvalidatedShare: 0 });
    const client = await stranger('127.0.1.1', port);
    client.send(...client.next());
    await until(() => client.heard.length === 1);
    client.take(client.heard[0] ?? Buffer.alloc(0));
    const withToken = client.next();
    const thief = await stranger('127.0.1.2', port);
    thief.send(...withToken);
    await until(() => thief.heard.length === 1);
    expect(thief.heard.every(isRetry)).toBe(true);
    expect(transport.counters).toMatchObject({ 'token-invalid': 1, 'retry-sent': 2 });
    expect(acceptCount()).toBe(0);
    client.send(...withToken);
    await until(() => client.heard.length > 1);
    for (const datagram of client.heard.slice(1)) client.take(datagram);
    expect(acceptCount()).toBe(1);
    await until(() => {
      for (const datagram of client.heard.splice(0)) if (!isRetry(datagram)) client.take(datagram);
      return client.isEstablished;
    });
  });

  it('that cannot be good is as none', async () => {
    const { transport, port, acceptCount } = await victim();
    const client = await stranger('127.0.1.1', port);
    const [initial = Buffer.alloc(0)] = client.next();
    const header = parsePacketHeader(initial);
    const at = header?.sourceEnd ?? 0;
    // The place of a token is not encrypted, though covered by the checksum: quiche will not take this datagram.
    const forged = Buffer.concat([
      initial.subarray(0, at),
      Uint8Array.of(32),
      randomBytes(32),
      initial.subarray(at + 1),
    ]);
    client.send(forged);
    await until(() => transport.counters['initial-undecryptable'] === 1);
    expect(transport.counters).toMatchObject({ 'token-invalid': 1, 'retry-sent': 0 });
    const endless = Buffer.from(initial);
    endless.fill(0xff, at, at + 8);
    client.send(endless);
    await until(() => transport.counters['initial-malformed'] === 1);
    expect(acceptCount()).toBe(1);
  });

  it('is opened where and when it is good, and nowhere else, whatever is changed of it', () => {
    const tokens = new AddressTokens(1000);
    const at = { host: '192.0.2.1', port: 4321 };
    const [originalId, retryId] = [randomBytes(16), randomBytes(16)];
    const token = tokens.create(at, { originalId, retryId, createdAtMs: 5000.7 });
    expect(tokens.open(token, at, retryId, 5001)).toEqual(originalId);
    expect(tokens.open(token, at, retryId, 6000)).toEqual(originalId);
    expect(tokens.open(token, at, retryId, 6001)).toBeUndefined();
    expect(tokens.open(token, { ...at, port: 4322 }, retryId, 5001)).toBeUndefined();
    expect(tokens.open(token, { ...at, host: '192.0.2.2' }, retryId, 5001)).toBeUndefined();
    expect(tokens.open(token, at, randomBytes(16), 5001)).toBeUndefined();
    expect(new AddressTokens(1000).open(token, at, retryId, 5001)).toBeUndefined();
    for (let length = 0; length < token.length; length += 1)
      expect(tokens.open(token.subarray(0, length), at, retryId, 5001)).toBeUndefined();
    for (let bit = 0; bit < 8 * token.length; bit += 1) {
      const changed = Buffer.from(token);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(tokens.open(changed, at, retryId, 5001)).toBeUndefined();
    }
    for (let length = 0; length < 100; length += 1)
      expect(tokens.open(randomBytes(length), at, retryId, 5001)).toBeUndefined();
  });

  it('is read from a header in each way to write its length, and never beyond the datagram', () => {
    const head = Buffer.from([0xc3, 0, 0, 0, 1, 2, 0xaa, 0xbb, 1, 7]);
    const read = (...tail: number[]): Buffer | undefined => {
      const datagram = Buffer.concat([head, Uint8Array.from(tail)]);
      const header = parsePacketHeader(datagram);
      return header === undefined ? undefined : parseInitialToken(datagram, header);
    };
    expect(read(0, 9)).toEqual(Buffer.alloc(0));
    expect(read(2, 8, 9, 1)).toEqual(Buffer.from([8, 9]));
    expect(read(0x40, 2, 8, 9)).toEqual(Buffer.from([8, 9]));
    expect(read(0x80, 0, 0, 2, 8, 9)).toEqual(Buffer.from([8, 9]));
    expect(read(0xc0, 0, 0, 0, 0, 0, 0, 2, 8, 9)).toEqual(Buffer.from([8, 9]));
    for (const cut of [
      [],
      [3, 8, 9],
      [0x40],
      [0x40, 3, 8, 9],
      [0x80, 0, 0],
      [0xff, 255, 255, 255, 255, 255, 255],
    ])
      expect(read(...cut)).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (tail) => {
        const token = read(...tail);
        expect(token === undefined || token.length < tail.length).toBe(true);
      }),
    );
  });
});
