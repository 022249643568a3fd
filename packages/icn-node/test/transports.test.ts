import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { generateKeyPair } from '@icn/identity';
import { createQuicTransport, createTlsTransport, parseAddress, type Address } from '@icn/net';
import { describe, expect, it } from '@jest/globals';
import { createNode, type IcnNode, type NodeEvent } from '../src/index.js';
import { Transports } from '../src/transports.js';
import { eventually } from '../src/demo/icn-process.js';
import { afterTest } from './support/temporary.js';

const missing = { native: { load: () => Promise.reject(new Error('no such file')) } };

describe('a machine without the native QUIC binary', () => {
  it('listens on TLS, and says so', async () => {
    const node = await createNode(
      { mdns: false },
      { transports: (given) => [createQuicTransport({ ...given, ...missing }), createTlsTransport(given)] },
    );
    afterTest(() => node.close());
    const events: NodeEvent[] = [];
    node.subscribe((event) => events.push(event));
    expect(node.addresses.length).toBeGreaterThan(0);
    expect(node.addresses.every((address) => address.startsWith('tls://'))).toBe(true);
    await eventually(
      async () => events,
      (seen) => seen.length > 0,
      5_000,
    );
    expect(events).toEqual([
      { type: 'warning', message: expect.stringMatching(/no native QUIC binary.*listens on tls:/) },
    ]);
  });

  it('does not where QUIC was asked for by name', async () => {
    const options = { mdns: false, listen: ['quic://127.0.0.1:0'] };
    const transports = (given: Parameters<typeof createTlsTransport>[0]) => [
      createQuicTransport({ ...given, ...missing }),
      createTlsTransport(given),
    ];
    await expect(createNode(options, { transports })).rejects.toMatchObject({ code: 'platform-unsupported' });
  });
});

describe('a node that is not told where to listen', () => {
  it('listens on QUIC and TLS, at one port', async () => {
    const node = await createNode({ mdns: false });
    afterTest(() => node.close());
    const addresses = node.addresses.map(parseAddress);
    expect(new Set(addresses.map(({ scheme }) => scheme))).toEqual(new Set(['quic', 'tls']));
    expect(new Set(addresses.map(({ port }) => port)).size).toBe(1);
  });
});

describe('a node whose UDP is swallowed', () => {
  it('reaches peers by TLS, and says so once', async () => {
    const blackHole = createSocket('udp4').bind(0, '127.0.0.1');
    afterTest(() => new Promise<void>((resolve) => blackHole.close(resolve)));
    await once(blackHole, 'listening');
    const dead = `quic://127.0.0.1:${blackHole.address().port}`;
    const others: IcnNode[] = [];
    for (let count = 0; count < 2; count++) {
      others.push(await createNode({ listen: ['tls://127.0.0.1:0'], mdns: false }));
      afterTest(() => others[count]!.close());
    }
    const events: NodeEvent[] = [];
    const node = await createNode({
      listen: [],
      mdns: false,
      exchange: false,
      peers: others.flatMap(({ did, addresses }) => [...addresses, `${dead}?did=${did}`]),
    });
    afterTest(() => node.close());
    node.subscribe((event) => events.push(event));
    const status = await eventually(
      async () => node.status(),
      ({ peers }) => peers.length === 2,
      10_000,
    );
    expect(status.peers.every(({ address }) => address.startsWith('tls://'))).toBe(true);
    expect(status.counters['preferred-silent']).toBe(2);
    expect(events.filter(({ type }) => type === 'warning')).toEqual([
      { type: 'warning', message: expect.stringMatching(/no answer from quic:.*UDP seems to be blocked/) },
    ]);
  });
});

describe('transports', () => {
  it('are chosen by the scheme of an address; another is an error that names those there are', async () => {
    const keyPair = generateKeyPair();
    const transports = new Transports([createTlsTransport({ keyPair })], () => undefined);
    afterTest(() => transports.close());
    const [listening] = await transports.listen([parseAddress('tls://127.0.0.1:0')]);
    expect(listening!.listener.addresses[0]!.scheme).toBe('tls');
    await expect(transports.listen([parseAddress('quic://127.0.0.1:0')])).rejects.toMatchObject({
      code: 'options-invalid',
      message: expect.stringContaining('this node listens on tls://'),
    });
  });

  it('tell others of a wildcard as such, at the port that it got, and of any other host as it was resolved', async () => {
    const transports = new Transports([createTlsTransport({ keyPair: generateKeyPair() })], () => undefined);
    afterTest(() => transports.close());
    const [any, one] = await transports.listen(['tls://0.0.0.0:0', 'tls://127.0.0.1:0'].map(parseAddress));
    const [{ port }] = any!.listener.addresses as [Address];
    expect(any!.announced).toEqual([{ scheme: 'tls', host: '0.0.0.0', port }]);
    expect(one!.announced).toEqual(one!.listener.addresses);
    expect(one!.announced[0]).toMatchObject({ host: '127.0.0.1' });
  });
});
