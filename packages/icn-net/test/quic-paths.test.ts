import { afterEach, describe, expect, it } from '@jest/globals';
import { generateKeyPair } from '@icn/identity';
import {
  createQuicTransport,
  type Connection,
  type QuicLimits,
  type Stream,
  type Transport,
} from '../src/index.js';
import { UdpProxy, type PathConditions } from '../src/conformance/index.js';
import { until } from './until.js';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

function transport(limits: Partial<QuicLimits> = {}): Transport {
  const created = createQuicTransport({ keyPair: generateKeyPair(), limits });
  open.push(() => created.close());
  return created;
}

/** Accepts everything and sends it back. */
async function echoServer(
  host: string,
  limits: Partial<QuicLimits> = {},
): Promise<{ port: number; accepted: Connection[] }> {
  const listener = await transport(limits).listen({ host, port: 0 });
  const accepted: Connection[] = [];
  void (async () => {
    for await (const connection of listener) {
      accepted.push(connection);
      void (async () => {
        for await (const stream of connection.streams()) void echo(stream);
      })();
    }
  })();
  return { port: listener.addresses[0]?.port ?? 0, accepted };
}

async function echo(stream: Stream): Promise<void> {
  try {
    for (let chunk = await stream.read(); chunk !== undefined; chunk = await stream.read())
      await stream.write(chunk);
    await stream.end();
  } catch {
    // The other side closed.
  }
}

async function roundTrip(connection: Connection, text: string): Promise<string> {
  const stream = await connection.openStream();
  await stream.write(Buffer.from(text));
  await stream.end();
  let answer = '';
  for (let chunk = await stream.read(); chunk !== undefined; chunk = await stream.read())
    answer += Buffer.from(chunk).toString();
  return answer;
}

async function proxyTo(port: number, conditions: Partial<PathConditions> = {}): Promise<UdpProxy> {
  const proxy = await UdpProxy.to(port, conditions);
  open.push(() => proxy.close());
  return proxy;
}

function quic(host: string, port: number): { scheme: string; host: string; port: number } {
  return { scheme: 'quic', host, port };
}

describe('QUIC paths', () => {
  it('one socket on :: is reached by IPv6 and by IPv4, and dials both', async () => {
    const { port, accepted } = await echoServer('::');
    const dialler = transport();
    await dialler.listen({ host: '::', port: 0 });
    for (const host of ['::1', '127.0.0.1']) {
      const connection = await dialler.dial(quic(host, port));
      expect(await roundTrip(connection, host)).toBe(host);
      expect(connection.remoteAddress.host).toBe(host);
      expect(accepted.at(-1)?.remoteAddress.host).toBe(host);
    }
  });

  it('a dial leaves by the socket that listens, so that the peer sees a port at which we can be dialled', async () => {
    const { port, accepted } = await echoServer('127.0.0.1');
    const dialler = transport();
    const listener = await dialler.listen({ host: '127.0.0.1', port: 0 });
    await dialler.dial(quic('127.0.0.1', port));
    await until(() => accepted.length === 1);
    expect(accepted[0]?.remoteAddress.port).toBe(listener.addresses[0]?.port);
  });

  it('a host name is resolved, and its addresses tried in turn', async () => {
    const { port } = await echoServer('127.0.0.1');
    const connection = await transport().dial(quic('localhost', port));
    expect(await roundTrip(connection, 'by name')).toBe('by name');
    await expect(transport().dial(quic('no-such-host.invalid', port))).rejects.toMatchObject({
      code: 'dial-failed',
    });
  });

  it('a wildcard names every address at which it can be dialled', async () => {
    const listener = await transport().listen({ host: '0.0.0.0', port: 0 });
    const hosts = listener.addresses.map(({ host }) => host);
    expect(hosts).toContain('127.0.0.1');
    expect(hosts).not.toContain('0.0.0.0');
    for (const address of listener.addresses)
      expect((await transport().dial(address)).remote).toBe(address.did);
  });

  it('an address that no packet can be sent to fails at once', async () => {
    await expect(transport().dial(quic('255.255.255.255', 9))).rejects.toMatchObject({ code: 'dial-failed' });
  });
});

describe('a silent link', () => {
  it('is kept up by asking for signs of life', async () => {
    // Far apart: a busy machine may keep this process waiting for longer than a short idle timeout.
    const limits = { idleTimeoutMs: 2_000, keepAliveMs: 200 };
    const { port } = await echoServer('127.0.0.1', limits);
    const connection = await transport(limits).dial(quic('127.0.0.1', port));
    let isClosed = false;
    void connection.closed.then(() => (isClosed = true));
    const quietUntilMs = performance.now() + 1.25 * limits.idleTimeoutMs;
    await until(() => performance.now() > quietUntilMs);
    expect(isClosed).toBe(false);
    expect(await roundTrip(connection, 'still there')).toBe('still there');
  });

  it('is given up by both sides when nothing comes any more', async () => {
    const limits = { idleTimeoutMs: 300, keepAliveMs: 100 };
    const { port, accepted } = await echoServer('127.0.0.1', limits);
    const nat = await proxyTo(port);
    const connection = await transport(limits).dial(quic('127.0.0.1', nat.port));
    await until(() => accepted.length === 1);
    const reading = (await connection.openStream()).read();
    nat.drops = true;
    expect(await connection.closed).toMatchObject({ code: 'timeout', by: 'network' });
    await expect(reading).rejects.toMatchObject({ code: 'connection-closed', reason: { code: 'timeout' } });
    expect(await accepted[0]?.closed).toMatchObject({ code: 'timeout', by: 'network' });
  });
});

describe('dial', () => {
  it('is cancelled while the name is looked up', async () => {
    const abort = new AbortController();
    const dialling = transport().dial(quic('no-such-host.invalid', 1), { signal: abort.signal });
    abort.abort();
    await expect(dialling).rejects.toMatchObject({ code: 'aborted' });
  });
});
