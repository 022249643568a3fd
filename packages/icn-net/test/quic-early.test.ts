import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { generateKeyPair, type Did, type KeyPair } from '@icn/identity';
import { UdpProxy } from '../src/conformance/index.js';
import {
  createQuicTransport,
  earlyBytesMax,
  type CloseCode,
  type Connection,
  type Stream,
  type Transport,
} from '../src/index.js';
import { Tickets, type Ticket } from '../src/quic/tickets.js';
import { until } from './until.js';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

interface Server {
  readonly did: Did;
  readonly port: number;
  readonly transport: Transport;
  readonly accepted: Connection[];
  readonly asked: [from: Did, question: string, acceptedCount: number][];
}

interface ServerOptions {
  readonly keyPair?: KeyPair;
  readonly port?: number;
  readonly admit?: () => CloseCode | undefined;
  readonly answer?: (question: string) => string | undefined;
}

/** Answers early questions with what they say, in capitals. */
async function serve(options: ServerOptions = {}): Promise<Server> {
  const { keyPair = generateKeyPair(), port = 0, answer = (text: string) => text.toUpperCase() } = options;
  const accepted: Connection[] = [];
  const asked: Server['asked'] = [];
  const transport = createQuicTransport({
    keyPair,
    admit: () => options.admit?.(),
    answerEarly: (from, question) => {
      const text = Buffer.from(question).toString();
      asked.push([from, text, accepted.length]);
      const answered = answer(text);
      return answered === undefined ? undefined : Buffer.from(answered);
    },
  });
  open.push(() => transport.close());
  const listener = await transport.listen({ host: '127.0.0.1', port });
  void (async () => {
    for await (const connection of listener) accepted.push(connection);
  })();
  return { did: keyPair.did, port: listener.addresses[0]!.port, transport, accepted, asked };
}

function client(): { transport: Transport; did: Did } {
  const keyPair = generateKeyPair();
  const transport = createQuicTransport({ keyPair });
  open.push(() => transport.close());
  return { transport, did: keyPair.did };
}

interface Asked {
  readonly connection: Connection;
  readonly answers: string[];
  /** How many of them had come when the connection was open. */
  readonly early: number;
}

/** Dials, asks, and sees what was answered until a stream was carried there and back. */
async function ask(from: Transport, to: Server, text: string, port = to.port): Promise<Asked> {
  const answers: string[] = [];
  const connection = await from.dial(
    { scheme: 'quic', host: '127.0.0.1', port },
    {
      expect: to.did,
      early: {
        ask: () => Buffer.from(text),
        onAnswer: (answer) => answers.push(Buffer.from(answer).toString()),
      },
    },
  );
  const early = answers.length;
  const stream = await connection.openStream();
  await stream.write(Uint8Array.of(1));
  await until(() => to.accepted.length > 0);
  const { value: there } = (await to.accepted.at(-1)!.streams()[Symbol.asyncIterator]().next()) as {
    value: Stream;
  };
  await there.write((await there.read()) ?? new Uint8Array(0));
  await stream.read();
  return { connection, answers, early };
}

async function end({ connection }: Asked, server: Server): Promise<void> {
  await connection.close();
  await server.accepted.at(-1)?.closed;
}

describe('an early question', () => {
  it('is asked and answered before a resumed connection is open, again and again; not at the first meeting', async () => {
    const [server, { transport, did }] = [await serve(), client()];
    const first = await ask(transport, server, 'who are you');
    expect(first.answers).toEqual([]);
    expect(server.asked).toEqual([]);
    await end(first, server);
    for (const [index, text] of ['and now', 'and again'].entries()) {
      const resumed = await ask(transport, server, text);
      expect(resumed.answers).toEqual([text.toUpperCase()]);
      expect(resumed.early).toBe(1);
      // The other side had not seen the end of the handshake when it answered.
      expect(server.asked[index]).toEqual([did, text, index + 1]);
      expect(resumed.connection.remote).toBe(server.did);
      await end(resumed, server);
    }
  });

  it.each([
    ['by a peer that gives no answer', 'unknown', () => undefined],
    ['by an answer that does not fit', 'known', () => 'x'.repeat(2_000)],
  ])('may stay without an answer: %s', async (_, text, answer) => {
    const [server, { transport }] = [await serve({ answer }), client()];
    await end(await ask(transport, server, ''), server);
    const resumed = await ask(transport, server, text);
    expect(server.asked).toHaveLength(1);
    expect(resumed.answers).toEqual([]);
  });

  it('is not asked where it is too long', async () => {
    const [server, { transport }] = [await serve(), client()];
    await end(await ask(transport, server, ''), server);
    await ask(transport, server, 'x'.repeat(earlyBytesMax + 1));
    expect(server.asked).toEqual([]);
  });

  it('is not asked of an address without a DID, and a ticket does not go to another', async () => {
    const [server, other, { transport }] = [await serve(), await serve(), client()];
    await end(await ask(transport, server, ''), server);
    const early = { ask: () => Buffer.from('anybody'), onAnswer: () => undefined };
    await transport.dial({ scheme: 'quic', host: '127.0.0.1', port: server.port }, { early });
    await ask(transport, other, 'you too');
    expect([...server.asked, ...other.asked]).toEqual([]);
  });

  it('is lost on a peer that has restarted, and the connection is made all the same', async () => {
    const keyPair = generateKeyPair();
    const [server, { transport }] = [await serve({ keyPair }), client()];
    await end(await ask(transport, server, ''), server);
    await server.transport.close();
    const restarted = await serve({ keyPair, port: server.port });
    const met = await ask(transport, restarted, 'do you remember');
    expect(restarted.asked).toEqual([]);
    expect(met.connection.remote).toBe(server.did);
    await end(met, restarted);
    expect((await ask(transport, restarted, 'now')).answers).toEqual(['NOW']);
  });

  it('is not answered to who is refused', async () => {
    let verdict: CloseCode | undefined;
    const [server, { transport }] = [await serve({ admit: () => verdict }), client()];
    await end(await ask(transport, server, ''), server);
    verdict = 'blocked';
    const answers: unknown[] = [];
    const early = {
      ask: () => Buffer.from('let me in'),
      onAnswer: (answer: Uint8Array) => answers.push(answer),
    };
    const address = { scheme: 'quic', host: '127.0.0.1', port: server.port };
    await expect(transport.dial(address, { expect: server.did, early })).rejects.toMatchObject({
      reason: { code: 'blocked' },
    });
    expect([answers, server.asked]).toEqual([[], []]);
  });

  it('that is replayed is answered by what changes nothing, and nobody gets a connection of it', async () => {
    const [server, { transport }] = [await serve(), client()];
    const proxy = await UdpProxy.to(server.port);
    open.push(() => proxy.close());
    await end(await ask(transport, server, '', proxy.port), server);
    const flight: Buffer[] = [];
    proxy.onArrival = (datagram) => flight.push(Buffer.from(datagram));
    await ask(transport, server, 'once', proxy.port);
    proxy.onArrival = undefined;
    expect(server.asked).toHaveLength(1);
    const acceptedCount = server.accepted.length;
    const replayer = createSocket('udp4');
    open.push(() => replayer.close());
    replayer.bind(0, '127.0.0.1');
    await once(replayer, 'listening');
    let heardCount = 0;
    replayer.on('message', () => (heardCount += 1));
    // Of a connection that is there its packets are known; once that is over it is a new one by the same id.
    await server.accepted.at(-1)!.close();
    await until(() => {
      for (const datagram of flight) replayer.send(datagram, server.port, '127.0.0.1');
      return server.asked.length > 1;
    });
    await until(() => heardCount > 0);
    expect(new Set(server.asked.map(([, text]) => text))).toEqual(new Set(['once']));
    expect(server.accepted.length).toBe(acceptedCount);
  });
});

