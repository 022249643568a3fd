import { randomBytes, randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { generateKeyPair } from '@icn/identity';
import {
  createQuicTransport,
  readFrames,
  writeFrame,
  type Connection,
  type Stream,
  type Transport,
} from '../src/index.js';
import { realInitials } from './stranger.js';
import { until } from './until.js';

const handshakeTimeoutMs = 800;
const victim = createQuicTransport({ keyPair: generateKeyPair(), limits: { handshakeTimeoutMs } });
const friend = createQuicTransport({ keyPair: generateKeyPair() });
const attacker = createSocket('udp4');
let port = 0;
let honest: Stream;

beforeAll(async () => {
  const listener = await victim.listen({ host: '127.0.0.1', port: 0 });
  port = listener.addresses[0]?.port ?? 0;
  void (async () => {
    for await (const connection of listener) serve(connection).catch(() => {});
  })();
  attacker.bind(0, '127.0.0.1');
  await once(attacker, 'listening');
  honest = await (await friend.dial(addressOf(port))).openStream();
});

afterAll(async () => {
  await Promise.all([friend.close(), victim.close()]);
  attacker.close();
});

function addressOf(targetPort: number): { scheme: string; host: string; port: number } {
  return { scheme: 'quic', host: '127.0.0.1', port: targetPort };
}

async function serve(connection: Connection): Promise<void> {
  for await (const stream of connection.streams()) {
    for await (const frame of readFrames(stream, { frameBytesMax: 1000 })) await writeFrame(stream, frame);
  }
}

const answers = new WeakMap<Stream, AsyncGenerator<Uint8Array>>();

/** One round trip of the honest peer. */
async function isServed(): Promise<boolean> {
  const frames = answers.get(honest) ?? readFrames(honest, { frameBytesMax: 1000 });
  answers.set(honest, frames);
  const asked = randomBytes(100);
  await writeFrame(honest, asked);
  const answer = await frames.next();
  return answer.done !== true && asked.equals(answer.value);
}

function send(datagram: Uint8Array): Promise<void> {
  return new Promise((resolve) => attacker.send(datagram, port, '127.0.0.1', () => resolve()));
}

function dropped(transport: Transport): number {
  return Object.values(transport.counters).reduce((sum, count) => sum + count, 0);
}

/** Long header of RFC 9000 §17.2: type in the first byte, version, ids. */
function longHeader(first: number, version: number, size: number): Buffer {
  const header = Buffer.alloc(47);
  header[0] = first;
  header.writeUInt32BE(version, 1);
  header[5] = 20;
  randomBytes(20).copy(header, 6);
  header[26] = 20;
  randomBytes(20).copy(header, 27);
  return Buffer.concat([header, randomBytes(size - header.length)]);
}

/** Sets the byte after the ids: the length of the token of an Initial, or its first byte. */
function withTokenLength(first: number, initial: Buffer): Buffer {
  initial[47] = first;
  return initial;
}

describe('hostile datagrams on the listening port, while an honest peer is served', () => {
  it('counts each kind under its own name', async () => {
    const before = { ...victim.counters };
    const expected: Record<string, number> = {};
    const cases: readonly [string, Buffer][] = [
      // The packet that ends a process of the package's own JavaScript layer: 0-RTT for an unknown connection id.
      ['initial-malformed', longHeader(0xd0, 1, 47)],
      ['connection-unknown', longHeader(0xd0, 1, 1200)],
      ['connection-unknown', longHeader(0xe0, 1, 1200)],
      ['connection-unknown', longHeader(0xf0, 1, 1200)],
      ['connection-unknown', longHeader(0xc0, 0, 1200)],
      ['connection-unknown', Buffer.concat([Uint8Array.of(0x40), randomBytes(60)])],
      ['datagram-malformed', Buffer.alloc(0)],
      ['datagram-malformed', Uint8Array.of(0xc0, 0, 0) as Buffer],
      ['datagram-malformed', Buffer.concat([Uint8Array.of(0x40), randomBytes(10)])],
      ['datagram-malformed', Buffer.concat([Uint8Array.of(0xc0, 0, 0, 0, 1, 21), randomBytes(60)])],
      ['initial-malformed', longHeader(0xc0, 1, 600)],
      ['initial-malformed', withTokenLength(0x7f, longHeader(0xc0, 1, 1200))],
      ['initial-undecryptable', withTokenLength(0, longHeader(0xc0, 1, 1200))],
      ['version-unsupported', longHeader(0xc0, 0x0a1a2a3a, 1200)],
    ];
    for (const [name, datagram] of cases) {
      expected[name] = (expected[name] ?? 0) + 1;
      await send(datagram);
    }
    await until(
      () => dropped(victim) >= Object.values(before).reduce((sum, count) => sum + count, 0) + cases.length,
    );
    for (const [name, count] of Object.entries(expected)) {
      expect([name, (victim.counters[name] ?? 0) - (before[name] ?? 0)]).toEqual([name, count]);
    }
    expect(await isServed()).toBe(true);
  });

  it('answers an unknown version with the versions it speaks, to the ids turned round', async () => {
    const asked = longHeader(0xc0, 0x0a1a2a3a, 1200);
    const answered = once(attacker, 'message');
    await send(asked);
    const [answer] = (await answered) as [Buffer];
    expect(answer.length).toBeLessThan(asked.length);
    expect(answer.readUInt32BE(1)).toBe(0);
    expect(answer.subarray(6, 26).equals(asked.subarray(27, 47))).toBe(true);
    expect(answer.subarray(27, 47).equals(asked.subarray(6, 26))).toBe(true);
    expect(answer.readUInt32BE(47)).toBe(1);
  });

  it('lives through 20,000 random ones', async () => {
    for (let i = 0; i < 20_000; i += 1) {
      const datagram = randomBytes(randomInt(0, 1400));
      // Half of them look like QUIC version 1, so that they get past the first look.
      if (i % 2 === 0 && datagram.length > 6) {
        datagram[0] = 0xc0 | (datagram[0] ?? 0);
        datagram.writeUInt32BE(1, 1);
        datagram[5] = randomInt(0, 21);
      }
      void send(datagram);
      if (i % 100 === 0) {
        await turn();
        if (i % 2000 === 0) expect(await isServed()).toBe(true);
      }
    }
    expect(await isServed()).toBe(true);
  }, 20_000);

  it('lives through 2,000 mutated first datagrams of real handshakes', async () => {
    const initials = realInitials(5);
    for (let i = 0; i < 2000; i += 1) {
      const datagram = Buffer.from(initials[i % initials.length] ?? []);
      for (let change = 0; change <= i % 3; change += 1)
        datagram[randomInt(0, datagram.length)] = randomInt(0, 256);
      void send(datagram);
      if (i % 50 === 0) {
        await turn();
        if (i % 500 === 0) expect(await isServed()).toBe(true);
      }
    }
    expect(await isServed()).toBe(true);
  }, 20_000);

  it('lives through 2,000 mutated datagrams of a connection that is up', async () => {
    const tap = createSocket('udp4');
    tap.bind(0, '127.0.0.1');
    await once(tap, 'listening');
    const captured: Buffer[] = [];
    // Between a client and the victim: every datagram goes on as it is, and once more with a byte changed.
    let client: { address: string; port: number } | undefined;
    tap.on('message', (datagram, from) => {
      if (from.port === port) return tap.send(datagram, client?.port ?? 0, '127.0.0.1');
      client = from;
      captured.push(datagram);
      tap.send(datagram, port, '127.0.0.1');
      const mutated = Buffer.from(datagram);
      const at = randomInt(0, mutated.length);
      mutated[at] = (mutated[at] ?? 0) ^ randomInt(1, 256);
      return tap.send(mutated, port, '127.0.0.1');
    });
    const dialler = createQuicTransport({ keyPair: generateKeyPair() });
    const stream = await (await dialler.dial(addressOf(tap.address().port))).openStream();
    const frames = readFrames(stream, { frameBytesMax: 1000 });
    for (let i = 0; captured.length < 2000; i += 1) {
      const asked = Buffer.alloc(500, i);
      await writeFrame(stream, asked);
      expect(asked.equals((await frames.next()).value ?? Buffer.alloc(0))).toBe(true);
    }
    await dialler.close();
    tap.close();
    expect(await isServed()).toBe(true);
  }, 20_000);
});
