import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { generateKeyPair, type Did } from '@icn/identity';
import bonjourService from 'bonjour-service';
import {
  createMdns,
  createStaticPeers,
  parseAddress,
  type DiscoveryEvent,
  type Mdns,
  type MdnsOptions,
} from '../src/index.js';
import { onLinkHosts } from '../src/mdns/on-link.js';
import { peerOf, type ServiceClaim } from '../src/mdns/service-record.js';
import { until } from './until.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

/** Test runs beside each other on one machine do not find each other. */
const network = `test-${process.pid}`;

function create(options: Partial<MdnsOptions> = {}): { mdns: Mdns; did: Did; events: DiscoveryEvent[] } {
  const { did } = generateKeyPair();
  const mdns = createMdns({ did, network, interfaces: ['127.0.0.1'], ...options });
  open.push(mdns);
  const events: DiscoveryEvent[] = [];
  void (async () => {
    for await (const event of mdns.watch()) events.push(event);
  })();
  return { mdns, did, events };
}

function foundBy(events: readonly DiscoveryEvent[], did: Did): boolean {
  return events.some((event) => event.type === 'found' && event.peer.did === did);
}

describe('mDNS on loopback', () => {
  it('two nodes find each other, with an address to dial, and see a goodbye', async () => {
    const a = create();
    const b = create();
    await a.mdns.announce(4321);
    await b.mdns.announce(4322);
    await until(() => foundBy(a.events, b.did) && foundBy(b.events, a.did));
    const [found] = b.events;
    expect(found).toMatchObject({ type: 'found', peer: { did: a.did } });
    expect(found?.type === 'found' && found.peer.addresses[0]).toEqual({
      scheme: 'quic',
      host: '127.0.0.1',
      port: 4321,
      did: a.did,
    });

    await a.mdns.close();
    await until(() => b.events.some((event) => event.type === 'lost' && event.did === a.did));
  });

  it('finds who announced before it came', async () => {
    const a = create();
    await a.mdns.announceService('_icn._udp.local', 4321);
    const b = create();
    await until(() => foundBy(b.events, a.did));
    expect((await b.mdns.discoverPeers({ timeoutMs: 1 })).map(({ did }) => did)).toEqual([a.did]);
  });

  it('ignores itself, counted', async () => {
    const { mdns, events } = create();
    await mdns.announce(4321);
    await until(() => mdns.counters.own > 0);
    expect(events).toEqual([]);
  });

  it('tells of another that says it is this very peer: whether it is, who dials it finds out', async () => {
    const a = create();
    const b = create({ did: a.did });
    await b.mdns.announce(4324);
    await until(() => foundBy(a.events, a.did));
    expect(foundBy(b.events, a.did)).toBe(false);
  });

  it('keeps networks apart', async () => {
    const a = create();
    const stranger = create({ network: `${network}-other` });
    await a.mdns.announce(4321);
    await until(() => stranger.mdns.counters['other-network'] > 0);
    expect(stranger.events).toEqual([]);
  });

  it('names services by the rules of DNS-SD', async () => {
    const { mdns } = create();
    await expect(mdns.announceService('icn', 1)).rejects.toMatchObject({ code: 'address-invalid' });
    await expect(mdns.announceService('_icn._sctp.local', 1)).rejects.toMatchObject({
      code: 'address-invalid',
    });
  });

  it('bounds what strangers can make it remember', async () => {
    const crowd = Array.from({ length: 6 }, () => create());
    const small = create({ peersMax: 2 });
    await Promise.all(crowd.map(({ mdns }, i) => mdns.announceService('_icn._udp.local', 5000 + i)));
    await until(
      () => small.mdns.counters['peers-cap'] > 0,
      () => small.mdns.counters,
    );
    expect((await small.mdns.discoverPeers({ timeoutMs: 1 })).length).toBe(2);
  });

  it('lives through hostile services and packets', async () => {
    const { mdns, events } = create();
    const config = { interface: '127.0.0.1', bind: '0.0.0.0' } as ConstructorParameters<
      typeof bonjourService
    >[0];
    const hostile = new bonjourService(config, () => {});
    open.push({ close: () => new Promise((resolve) => hostile.destroy(resolve)) });
    for (const [i, txt] of [{}, { version: '1', did: 'did:icn:zzz' }, { version: '9' }].entries()) {
      hostile.publish({
        name: `hostile-${network}-${i}`,
        type: 'icn',
        protocol: 'udp',
        port: 1,
        txt,
        probe: false,
      });
    }
    await until(() => mdns.counters['txt-invalid'] > 0);

    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    socket.setMulticastInterface('127.0.0.1');
    const junk = [Buffer.alloc(0), Buffer.from('junk'), Buffer.alloc(12), Buffer.alloc(512, 0xff)];
    for (const datagram of junk) socket.send(datagram, 5353, '224.0.0.251');
    const a = create();
    await a.mdns.announce(4321);
    await until(() => foundBy(events, a.did));
    socket.close();
  });

  it('without multicast warns once and lives on', async () => {
    const warnings: string[] = [];
    // An address of a network for documentation (RFC 5737), which no interface has.
    const { mdns, events } = create({
      interfaces: ['203.0.113.7'],
      onWarning: (text) => warnings.push(text),
    });
    await mdns.announce(4321);
    await until(() => warnings.length > 0);
    await mdns.discoverPeers({ timeoutMs: 20 });
    expect(warnings).toEqual([
      expect.stringMatching(/mDNS does not work on 203\.0\.113\.7.*name them by address/),
    ]);
    expect(events).toEqual([]);
  });

  it('ends its watchers when it closes or their signal says so', async () => {
    const { mdns } = create();
    const abort = new AbortController();
    const watching = [mdns.watch(abort.signal), mdns.watch()].map((events) =>
      events[Symbol.asyncIterator]().next(),
    );
    abort.abort();
    expect((await watching[0])?.done).toBe(true);
    await mdns.close();
    expect((await watching[1])?.done).toBe(true);
    expect((await mdns.watch()[Symbol.asyncIterator]().next()).done).toBe(true);
  });
});

