import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { generateKeyPair } from '@icn/identity';
import { UdpProxy } from '../src/conformance/index.js';
import {
  certificateOf,
  createQuicTransport,
  type CloseReason,
  type Connection,
  type Stream,
} from '../src/index.js';
import { PREFACE, PREFACE_STREAM } from '../src/protocol.js';
import { encodeDatagramFrame, parseDatagramFrame } from '../src/quic/datagram-frames.js';
import { LinkMtu } from '../src/quic/link-mtu.js';
import { RawClient, rawConfig } from './raw-quic.js';
import { until } from './until.js';

const open: (() => unknown)[] = [];
afterEach(async () => {
  jest.restoreAllMocks();
  for (const close of open.splice(0).reverse()) await close();
});

interface Listening {
  readonly port: number;
  readonly accepted: Promise<Connection>;
  readonly ended: CloseReason[];
}

async function listen(answerEarly?: () => Uint8Array): Promise<Listening> {
  const transport = createQuicTransport({
    keyPair: generateKeyPair(),
    ...(answerEarly !== undefined && { answerEarly }),
  });
  open.push(() => transport.close());
  const listener = await transport.listen({ host: '127.0.0.1', port: 0 });
  const ended: CloseReason[] = [];
  const accepted = (async () => {
    const connection = (await listener[Symbol.asyncIterator]().next()).value as Connection;
    void connection.closed.then((reason) => ended.push(reason));
    return connection;
  })();
  return { port: listener.addresses[0]!.port, accepted, ended };
}

type Config = ReturnType<typeof rawConfig>;

/** A client by quiche alone that takes DATAGRAM frames; established, and its preface not said. */
async function rawClient(
  port: number,
  change: (config: Config) => void = () => undefined,
): Promise<RawClient> {
  const config = rawConfig(certificateOf(generateKeyPair()));
  config.enableDgram(true, 8, 8);
  change(config);
  const client = await RawClient.dial(port, config);
  open.push(() => client.close());
  await until(() => client.native.isEstablished());
  return client;
}

function sayPreface(client: RawClient): void {
  client.native.streamSend(PREFACE_STREAM.client, PREFACE, true);
  client.flush();
}

/** Frames that the client got, apart from probes, which it does not answer. */
function heard(client: RawClient): string[] {
  const kinds: string[] = [];
  for (let bytes = client.native.dgramRecvVec(); bytes !== null; bytes = client.native.dgramRecvVec()) {
    const frame = parseDatagramFrame(bytes);
    if (frame !== undefined && frame.kind !== 'probe') kinds.push(`${frame.kind} ${frame.token}`);
  }
  return kinds;
}

const probe = (token: string) => encodeDatagramFrame({ kind: 'probe', token, body: new Uint8Array(0) });

describe('DATAGRAM frames', () => {
  it('are answered once the connection is open, and not before', async () => {
    const { port, accepted } = await listen();
    const client = await rawClient(port);
    client.native.dgramSend(probe('question'));
    client.flush();
    // Acknowledged, so that it was there: quiche waits for nothing but silence, of 3 s. And not answered.
    await until(() => (client.native.timeout() ?? 0) > 1_500);
    expect(heard(client)).toEqual([]);
    sayPreface(client);
    await accepted;
    const kinds: string[] = [];
    await until(() => kinds.push(...heard(client)) > 0);
    expect(kinds).toEqual(['answer question']);
  });

  it.each([
    ['UDP payloads of 1,350 bytes', (config: Config) => config.setMaxRecvUdpPayloadSize(1_350)],
    ['UDP payloads of 1,472 bytes', (config: Config) => config.setMaxRecvUdpPayloadSize(1_472)],
    ['no DATAGRAM frames', (config: Config) => config.enableDgram(false, 0, 0)],
  ])('a peer that takes %s at most keeps its connection', async (_, change) => {
    const { port, accepted, ended } = await listen();
    const client = await rawClient(port, change);
    sayPreface(client);
    const connection = await accepted;
    const stream = await connection.openStream();
    await stream.write(new Uint8Array(60_000));
    await until(() => client.native.streamReadable(1));
    expect(ended).toEqual([]);
  });

  it('a challenge does not wait for ever behind what was said early, nor that behind it', async () => {
    const { port, accepted } = await listen(() => new Uint8Array(500));
    const client = await rawClient(port, (config) => {
      config.setInitialMaxStreamDataBidiRemote(1 << 22);
      config.setInitialMaxData(1 << 22);
    });
    const elsewhere = createSocket('udp4');
    open.push(() => elsewhere.close());
    elsewhere.bind(0, '127.0.0.2');
    await once(elsewhere, 'listening');
    const question = encodeDatagramFrame({
      kind: 'early-question',
      token: 'earlyyyy',
      body: new Uint8Array(1),
    });
    client.native.dgramSend(question);
    const datagram = Buffer.alloc(1_350);
    const [length] = client.native.send(datagram)!;
    elsewhere.send(datagram.subarray(0, length), port, '127.0.0.1');
    sayPreface(client);
    const connection = await accepted;
    const sizes: number[] = [];
    const recv = client.native.recv.bind(client.native);
    client.native.recv = (bytes, info) => {
      sizes.push(bytes.length);
      return recv(bytes, info);
    };
    const stream = await connection.openStream();
    void stream.write(new Uint8Array(100_000)).catch(() => undefined);
    await until(() => Math.max(0, ...sizes) > 1_300);
    client.native.dgramSend(probe('question'));
    const kinds: string[] = [];
    await until(() => {
      client.flush();
      kinds.push(...heard(client));
      return kinds.includes('answer question');
    });
  });
});

it('a peer that moves to a host whose link carries more keeps its connection', async () => {
  jest
    .spyOn(LinkMtu.prototype, 'payloadBytesTo')
    .mockImplementation((host) => (host === '127.0.0.3' ? 8_952 : 1_452));
  const { port, accepted, ended } = await listen();
  const proxy = await UdpProxy.to(port);
  open.push(() => proxy.close());
  const dialler = createQuicTransport({ keyPair: generateKeyPair() });
  open.push(() => dialler.close());
  const near = await dialler.dial({ scheme: 'quic', host: '127.0.0.1', port: proxy.port });
  const far = await accepted;
  await proxy.rebind('127.0.0.3');
  const stream = await near.openStream();
  await stream.write(Uint8Array.of(1));
  await until(() => far.remoteAddress.host === '127.0.0.3');
  await stream.write(new Uint8Array(100_000));
  const { value: there } = (await far.streams()[Symbol.asyncIterator]().next()) as { value: Stream };
  let count = 0;
  while (count < 100_001) count += (await there.read())?.length ?? Number.NaN;
  expect(ended).toEqual([]);
  expect(proxy.largestBytes).toBeLessThanOrEqual(1_452);
});
