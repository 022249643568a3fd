import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { generateKeyPair } from '@icn/identity';
import { createQuicTransport, type Connection, type Transport } from '../src/index.js';
import { clientInitialSecret, cryptoFrame, initialPacket, pingFrame } from './packet-protection.js';
import { until } from './until.js';

const handshakeTimeoutMs = 500;
const handshakeBytesMax = 64 * 1024;
/** The header of a ClientHello of 300 bytes (RFC 8446 §4): quiche waits for the rest. */
const beginning = Uint8Array.of(1, 0, 1, 44);

let victim: Transport;
let port = 0;
let handedOver: Connection[] = [];
let sockets: Socket[] = [];

beforeEach(async () => {
  handedOver = [];
  victim = createQuicTransport({
    keyPair: generateKeyPair(),
    limits: { handshakeTimeoutMs, handshakeBytesMax },
  });
  const listener = await victim.listen({ host: '127.0.0.1', port: 0 });
  port = listener.addresses[0]?.port ?? 0;
  void (async () => {
    for await (const connection of listener) handedOver.push(connection);
  })();
});

afterEach(async () => {
  // Whatever was done to it, who comes next is served.
  const friend = createQuicTransport({ keyPair: generateKeyPair() });
  await friend.dial({ scheme: 'quic', host: '127.0.0.1', port });
  await until(() => handedOver.length === 1);
  await Promise.all([friend.close(), victim.close()]);
  for (const socket of sockets.splice(0)) socket.close();
});

/** Sends Initials of one handshake, made of the frames that it is given. */
async function initiator(): Promise<{ send: (frames: Uint8Array) => void; heard: Buffer[] }> {
  const socket = createSocket('udp4');
  sockets.push(socket);
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const heard: Buffer[] = [];
  socket.on('message', (datagram) => heard.push(datagram));
  const [destination, source] = [randomBytes(16), randomBytes(8)];
  const secret = clientInitialSecret(destination);
  let count = 0;
  const send = (frames: Uint8Array): void => {
    socket.send(initialPacket(destination, source, count, frames, secret), port, '127.0.0.1');
    count += 1;
  };
  return { send, heard };
}

describe('a handshake over QUIC', () => {
  it('of which a little comes again and again ends at the deadline, as slow', async () => {
    const { send } = await initiator();
    send(cryptoFrame(0, beginning));
    let offset = beginning.length;
    for (; victim.counters['handshake-slow'] === 0 && offset < 300; offset += 1) {
      send(cryptoFrame(offset, Uint8Array.of(0)));
      await delay(20);
    }
    expect(offset).toBeLessThan(300);
    expect(victim.counters).toMatchObject({ 'handshake-slow': 1, 'handshake-timeout': 0 });
  });

  it('of which nothing more comes ends there too, as one of a silent peer', async () => {
    const { send, heard } = await initiator();
    send(cryptoFrame(0, beginning));
    await until(() => victim.counters['handshake-timeout'] === 1);
    expect(victim.counters['handshake-slow']).toBe(0);
    expect(heard.length).toBeGreaterThan(0);
  });

  it('of which no end comes ends when it has sent what no handshake needs', async () => {
    const { send, heard } = await initiator();
    send(cryptoFrame(0, beginning));
    // A hole that is never filled: quiche keeps everything behind it.
    for (let i = 0; i < handshakeBytesMax / 1200; i += 1) {
      send(cryptoFrame(5000 + i * 1100, randomBytes(1100)));
      if (i % 10 === 0) await until(() => heard.length > 0);
    }
    await until(
      () => victim.counters['handshake-endless'] === 1,
      () => victim.counters,
    );
    expect(victim.counters).toMatchObject({ 'handshake-slow': 0, 'handshake-timeout': 0 });
  });

  it('of signs of life alone ends there too', async () => {
    const { send } = await initiator();
    for (let i = 0; i < 100; i += 1) send(pingFrame);
    await until(
      () => (victim.counters['handshake-endless'] ?? 0) >= 1,
      () => victim.counters,
    );
  });

  it('that begins with a frame that is none gets no place', async () => {
    const { send } = await initiator();
    // RFC 9000 §19: no frame of version 1 begins so.
    send(Uint8Array.of(0x40, 0xff, 1, 2, 3));
    await until(
      () => victim.counters['initial-undecryptable'] === 1,
      () => victim.counters,
    );
  });
});
