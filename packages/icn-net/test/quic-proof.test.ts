import { afterEach, describe, expect, it } from '@jest/globals';
import { generateKeyPair } from '@icn/identity';
import {
  ALPN,
  CLOSE_CODES,
  PREFACE,
  certificateOf,
  createQuicTransport,
  type CloseDetail,
  type Listener,
  type Transport,
} from '../src/index.js';
import { createRefusalCounters } from '../src/refusals.js';
import { makeCertificate, newKey } from './certificates.js';
import { RawClient, rawConfig, type RawIdentity } from './raw-quic.js';
import { until } from './until.js';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function listening(): Promise<{
  transport: Transport;
  listener: Listener;
  port: number;
  handedOver: () => number;
}> {
  const transport = createQuicTransport({ keyPair: generateKeyPair(), limits: { handshakeTimeoutMs: 700 } });
  open.push(() => transport.close());
  const listener = await transport.listen({ host: '127.0.0.1', port: 0 });
  let count = 0;
  void (async () => {
    const connections = listener[Symbol.asyncIterator]();
    while ((await connections.next()).done !== true) count += 1;
  })();
  return { transport, listener, port: listener.addresses[0]?.port ?? 0, handedOver: () => count };
}

async function dialRaw(
  port: number,
  identity: RawIdentity | undefined,
  alpn?: readonly string[],
): Promise<RawClient> {
  const client = await RawClient.dial(port, rawConfig(identity, alpn));
  open.push(() => client.close());
  return client;
}

/** How connections ended that nobody got. */
function counted({ counters }: Transport): Record<string, number> {
  const seen: Record<string, number> = {};
  for (const name of Object.keys(createRefusalCounters()))
    if (counters[name] !== 0) seen[name] = counters[name] ?? 0;
  return seen;
}

const expired = ['000101000000Z', '010101000000Z'] as const;
const key = newKey('ed25519');
const other = certificateOf(generateKeyPair());
const rsa = newKey('rsa');
const rsaCertificate = makeCertificate('rsa', rsa, rsa);
const twoCertificates = makeCertificate('ed25519', key, key);

describe('a peer is refused before anybody gets it, and told why', () => {
  it.each<[string, RawIdentity, string, CloseDetail]>([
    [
      'with a certificate that another key signed',
      makeCertificate('ed25519', key, newKey('ed25519')),
      'self-signed',
      'certificate-signature',
    ],
    [
      'with two certificates',
      { ...twoCertificates, certPem: twoCertificates.certPem + other.certPem },
      'more than one',
      'certificate-surplus',
    ],
    [
      'with a certificate that has expired',
      makeCertificate('ed25519', key, key, expired),
      'expired',
      'certificate-expired',
    ],
    ['with an RSA certificate', rsaCertificate, 'not the certificate of an Ed25519', 'certificate-key-type'],
  ])('%s', async (_name, identity, text, counter) => {
    const { transport, port, handedOver } = await listening();
    const client = await dialRaw(port, identity);
    await until(() => client.native.peerError() !== null);
    const error = client.native.peerError();
    expect(error).toMatchObject({ isApp: true, errorCode: CLOSE_CODES['peer-unproven'] });
    expect(Buffer.from(error?.reason ?? []).toString()).toContain(text);
    expect(counted(transport)).toEqual({ [counter]: 1 });
    expect(handedOver()).toBe(0);
  });

  it.each<[string, RawIdentity | undefined, string, number, CloseDetail]>([
    ['with no certificate', undefined, ALPN, 116, 'certificate-missing'],
    ['with another ALPN', other, 'h3', 120, 'alpn-mismatch'],
  ])('%s, already by TLS', async (_name, identity, alpn, alert, counter) => {
    const { transport, port, handedOver } = await listening();
    const client = await dialRaw(port, identity, [alpn]);
    await until(() => client.native.peerError() !== null);
    expect(client.native.peerError()?.errorCode).toBe(0x100 + alert);
    await until(() => transport.counters[counter] === 1);
    expect(counted(transport)).toEqual({ [counter]: 1 });
    expect(handedOver()).toBe(0);
  });

  it('with something else than the preface', async () => {
    const { transport, port, handedOver } = await listening();
    for (const preface of [
      Buffer.from('GET '),
      Buffer.from('ICN'),
      Buffer.from('ICN\u0001more'),
      Buffer.alloc(0),
    ]) {
      const client = await dialRaw(port, certificateOf(generateKeyPair()));
      await until(() => client.native.isEstablished());
      client.native.streamSend(2, preface, true);
      client.flush();
      await until(() => client.native.peerError()?.errorCode === CLOSE_CODES['protocol-error']);
    }
    expect(transport.counters).toMatchObject({ 'refused-protocol-error': 4 });
    expect(handedOver()).toBe(0);
  });

  it('with a stream of the application before the preface: nothing of it is looked at', async () => {
    const { port, handedOver } = await listening();
    const client = await dialRaw(port, certificateOf(generateKeyPair()));
    await until(() => client.native.isEstablished());
    client.native.streamSend(0, Buffer.from('early'), true);
    client.flush();
    await until(() => client.native.peerError() !== null);
    expect(Buffer.from(client.native.peerError()?.reason ?? []).toString()).toContain('too long');
    expect(handedOver()).toBe(0);
  });

  it('and one with a good certificate and the preface is handed over', async () => {
    const { port, handedOver } = await listening();
    const client = await dialRaw(port, certificateOf(generateKeyPair()));
    await until(() => client.native.isEstablished());
    client.native.streamSend(2, PREFACE, true);
    client.flush();
    await until(() => handedOver() === 1);
  });
});

describe('after it is handed over', () => {
  it('a second unidirectional stream ends the connection', async () => {
    const { port, handedOver } = await listening();
    const client = await dialRaw(port, certificateOf(generateKeyPair()));
    await until(() => client.native.isEstablished());
    client.native.streamSend(2, PREFACE, true);
    client.flush();
    await until(() => handedOver() === 1 && client.native.peerStreamsLeftUni() > 0);
    client.native.streamSend(6, Buffer.from('more'), true);
    client.flush();
    await until(() => client.native.peerError()?.errorCode === CLOSE_CODES['protocol-error']);
  });

  it('the node has the last word: a DID that is not admitted is refused on both sides', async () => {
    const keyPair = generateKeyPair();
    const acceptor = createQuicTransport({ keyPair, admit: () => 'blocked' });
    const dialler = createQuicTransport({ keyPair: generateKeyPair() });
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
});
