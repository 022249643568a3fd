import { afterEach, describe, expect, it } from '@jest/globals';
import { generateKeyPair } from '@icn/identity';
import {
  certificateOf,
  createQuicTransport,
  type CloseReason,
  type Connection,
  type Listener,
} from '../src/index.js';
import { PREFACE, PREFACE_STREAM } from '../src/protocol.js';
import { RawClient, rawConfig } from './raw-quic.js';
import { until } from './until.js';

const unaccountedBytesMax = 200_000;
const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function listen(): Promise<Listener> {
  const transport = createQuicTransport({ keyPair: generateKeyPair(), limits: { unaccountedBytesMax } });
  open.push(() => transport.close());
  return transport.listen({ host: '127.0.0.1', port: 0 });
}

async function accepted(listener: Listener): Promise<Connection> {
  return (await listener[Symbol.asyncIterator]().next()).value as Connection;
}

describe('what is heard and carries nothing', () => {
  it('ends the connection of a proven peer once it is too much: quiche may keep it', async () => {
    const listener = await listen();
    const config = rawConfig(certificateOf(generateKeyPair()));
    config.enableDgram(true, 8, 1_000);
    const client = await RawClient.dial(listener.addresses[0]!.port, config);
    open.push(() => client.close());
    const accepting = accepted(listener);
    await until(() => client.native.isEstablished());
    client.native.streamSend(PREFACE_STREAM.client, PREFACE, true);
    client.flush();
    const connection = await accepting;
    let reason: CloseReason | undefined;
    void connection.closed.then((ended) => (reason = ended));
    let sentBytes = 0;
    await until(() => {
      // Nothing that the protocol knows.
      const junk = new Uint8Array(1_000).fill(0xee);
      if (client.native.dgramSendQueueLen() < 50) client.native.dgramSend(junk);
      client.flush();
      sentBytes += junk.length;
      return reason !== undefined;
    });
    expect(reason).toMatchObject({ code: 'done', by: 'us' });
    expect(sentBytes).toBeGreaterThan(0.9 * unaccountedBytesMax);
  });

  it('does not end one that carries streams, in either direction and by single bytes', async () => {
    const listener = await listen();
    const dialler = createQuicTransport({ keyPair: generateKeyPair(), limits: { unaccountedBytesMax } });
    open.push(() => dialler.close());
    const [near, far] = await Promise.all([dialler.dial(listener.addresses[0]!), accepted(listener)]);
    let isClosed = false;
    for (const { closed } of [near, far]) void closed.then(() => (isClosed = true));
    const echo = (async () => {
      for await (const stream of far.streams()) {
        for (let bytes = await stream.read(); bytes !== undefined; bytes = await stream.read())
          await stream.write(bytes);
        await stream.end();
      }
    })();
    const stream = await near.openStream();
    let heard = 0;
    const reading = (async () => {
      for (let bytes = await stream.read(); bytes !== undefined; bytes = await stream.read())
        heard += bytes.length;
    })();
    const chunk = new Uint8Array(100_000);
    for (let count = 0; count < 30; count++) await stream.write(chunk);
    for (let count = 0; count < 500; count++) await stream.write(Uint8Array.of(1));
    await stream.end();
    await reading;
    expect(heard).toBe(3_000_500);
    expect(isClosed).toBe(false);
    await near.close();
    await echo;
  });
});