describe('a service record', () => {
  const { did } = generateKeyPair();
  const txt = { transport: 'quic', port: '4321', did, version: '1', network: 'icn' };
  const referer = { address: '192.0.2.7' };
  const wanted = { transport: 'quic', network: 'icn' };

  it('names a peer by the address that it came from, then by those it names', () => {
    expect(
      peerOf({ txt, referer, addresses: ['192.0.2.7', '198.51.100.1', '2001:db8::1'] }, wanted, () => true),
    ).toEqual({
      did,
      addresses: ['192.0.2.7', '198.51.100.1', '2001:db8::1'].map((host) => ({
        scheme: 'quic',
        host,
        port: 4321,
        did,
      })),
    });
  });

  it.each([
    [{ referer }],
    [{ txt: 'text', referer }],
    [{ txt: { ...txt, did: 'did:icn:z' }, referer }],
    [{ txt: { ...txt, did: 7 }, referer }],
    [{ txt: { ...txt, port: '0' }, referer }],
    [{ txt: { ...txt, port: '65536' }, referer }],
    [{ txt: { ...txt, port: '1e3' }, referer }],
    [{ txt: { ...txt, version: '2' }, referer }],
    [{ txt, addresses: ['example.org', 'fe80::1', '224.0.0.1', 7] }],
    [{ txt, referer: { address: null } }],
  ])('%j is refused', (claim) => {
    expect(peerOf(claim, wanted, () => true)).toBe('txt-invalid');
  });

  it('sends nobody to an address that is not on link, nor to our own loopback from elsewhere', () => {
    const isOnLink = (host: string) => host.startsWith('192.0.2.') || host.startsWith('127.');
    const hostsOf = (claim: ServiceClaim) => {
      const peer = peerOf(claim, wanted, isOnLink);
      return typeof peer === 'string' ? peer : peer.addresses.map(({ host }) => host);
    };
    const addresses = ['8.8.8.8', '192.0.2.9', '127.0.0.1', '2001:db8::1'];
    expect(hostsOf({ txt, referer, addresses })).toEqual(['192.0.2.7', '192.0.2.9']);
    expect(hostsOf({ txt, referer: { address: '198.51.100.1' }, addresses: ['8.8.8.8'] })).toBe('off-link');
    expect(hostsOf({ txt, referer: { address: '127.0.0.1' } })).toEqual(['127.0.0.1']);
  });

  it('knows this machine to be on link, and a network for documentation (RFC 5737) not to be', () => {
    expect(['127.0.0.1', '203.0.113.7'].map(onLinkHosts())).toEqual([true, false]);
  });

  it('keeps a bounded number of addresses', () => {
    const addresses = Array.from({ length: 300 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
    const peer = peerOf({ txt, referer, addresses }, wanted, () => true);
    expect(typeof peer === 'object' && peer.addresses.length).toBe(8);
  });
});

it('static peers are found at once', async () => {
  const address = parseAddress('quic://127.0.0.1:4321');
  const found: DiscoveryEvent[] = [];
  for await (const event of createStaticPeers([address]).watch()) found.push(event);
  expect(found).toEqual([{ type: 'found', peer: { did: undefined, addresses: [address] } }]);
});
