import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import quiche from '@matrixai/quic/native/quiche.js';
import { generateKeyPair } from '@icn/identity';
import { NetError, certificateOf, createQuicTransport } from '../src/index.js';
import { loadNativeQuic } from '../src/quic/native.js';
import { rawConfig } from './raw-quic.js';

const relied = {
  Config: [
    'enableDgram',
    'grease',
    'setActiveConnectionIdLimit',
    'setApplicationProtos',
    'setCcAlgorithmName',
    'setInitialMaxData',
    'setInitialMaxStreamDataBidiLocal',
    'setInitialMaxStreamDataBidiRemote',
    'setInitialMaxStreamDataUni',
    'setInitialMaxStreamsBidi',
    'setInitialMaxStreamsUni',
    'setMaxConnectionWindow',
    'setMaxIdleTimeout',
    'setMaxRecvUdpPayloadSize',
    'setMaxSendUdpPayloadSize',
    'setMaxStreamWindow',
  ],
  Connection: [
    'applicationProto',
    'close',
    'dgramMaxWritableLen',
    'dgramRecvVec',
    'dgramSend',
    'dgramSendQueueLen',
    'isClosed',
    'isDraining',
    'isEstablished',
    'isTimedOut',
    'localError',
    'maxSendUdpPayloadSize',
    'newSourceCid',
    'onTimeout',
    'peerCertChain',
    'peerError',
    'peerStreamsLeftBidi',
    'readable',
    'recv',
    'retiredScidNext',
    'send',
    'sendAckEliciting',
    'sourceCidsLeft',
    'stats',
    'streamPriority',
    'streamReadable',
    'streamRecv',
    'streamSend',
    'streamShutdown',
    'timeout',
    'writable',
  ],
} as const;

type Native = ReturnType<typeof quiche.Connection.connect>;

/** Two quiche connections without sockets: what happens is exactly what the test lets happen. */
function pair(): {
  a: Native;
  b: Native;
  from: (side: Native) => Buffer[];
  to: (side: Native, datagrams: readonly Buffer[]) => void;
} {
  const hosts = [
    { host: '127.0.0.1', port: 1 },
    { host: '127.0.0.1', port: 2 },
  ] as const;
  const a = quiche.Connection.connect(
    null,
    Buffer.alloc(16, 1),
    hosts[0],
    hosts[1],
    rawConfig(certificateOf(generateKeyPair())),
  );
  const b = quiche.Connection.accept(
    Buffer.alloc(16, 2),
    null,
    hosts[1],
    hosts[0],
    rawConfig(certificateOf(generateKeyPair())),
  );
  const from = (side: Native): Buffer[] => {
    const datagrams: Buffer[] = [];
    for (;;) {
      const datagram = Buffer.alloc(1350);
      const sent = side.send(datagram);
      if (sent === null) return datagrams;
      datagrams.push(datagram.subarray(0, sent[0]));
    }
  };
  const to = (side: Native, datagrams: readonly Buffer[]): void => {
    const [own, peer] = side === a ? hosts : [hosts[1], hosts[0]];
    for (const datagram of datagrams) side.recv(datagram, { from: peer, to: own });
  };
  for (let i = 0; i < 10; i += 1) {
    to(b, from(a));
    to(a, from(b));
  }
  return { a, b, from, to };
}

