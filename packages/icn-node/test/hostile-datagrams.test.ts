import { createSocket, type Socket } from 'node:dgram';
import { randomBytes } from 'node:crypto';
import { generateKeyPair } from '@icn/identity';
import { createQuicTransport, encodeFrames, parseAddress } from '@icn/net';
import { expect, it } from '@jest/globals';
import { eventually } from '../src/demo/icn-process.js';
import { afterTest, QUIET, startNode, temporaryFolder } from './support/temporary.js';

const HOST = '127.0.0.1';

async function boundSocket(): Promise<Socket> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, HOST, resolve));
  afterTest(async () => socket.close());
  return socket;
}

const send = (socket: Socket, datagram: Uint8Array, port: number) =>
  new Promise<void>((resolve) => socket.send(datagram, port, HOST, () => resolve()));

/** The datagrams of a real handshake and of 30 kB that follow it, seen by a relay on the way to `port`. */
async function recordConversation(port: number): Promise<Buffer[]> {
  const [front, back] = [await boundSocket(), await boundSocket()];
  const recorded: Buffer[] = [];
  let clientPort = 0;
  front.on('message', (datagram, from) => {
    clientPort = from.port;
    recorded.push(datagram);
    back.send(datagram, port, HOST);
  });
  back.on('message', (datagram) => front.send(datagram, clientPort, HOST));
  const transport = createQuicTransport({ keyPair: generateKeyPair() });
  const connection = await transport.dial(parseAddress(`quic://${HOST}:${front.address().port}`));
  const stream = await connection.openStream();
  await stream.write(
    Buffer.concat([Uint8Array.of(0), encodeFrames(Array.from({ length: 30 }, () => randomBytes(1_000)))]),
  );
  await eventually(
    async () => recorded.length,
    (count) => count > 20,
    10_000,
  );
  await connection.close();
  await transport.close();
  return recorded;
}

it('a node survives the one-packet crash, 20,000 random and 2,000 mutated datagrams, and serves', async () => {
  const node = await startNode(await temporaryFolder(), ...QUIET);
  const { port } = parseAddress(node.address);
  const socket = await boundSocket();

  // A 0-RTT long header with unknown connection ids: it ends servers of the package's JavaScript layer.
  const crash = Buffer.concat([
    Buffer.from([0xd0, 0, 0, 0, 1, 20]),
    randomBytes(20),
    Buffer.from([20]),
    randomBytes(20),
  ]);
  await send(socket, crash, port);
  for (let count = 0; count < 20_000; count++) await send(socket, randomBytes(1 + (count % 1_400)), port);
  const recorded = await recordConversation(port);
  expect(recorded.length).toBeGreaterThan(20);
  for (let count = 0; count < 2_000; count++) {
    const datagram = Buffer.from(recorded[count % recorded.length]!);
    for (let flips = 0; flips <= count % 4; flips++)
      datagram[randomBytes(2).readUInt16LE() % datagram.length]! ^= 1 << (count % 8);
    await send(socket, datagram, port);
  }

  const peer = await startNode(await temporaryFolder(), ...QUIET, '--peer', node.address);
  const { id } = await peer.publish('lobby', 'still there?');
  await node.line((line) => line.id === id);
  const { counters } = await eventually(
    () => node.status(),
    ({ peers }) => peers.length === 1,
    10_000,
  );
  expect(
    Object.entries(counters).filter(([name, count]) => name.startsWith('datagram') && count > 0),
  ).not.toEqual([]);
});
