import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { generateKeyPair, sign, type KeyPair } from '@icn/identity';
import { createUnixTransport } from '../examples/unix-transport.js';
import { transportConformance, type ConformanceFixture } from '../src/conformance/index.js';
import { Swarm, defaultTlsLimits, type Transport } from '../src/index.js';
import { readExactly } from '../src/mux/index.js';
import { until } from './until.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'icn-unix-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const at = { host: 'here', port: 1 };

describe('the worked example', () => {
  const fixture: ConformanceFixture = {
    createTransport: (keyPair, policy) => createUnixTransport({ keyPair, ...policy, folder }),
    listen: { host: 'here', port: 0 },
    nobody: { scheme: 'unix', host: 'nowhere', port: 1 },
    windowBytes: defaultTlsLimits.streamWindowBytes,
  };
  for (const { name, run } of transportConformance) it(name, () => run(fixture));
});

/** A transport with a key of its own, closed after use. */
async function using(run: (transport: Transport, keyPair: KeyPair) => Promise<void>): Promise<void> {
  const keyPair = generateKeyPair();
  const transport = createUnixTransport({ keyPair, folder, limits: { handshakeTimeoutMs: 300 } });
  try {
    await run(transport, keyPair);
  } finally {
    await transport.close();
  }
}

/** Dials the socket of `at` by hand: says a hello with this key, and a signature by another key. */
async function forge(keyPair: KeyPair, signer: KeyPair, address = 'unix://here:1'): Promise<Socket> {
  const socket = connect(join(folder, `${at.host}-${at.port}.sock`)).on('error', () => undefined);
  const hello = Buffer.concat([Buffer.alloc(16, 7), keyPair.publicKey]);
  socket.write(hello);
  const heard = await readExactly(socket, 48);
  const message = Buffer.concat([Buffer.from(`dialler ${address} `), hello, heard]);
  socket.write(sign(signer, 'icn/peer-proof', message));
  return socket.resume();
}

describe('a swarm over the worked example', () => {
  it('reaches its peer', () =>
    using((transport, { did: self }) =>
      using(async (peerTransport, peer) => {
        const up: string[] = [];
        const ends = { onPeerDown: () => undefined, limits: {} };
        const near = new Swarm({
          ...ends,
          self,
          transports: [transport],
          onPeerUp: (c) => up.push(c.remote),
        });
        const far = new Swarm({
          ...ends,
          self: peer.did,
          transports: [peerTransport],
          onPeerUp: (c) => up.push(c.remote),
        });
        const listener = await peerTransport.listen(at);
        void far.serve(listener);
        near.hint(listener.addresses[0]!);
        await until(() => up.length === 2);
        expect(new Set(up)).toEqual(new Set([self, peer.did]));
        await Promise.all([near.close(), far.close()]);
      }),
    ));
});

describe('the proof of the worked example', () => {
  it.each([
    ['lets a peer in who signs with its key', 'unix://here:1', true, 0],
    ['refuses a signature of another key', 'unix://here:1', false, 1],
    ['refuses a signature that was made for another socket', 'unix://there:1', true, 1],
  ])('%s', (_, address, isOwn, refusedCount) =>
    using(async (transport) => {
      await transport.listen(at);
      const keyPair = generateKeyPair();
      const socket = await forge(keyPair, isOwn ? keyPair : generateKeyPair(), address);
      if (refusedCount > 0) await until(() => (transport.counters['refused-peer-unproven'] ?? 0) > 0);
      // Who is let in is waited for until it says the hello of the multiplexer, which this one does not.
      else await until(() => (transport.counters['handshake-slow'] ?? 0) > 0);
      expect(transport.counters['refused-peer-unproven']).toBe(refusedCount);
      socket.destroy();
    }),
  );

  it('gives no signature that could be sent back to who made it', () =>
    using(async (transport) => {
      const mirror = createServer((socket) => socket.pipe(socket));
      await once(mirror.listen(join(folder, 'mirror-1.sock')), 'listening');
      const dialling = transport.dial({ scheme: 'unix', host: 'mirror', port: 1 });
      await expect(dialling).rejects.toMatchObject({ code: 'peer-unproven' });
      mirror.close();
    }));

  it('gives up one who says nothing, and frees its place', () =>
    using(async (transport) => {
      await transport.listen(at);
      const silent = connect(join(folder, 'here-1.sock'))
        .on('error', () => undefined)
        .resume();
      await until(() => transport.counters['handshake-timeout'] === 1);
      await until(() => silent.destroyed);
    }));
});

describe('docs/writing-an-adapter.md', () => {
  it('quotes the worked example and this test word for word', () => {
    const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
    const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ').trim();
    const sources = oneLine(read('../examples/unix-transport.ts') + read('unix-example.test.ts'));
    const quotes = read('../../../docs/writing-an-adapter.md').matchAll(/^```ts\n([\s\S]*?)^```$/gm);
    const foreign = [...quotes]
      .map(([, code = '']) => oneLine(code))
      .filter((code) => !sources.includes(code));
    expect(foreign).toEqual([]);
    expect(read('../examples/unix-transport.ts').split('\n').length).toBeLessThan(150);
  });
});

describe('the socket of the worked example', () => {
  it('takes the place of one that a killed process left, and goes when it closes', () =>
    using(async (transport) => {
      // libuv removes the file of a server that it closes; that of a killed process stays, as this one does.
      const left = createServer();
      await once(left.listen(join(folder, 'there-1.sock')), 'listening');
      renameSync(join(folder, 'there-1.sock'), join(folder, 'here-1.sock'));
      left.close();
      expect(readdirSync(folder)).toContain('here-1.sock');
      const listener = await transport.listen(at);
      expect(listener.addresses).toMatchObject([{ scheme: 'unix', ...at }]);
      await listener.close();
      expect(readdirSync(folder)).not.toContain('here-1.sock');
    }));
});
