import { generateKeyPair } from '@icn/identity';
import { describe, expect, it } from '@jest/globals';
import {
  createMemoryTransport,
  createQuicTransport,
  createTlsTransport,
  MemoryNetwork,
  type Transport,
  type QuicTransportOptions,
} from '../src/index.js';
import { until } from './until.js';

type Options = Pick<QuicTransportOptions, 'keyPair' | 'onTwin'>;

const network = new MemoryNetwork();
const adapters: readonly { name: string; host: string; create: (options: Options) => Transport }[] = [
  { name: 'memory', host: 'here', create: (options) => createMemoryTransport({ ...options, network }) },
  { name: 'quic', host: '127.0.0.1', create: createQuicTransport },
  { name: 'tls', host: '127.0.0.1', create: createTlsTransport },
];

describe.each(adapters)('two $name transports of one key', ({ host, create }) => {
  it('both learn of each other when one dials the other', async () => {
    const keyPair = generateKeyPair();
    const met: string[] = [];
    const a = create({ keyPair, onTwin: () => met.push('a') });
    const b = create({ keyPair, onTwin: () => met.push('b') });
    const { did: _did, ...address } = (await a.listen({ host, port: 0 })).addresses[0]!;
    await expect(b.dial(address)).rejects.toMatchObject({ reason: { code: 'own-did' } });
    await until(() => met.length === 2);
    expect(met.toSorted()).toEqual(['a', 'b']);
    await Promise.all([a.close(), b.close()]);
  });
});

describe.each(adapters)('a $name transport', ({ host, create }) => {
  it('does not take itself for another, nor a stranger for itself', async () => {
    const keyPair = generateKeyPair();
    let metCount = 0;
    const onTwin = () => (metCount += 1);
    const own = create({ keyPair, onTwin });
    const stranger = create({ keyPair: generateKeyPair(), onTwin });
    const { did: _did, ...address } = (await own.listen({ host, port: 0 })).addresses[0]!;
    await expect(own.dial(address)).rejects.toMatchObject({ reason: { code: 'own-did' } });
    const connection = await stranger.dial(address);
    await connection.close();
    expect(metCount).toBe(0);
    await Promise.all([own.close(), stranger.close()]);
    expect(metCount).toBe(0);
  });
});
