import { generateKeyPair } from '@icn/identity';
import { afterEach, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';

import { UdpProxy } from '../src/conformance/index.js';
import { createQuicTransport, type Connection, type Transport } from '../src/index.js';
import { DialSockets } from '../src/quic/dial-sockets.js';
import type { QuicEndpoint } from '../src/quic/endpoint.js';
import { until } from './until.js';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

function transport(): Transport {
  const created = createQuicTransport({ keyPair: generateKeyPair() });
  open.push(() => created.close());
  return created;
}

async function server() {
  const listener = await transport().listen({ host: '127.0.0.1', port: 0 });
  const accepted: Connection[] = [];
  void (async () => {
    for await (const connection of listener) accepted.push(connection);
  })();
  return { accepted, address: { scheme: 'quic', host: '127.0.0.1', port: listener.addresses[0]!.port } };
}

async function outcome(dial: Promise<unknown>): Promise<string> {
  return Promise.race([
    dial.then(
      () => 'open',
      (error: Error & { code?: string }) => `refused: ${error.code ?? error.message}`,
    ),
    delay(3000, 'hangs'),
  ]);
}

describe('a dial that is under way when the transport closes', () => {
  it('ends, where a connection holds the socket, however many microtasks after it began', async () => {
    const { address } = await server();
    const outcomes: string[] = [];
    for (let ticks = 0; ticks < 16; ticks += 1) {
      const dialler = transport();
      await dialler.dial(address);
      const result = outcome(dialler.dial(address));
      for (let i = 0; i < ticks; i += 1) await Promise.resolve();
      await dialler.close();
      outcomes.push(await result);
    }
    expect(outcomes).not.toContain('hangs');
  }, 60_000);

  it('ends, where a connection has much under way and its last words wait', async () => {
    const { address } = await server();
    const proxy = await UdpProxy.to(address.port);
    open.push(() => proxy.close());
    const dialler = transport();
    const client = await dialler.dial({ ...address, port: proxy.port });
    const stream = await client.openStream();
    proxy.drops = true;
    void stream.write(Buffer.alloc(8 * 1024 * 1024)).catch(() => {});
    await delay(100);
    const result = outcome(dialler.dial({ ...address, host: 'localhost' }));
    await dialler.close();
    expect(await result).toMatch(/^refused/);
  });
});

describe('dials at once', () => {
  it('go by one socket', async () => {
    const { address, accepted } = await server();
    const dialler = transport();
    await Promise.all(Array.from({ length: 8 }, () => dialler.dial(address)));
    await until(() => accepted.length === 8);
    expect(new Set(accepted.map(({ remoteAddress }) => remoteAddress.port)).size).toBe(1);
  });
});

describe('the sockets of dials', () => {
  const sockets = () => {
    const bound: { host: string; isClosing: boolean }[] = [];
    const bind = (host: string) => {
      bound.push({ host, isClosing: false });
      return Promise.resolve(bound.at(-1) as unknown as QuicEndpoint);
    };
    return { bound, sockets: new DialSockets(bind) };
  };

  it('are one a family, since not every system lets one take both', async () => {
    const { bound, sockets: dial } = sockets();
    await Promise.all(['::1', '127.0.0.1', 'fe80::1%eth0', '10.0.0.1'].map((host) => dial.use(host, String)));
    expect(bound.map(({ host }) => host)).toEqual(['::', '0.0.0.0']);
  });

  it('are bound anew once one is closing, and after one that could not be bound', async () => {
    const { bound, sockets: dial } = sockets();
    await dial.use('::1', String);
    bound[0]!.isClosing = true;
    await Promise.all([dial.use('::1', String), dial.use('::1', String)]);
    expect(bound).toHaveLength(2);
    let isBroken = true;
    const breaking = new DialSockets(async () => {
      if (isBroken) throw new Error('no socket');
      return { isClosing: false } as QuicEndpoint;
    });
    await expect(breaking.use('::1', String)).rejects.toThrow('no socket');
    isBroken = false;
    await expect(breaking.use('::1', () => 'bound')).resolves.toBe('bound');
  });
});
