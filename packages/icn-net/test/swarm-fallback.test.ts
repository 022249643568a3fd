import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { generateKeyPair, type KeyPair } from '@icn/identity';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  createMemoryTransport,
  createQuicTransport,
  createTlsTransport,
  MemoryNetwork,
  Swarm,
  type Address,
  type SwarmLimits,
  type Transport,
} from '../src/index.js';
import { inVirtualTime, party } from './party.js';
import { until } from './until.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const loopback = { host: '127.0.0.1', port: 0 };

/** A peer that listens on QUIC, or TLS, or both, with a swarm. */
async function start(keyPair: KeyPair, schemes: readonly string[], limits: Partial<SwarmLimits> = {}) {
  const transports = [createQuicTransport({ keyPair }), createTlsTransport({ keyPair })];
  const silent: string[] = [];
  const log: string[] = [];
  const swarm = new Swarm({
    self: keyPair.did,
    transports,
    limits: { yieldMs: 0, fallbackDelayMs: 100, ...limits },
    onPeerUp: ({ remoteAddress }) => log.push(`up ${remoteAddress.scheme}`),
    onPeerDown: (_, { code }) => log.push(`down ${code}`),
    onSilent: (address, answering) => silent.push(`${address.scheme} ${answering.scheme}`),
  });
  const addresses: Record<string, Address> = {};
  for (const transport of transports.filter(({ scheme }) => schemes.includes(scheme))) {
    const listener = await transport.listen(loopback);
    addresses[transport.scheme] = listener.addresses[0]!;
    void swarm.serve(listener);
  }
  closers.push(async () => {
    await swarm.close();
    await Promise.all(transports.map((transport) => transport.close()));
  });
  return { did: keyPair.did, swarm, addresses, log, silent };
}

/** A UDP port that takes every datagram and answers none, as a firewall does. */
async function startBlackHole(): Promise<Address> {
  const socket = createSocket('udp4').bind(0, loopback.host);
  closers.push(() => new Promise<void>((resolve) => socket.close(resolve)));
  await once(socket, 'listening');
  return { scheme: 'quic', host: loopback.host, port: socket.address().port };
}

