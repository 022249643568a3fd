import { afterEach, describe, expect, it } from '@jest/globals';
import { generateKeyPair } from '@icn/identity';
import {
  CLOSE_CODES,
  certificateOf,
  createTlsTransport,
  type Certificate,
  type CloseDetail,
  type Connection,
  type TlsLimits,
  type Transport,
} from '../src/index.js';
import { makeCertificate, newKey } from './certificates.js';
import { CLOSE, DATA, END, HELLO, PING, RawTlsClient, frame, hello, u32 } from './raw-tls.js';
import { until } from './until.js';

type Identity = Pick<Certificate, 'certPem' | 'keyPem'>;

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function listening(limits: Partial<TlsLimits> = {}): Promise<{
  transport: Transport;
  port: number;
  handedOver: Connection[];
}> {
  const transport = createTlsTransport({ keyPair: generateKeyPair(), limits });
  open.push(() => transport.close());
  const listener = await transport.listen({ host: '127.0.0.1', port: 0 });
  const handedOver: Connection[] = [];
  void (async () => {
    for await (const connection of listener) handedOver.push(connection);
  })();
  return { transport, port: listener.addresses[0]?.port ?? 0, handedOver };
}

async function dialRaw(...options: Parameters<typeof RawTlsClient.dial>): Promise<RawTlsClient> {
  const client = await RawTlsClient.dial(...options);
  open.push(() => client.close());
  return client;
}

/** What was counted at all. */
function counted({ counters }: Transport): Record<string, number> {
  return Object.fromEntries(Object.entries(counters).filter(([, count]) => count > 0));
}

const key = newKey('ed25519');
const rsa = newKey('rsa');
const fresh = (): Identity => certificateOf(generateKeyPair());