describe('Tickets', () => {
  const [peer, other] = [generateKeyPair().did, generateKeyPair().did];

  it('are used once, the newest, within their time', () => {
    let nowMs = 0;
    const tickets = new Tickets(() => nowMs);
    tickets.keep(peer, Uint8Array.of(1));
    tickets.keep(peer, Uint8Array.of(2));
    expect(tickets.take(other)).toBeUndefined();
    expect(tickets.take(peer)?.bytes).toEqual(Uint8Array.of(2));
    expect(tickets.take(peer)).toBeUndefined();
    tickets.keep(peer, Uint8Array.of(3));
    nowMs = 3_600_000;
    expect(tickets.take(peer)).toBeUndefined();
  });

  it('that nobody used are given back, no younger, and not in the place of a newer one', () => {
    let nowMs = 0;
    const tickets = new Tickets(() => nowMs);
    tickets.keep(peer, Uint8Array.of(1));
    const ticket = tickets.take(peer)!;
    nowMs = 3_599_999;
    tickets.giveBack(peer, ticket);
    expect(tickets.take(peer)).toBe(ticket);
    tickets.giveBack(peer, ticket);
    nowMs += 1;
    expect(tickets.take(peer)).toBeUndefined();
    tickets.keep(peer, Uint8Array.of(2));
    tickets.giveBack(peer, ticket);
    expect(tickets.take(peer)?.bytes).toEqual(Uint8Array.of(2));
  });

  it('of the latest 256 peers are kept', () => {
    const tickets = new Tickets();
    tickets.keep(peer, Uint8Array.of(1));
    tickets.keep(other, Uint8Array.of(2));
    for (let count = 0; count < 255; count++) tickets.keep(`${peer}${count}` as Did, Uint8Array.of(3));
    expect(tickets.take(peer)).toBeUndefined();
    expect(tickets.take(other)?.bytes).toEqual(Uint8Array.of(2));
  });
});

it('a ticket is used once, although resumed connections are lost', async () => {
  const limits = { idleTimeoutMs: 400, keepAliveMs: 100 };
  const keyPair = generateKeyPair();
  const take = jest.spyOn(Tickets.prototype, 'take');
  const server = createQuicTransport({ keyPair, limits });
  const dialler = createQuicTransport({ keyPair: generateKeyPair(), limits });
  open.push(
    () => Promise.all([server.close(), dialler.close()]),
    () => jest.restoreAllMocks(),
  );
  const listener = await server.listen({ host: '127.0.0.1', port: 0 });
  void (async () => {
    for await (const connection of listener) void connection;
  })();
  const proxy = await UdpProxy.to(listener.addresses[0]!.port);
  open.push(() => proxy.close());
  const to = { scheme: 'quic', host: '127.0.0.1', port: proxy.port };
  await (await dialler.dial(to, { expect: keyPair.did })).close();
  for (let count = 0; count < 3; count++) {
    const connection = await dialler.dial(to, { expect: keyPair.did });
    // A round trip after the handshake, so that the next ticket is here.
    await connection.openStream().then((stream) => stream.write(Uint8Array.of(1)));
    proxy.drops = true;
    await connection.closed;
    proxy.drops = false;
  }
  const tickets = take.mock.results.flatMap(({ value }) => (value as Ticket | undefined) ?? []);
  const used = tickets.map(({ bytes }) => Buffer.from(bytes).toString('hex'));
  expect(used.length).toBeGreaterThanOrEqual(2);
  expect(new Set(used).size).toBe(used.length);
});