/** A TCP port that counts who comes, and says nothing. */
async function startTcpCounter(): Promise<{ address: Address; readonly count: number }> {
  const server = createServer((socket) => {
    counter.count += 1;
    socket.on('error', () => undefined);
    closers.push(() => socket.destroy());
  }).listen(0, loopback.host);
  closers.push(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const counter = { address: { scheme: 'tls', host: loopback.host, port }, count: 0 };
  return counter;
}

describe('a peer with addresses of QUIC and TLS', () => {
  it('is reached by TLS where UDP is swallowed, which is said and counted', async () => {
    const there = await start(generateKeyPair(), ['tls']);
    const here = await start(generateKeyPair(), []);
    const { did } = there;
    here.swarm.hint({ ...there.addresses['tls']!, did });
    here.swarm.hint({ ...(await startBlackHole()), did });
    await until(() => here.swarm.connections.length === 1 && there.swarm.connections.length === 1);
    expect(here.log).toEqual(['up tls']);
    expect(here.silent).toEqual(['quic tls']);
    expect(here.swarm.counters['preferred-silent']).toBe(1);
  });

  it('is reached by QUIC where it answers, and TLS is not even tried; nothing is said', async () => {
    const there = await start(generateKeyPair(), ['quic']);
    const here = await start(generateKeyPair(), [], { fallbackDelayMs: 10_000 });
    const tcp = await startTcpCounter();
    const { did } = there;
    here.swarm.hint({ ...there.addresses['quic']!, did });
    here.swarm.hint({ ...tcp.address, did });
    await until(() => here.swarm.connections.length === 1 && there.swarm.connections.length === 1);
    expect(here.log).toEqual(['up quic']);
    expect([tcp.count, here.silent]).toEqual([0, []]);
  });

  it('is dialled by TLS at once where QUIC fails, which is not silence', async () => {
    const there = await start(generateKeyPair(), ['tls']);
    const here = await start(generateKeyPair(), [], { fallbackDelayMs: 60_000 });
    const { did } = there;
    here.swarm.hint({ ...there.addresses['tls']!, did });
    // Nothing is at a port of 0.
    here.swarm.hint({ scheme: 'quic', host: loopback.host, port: 0, did });
    await until(() => here.swarm.connections.length === 1);
    expect([here.log, here.silent]).toEqual([['up tls'], []]);
  });

  it('is not given up by either for the other: a black hole at both is tried again, with one dial at a time', async () => {
    const here = await start(generateKeyPair(), [], { backoffFirstMs: 1 });
    const tcp = await startTcpCounter();
    const { did } = generateKeyPair();
    here.swarm.hint({ ...tcp.address, did });
    here.swarm.hint({ ...(await startBlackHole()), did });
    await until(() => tcp.count > 0);
    expect(here.swarm.connections).toEqual([]);
    expect(tcp.count).toBe(1);
  });

  it('has one connection, over QUIC, whichever of the two is proven first, and both sides agree', async () => {
    for (const order of [
      ['quic', 'tls'],
      ['tls', 'quic'],
    ]) {
      const there = await start(generateKeyPair(), ['quic', 'tls']);
      const keyPair = generateKeyPair();
      const dialling: Record<string, Transport> = {
        quic: createQuicTransport({ keyPair }),
        tls: createTlsTransport({ keyPair }),
      };
      closers.push(() => Promise.all(Object.values(dialling).map((transport) => transport.close())));
      const closed: string[] = [];
      for (const scheme of order) {
        const connection = await dialling[scheme]!.dial(there.addresses[scheme]!);
        void connection.closed.then(({ code }) => closed.push(`${scheme} ${code}`));
      }
      await until(
        () => closed.length === 1,
        () => closed,
      );
      expect(closed).toEqual(['tls duplicate']);
      expect(there.swarm.connections.map(({ remoteAddress }) => remoteAddress.scheme)).toEqual(['quic']);
    }
  });
});

describe('a dial to a peer that was up a short time ago', () => {
  it('is broken off where it hangs, and made again, so that the end of a cut is noticed within a second', () =>
    inVirtualTime(async (pass) => {
      const network = new MemoryNetwork();
      const there = generateKeyPair();
      const inner = createMemoryTransport({ keyPair: there, network });
      const listener = await inner.listen({ host: 'there', port: 1 });
      // Dials hang while the network is cut, as over UDP.
      let isCut = false;
      let dialCount = 0;
      let openCount = 0;
      let openCountMax = 0;
      const a = await party(
        network,
        generateKeyPair(),
        {
          backoffFirstMs: 250,
          backoffMaxMs: 15_000,
          backoffRecentMaxMs: 900,
        },
        (transport) => ({
          ...transport,
          scheme: transport.scheme,
          counters: transport.counters,
          listen: (options) => transport.listen(options),
          close: () => transport.close(),
          dial: async (address, options) => {
            if (!isCut) return transport.dial(address, options);
            dialCount += 1;
            openCount += 1;
            openCountMax = Math.max(openCountMax, openCount);
            return new Promise((_, reject) => {
              options?.signal?.addEventListener('abort', () => {
                openCount -= 1;
                reject(new Error('aborted'));
              });
            });
          },
        }),
      );
      a.swarm.hint(listener.addresses[0]!, { keep: true });
      await pass(1_000);
      expect(a.log).toEqual(['up']);
      isCut = true;
      network.cut(a.did, there.did);
      await pass(60_000);
      expect(a.log).toEqual(['up', 'down']);
      expect(dialCount).toBeGreaterThan(60);
      expect(dialCount).toBeLessThan(150);
      expect(openCountMax).toBe(1);
      isCut = false;
      network.heal(a.did, there.did);
      await pass(1_000);
      expect(a.log).toEqual(['up', 'down', 'up']);
      await Promise.all([a.swarm.close(), inner.close(), pass(100)]);
    }));
});