describe('the native binding', () => {
  it('is the version that was looked at', () => {
    const { version } = createRequire(import.meta.url)('@matrixai/quic/package.json') as { version: string };
    expect(version).toBe('2.0.9');
  });

  it('has every function that the adapter calls', () => {
    expect(typeof quiche.negotiateVersion).toBe('function');
    expect(typeof quiche.retry).toBe('function');
    expect(quiche.Shutdown.Write).toBe(1);
    expect(typeof quiche.Config.withBoringSslCtx).toBe('function');
    expect(typeof quiche.Connection.connect).toBe('function');
    expect(typeof quiche.Connection.accept).toBe('function');
    for (const [name, functions] of Object.entries(relied)) {
      const prototype = quiche[name as 'Config' | 'Connection'] as unknown as { prototype: object };
      const present = Object.getOwnPropertyNames(prototype.prototype);
      expect(functions.filter((each) => !present.includes(each))).toEqual([]);
    }
  });

  // When one of the next three fails, quiche has been repaired: see docs/decisions/0002-native-quic-binding.md for what can go.
  it('loses a FIN of its own when everything before it is acknowledged first, and keeps one that carries a byte', () => {
    for (const [end, isKept] of [
      [new Uint8Array(0), false],
      [Uint8Array.of(0), true],
    ] as const) {
      const { a, b, from, to } = pair();
      const room = new Uint8Array(100);
      a.streamSend(0, Buffer.from('question'), true);
      to(b, from(a));
      b.streamRecv(0, room);
      b.streamSend(0, Buffer.from('answer'), false);
      to(a, from(b));
      a.streamRecv(0, room);
      const acknowledgements = from(a);
      b.streamSend(0, end, true);
      to(b, acknowledgements);
      to(a, from(b));
      expect(a.streamRecv(0, room)?.[1] ?? false).toBe(isKept);
    }
  });

  it('never forgets a stream whose receiving half was shut down after its reset was acknowledged', () => {
    for (const [isShutDown, isStuck] of [
      [true, true],
      [false, false],
    ] as const) {
      const { a, b, from, to } = pair();
      const exchange = (): void => {
        for (let i = 0; i < 4; i += 1) {
          to(b, from(a));
          to(a, from(b));
        }
      };
      const isReset = (side: Native, id: number): void => {
        expect(() => side.streamRecv(id, new Uint8Array(100))).toThrow(/StreamReset/);
      };
      let opened = 0;
      for (let id = 0; opened < 40 && a.peerStreamsLeftBidi() > 0; id += 4, opened += 1) {
        a.streamSend(id, Buffer.from('question'), false);
        exchange();
        b.streamShutdown(id, quiche.Shutdown.Write, 0);
        exchange();
        if (isShutDown) b.streamShutdown(id, quiche.Shutdown.Read, 0);
        else b.streamRecv(id, new Uint8Array(100));
        exchange();
        isReset(a, id);
        if (!isShutDown) {
          a.streamShutdown(id, quiche.Shutdown.Write, 0);
          isReset(a, id);
          exchange();
          isReset(b, id);
        }
        exchange();
      }
      expect(opened < 40).toBe(isStuck);
    }
  });

  it('never gives back the connection credit of unread bytes of a reset stream', () => {
    const { a, b, from, to } = pair();
    const exchange = (): void => {
      for (let i = 0; i < 20; i += 1) {
        to(b, from(a));
        to(a, from(b));
      }
    };
    const payload = Buffer.alloc(60_000);
    let sent = 0;
    for (let id = 0; id < 4 * 40; id += 4) {
      if (a.peerStreamsLeftBidi() === 0) break;
      for (let round = 0, offset = 0; round < 50 && offset < payload.length; round += 1) {
        const taken = a.streamSend(id, payload.subarray(offset), false) ?? 0;
        offset += taken;
        sent += taken;
        exchange();
      }
      a.streamShutdown(id, quiche.Shutdown.Write, 0);
      exchange();
      b.streamShutdown(id, quiche.Shutdown.Write, 0);
      expect(() => b.streamRecv(id, new Uint8Array(10))).toThrow(/StreamReset/);
      exchange();
      expect(() => a.streamRecv(id, new Uint8Array(10))).toThrow(/StreamReset/);
    }
    // The credit of `rawConfig` is 1 MiB and was never renewed.
    expect(sent).toBeLessThanOrEqual(1 << 20);
  });
});

describe('a platform without the binary', () => {
  const load = (): Promise<never> => Promise.reject(new Error('Cannot find module'));

  it.each([
    [
      { platform: 'linux', arch: 'arm64', libc: 'glibc' },
      /linux-arm64-glibc.*linux-x64 with glibc, macOS or Windows x64/,
    ],
    [{ platform: 'linux', arch: 'x64', libc: 'musl' }, /linux-x64-musl.*transport other than quic/],
    [{ platform: 'linux', arch: 'x64', libc: 'glibc' }, /not installed.*--omit=optional/],
    [{ platform: 'win32', arch: 'arm64' }, /win32-arm64\./],
  ] as const)('%j is named, with what to do', async (where, message) => {
    const loading = loadNativeQuic({ load, ...where });
    await expect(loading).rejects.toThrow(NetError);
    await expect(loading).rejects.toMatchObject({
      code: 'platform-unsupported',
      message: expect.stringMatching(message) as unknown,
    });
  });

  it('fails listen and dial, and closes all the same', async () => {
    const transport = createQuicTransport({ keyPair: generateKeyPair(), native: { load } });
    await expect(transport.listen({ host: '127.0.0.1', port: 0 })).rejects.toMatchObject({
      code: 'platform-unsupported',
    });
    await expect(transport.dial({ scheme: 'quic', host: '127.0.0.1', port: 9 })).rejects.toMatchObject({
      code: 'platform-unsupported',
    });
    await transport.close();
  });
});