describe('a peer is refused before anybody gets it, and told why', () => {
  it.each<[string, () => Identity | undefined, object, keyof typeof CLOSE_CODES, string, CloseDetail]>([
    ['with no certificate', () => undefined, {}, 'peer-unproven', 'no certificate', 'certificate-missing'],
    [
      'with a certificate that another key signed',
      () => makeCertificate('ed25519', key, newKey('ed25519')),
      {},
      'peer-unproven',
      'self-signed',
      'certificate-signature',
    ],
    [
      'with a certificate that has expired',
      () => makeCertificate('ed25519', key, key, ['000101000000Z', '010101000000Z']),
      {},
      'peer-unproven',
      'expired',
      'certificate-expired',
    ],
    [
      'with an RSA certificate',
      () => makeCertificate('rsa', rsa, rsa),
      {},
      'peer-unproven',
      'not the certificate of an Ed25519 key',
      'certificate-key-type',
    ],
    [
      'with no ALPN',
      fresh,
      { ALPNProtocols: undefined },
      'protocol-error',
      'does not speak icn-mux/1',
      'alpn-mismatch',
    ],
  ])('%s', async (_name, identity, options, code, text, counter) => {
    const { transport, port, handedOver } = await listening();
    const client = await dialRaw(port, identity(), options);
    client.send(hello());
    await until(() => client.closed !== undefined && client.isClosed);
    expect(client.closed?.code).toBe(CLOSE_CODES[code]);
    expect(client.closed?.text).toContain(text);
    expect(client.of(HELLO)).toEqual([]);
    expect(counted(transport)).toEqual({ [counter]: 1 });
    expect(handedOver).toEqual([]);
  });

  it.each<[string, () => Identity, object, string, string]>([
    ['with another ALPN', fresh, { ALPNProtocols: ['icn/1'] }, 'NO_APPLICATION_PROTOCOL', 'alpn-mismatch'],
    [
      'with TLS 1.2',
      fresh,
      { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' },
      'PROTOCOL_VERSION',
      'handshake-failed',
    ],
  ])('%s, already by TLS', async (_name, identity, options, alert, counter) => {
    const { transport, port, handedOver } = await listening();
    const client = await dialRaw(port, identity(), options);
    await until(() => client.isClosed);
    expect(client.error).toMatchObject({ code: expect.stringContaining(alert) as unknown });
    expect(client.frames).toEqual([]);
    await until(() => transport.counters[counter] === 1);
    expect(counted(transport)).toEqual({ [counter]: 1 });
    expect(handedOver).toEqual([]);
  });

  it.each<[string, Buffer]>([
    ['other letters', frame(HELLO, 0, Buffer.concat([Buffer.from('GET '), u32(1, 1, 1)]))],
    ['another version', frame(HELLO, 0, Buffer.concat([Buffer.from('ICN\u0002'), u32(1, 1, 1)]))],
    ['data', frame(DATA, 0, Buffer.from('early'))],
    ['an end', frame(END, 0)],
    ['a ping', frame(PING, 0, Buffer.alloc(8))],
    ['no frame', Buffer.from('GET / HTTP/1.1\r\n')],
  ])('with %s in place of the hello', async (_name, bytes) => {
    const { transport, port, handedOver } = await listening();
    const client = await dialRaw(port, fresh());
    client.send(bytes, hello());
    await until(() => client.closed !== undefined && client.isClosed);
    expect(client.closed?.code).toBe(CLOSE_CODES['protocol-error']);
    expect(transport.counters).toMatchObject({ 'refused-protocol-error': 1, 'frame-refused': 0 });
    expect(handedOver).toEqual([]);
  });

  it('with silence after the TLS handshake: at the deadline', async () => {
    const { transport, port, handedOver } = await listening({ handshakeTimeoutMs: 200 });
    const client = await dialRaw(port, fresh());
    await until(() => client.isClosed);
    expect(client.of(HELLO)).toHaveLength(1);
    expect(client.of(CLOSE)).toHaveLength(1);
    expect(counted(transport)).toEqual({ 'handshake-slow': 1 });
    expect(handedOver).toEqual([]);
  });

  it('and one with a good certificate and the hello is handed over', async () => {
    const { transport, port, handedOver } = await listening();
    const client = await dialRaw(port, fresh());
    client.send(hello());
    await until(() => handedOver.length === 1);
    expect(counted(transport)).toEqual({});
  });
});

describe('a session', () => {
  it('is never resumed: a peer shows its certificate each time', async () => {
    const { port, handedOver } = await listening();
    const identity = fresh();
    const sessions: Buffer[] = [];
    const first = await dialRaw(port, identity);
    first.socket.on('session', (session) => sessions.push(session));
    first.send(hello());
    await until(() => handedOver.length === 1 && sessions.length > 0);
    const [session] = sessions;
    const second = await dialRaw(port, identity, { session });
    expect(second.socket.isSessionReused()).toBe(false);
    second.send(hello());
    await until(() => handedOver.length === 2);
  });
});

describe('the node has the last word', () => {
  it('a DID that is not admitted is refused on both sides', async () => {
    const acceptor = createTlsTransport({ keyPair: generateKeyPair(), admit: () => 'blocked' });
    const dialler = createTlsTransport({ keyPair: generateKeyPair() });
    open.push(
      () => acceptor.close(),
      () => dialler.close(),
    );
    const [address] = (await acceptor.listen({ host: '127.0.0.1', port: 0 })).addresses;
    if (address === undefined) throw new Error('no address');
    await expect(dialler.dial(address)).rejects.toMatchObject({
      code: 'dial-failed',
      reason: { code: 'blocked', by: 'peer' },
    });
    expect(acceptor.counters).toMatchObject({ 'refused-blocked': 1 });
    expect(dialler.counters).toMatchObject({ 'refused-by-peer-blocked': 1 });
  });

  it('a full listener says so, and has room again for the next', async () => {
    const { transport, port, handedOver } = await listening({ connectionsMax: 1 });
    const address = { scheme: 'tls', host: '127.0.0.1', port };
    const [one, two] = [0, 1].map(() => {
      const dialler = createTlsTransport({ keyPair: generateKeyPair() });
      open.push(() => dialler.close());
      return dialler;
    });
    const first = await one?.dial(address);
    await expect(two?.dial(address)).rejects.toMatchObject({ reason: { code: 'too-many', by: 'peer' } });
    expect(transport.counters).toMatchObject({ 'refused-too-many': 1 });
    await first?.close();
    await until(() => handedOver.length === 1);
    await handedOver[0]?.closed;
    await two?.dial(address);
    await until(() => handedOver.length === 2);
  });
});
