import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { generateKeyPair, type Did } from '@icn/identity';
import bonjourService from 'bonjour-service';
import {
  createMdns,
  createStaticPeers,
  formatAddress,
  parseAddress,
  type Address,
  type DiscoveryEvent,
  type Mdns,
  type MdnsOptions,
} from '../src/index.js';
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

function at(port: number): Address[] {
  return [{ scheme: 'quic', host: '0.0.0.0', port }];
}

function foundBy(events: readonly DiscoveryEvent[], did: Did): boolean {
  return events.some((event) => event.type === 'found' && event.peer.did === did);
}

/** bonjour-service as it is. */
function libraryAlone(): bonjourService {
  const config = { interface: '127.0.0.1', bind: '0.0.0.0' } as ConstructorParameters<
    typeof bonjourService
  >[0];
  const bonjour = new bonjourService(config, () => {});
  open.push({ close: () => new Promise((resolve) => bonjour.destroy(resolve)) });
  return bonjour;
}

describe('mDNS on loopback', () => {
  it('two nodes find each other, with an address to dial, and see a goodbye', async () => {
    const a = create();
    const b = create();
    await a.mdns.announce(at(4321));
    await b.mdns.announce(at(4322));
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
    await mdns.announce(at(4321));
    await until(() => mdns.counters.own > 0);
    expect(events).toEqual([]);
  });

  it('tells of another that says it is this very peer: whether it is, who dials it finds out', async () => {
    const a = create();
    const b = create({ did: a.did });
    await b.mdns.announce(at(4324));
    await until(() => foundBy(a.events, a.did));
    expect(foundBy(b.events, a.did)).toBe(false);
  });

  it('keeps networks apart', async () => {
    const a = create();
    const stranger = create({ network: `${network}-other` });
    await a.mdns.announce(at(4321));
    await until(() => stranger.mdns.counters['other-network'] > 0);
    expect(stranger.events).toEqual([]);
  });

  it('names services by the rules of DNS-SD', async () => {
    const { mdns } = create();
    await expect(mdns.announceService('icn', 1)).rejects.toMatchObject({ code: 'address-invalid' });
    await expect(mdns.announceService('_icn._sctp.local', 1)).rejects.toMatchObject({
      code: 'address-invalid',
    });
    await expect(mdns.announceService('_icn._udp.local', 0)).rejects.toMatchObject({
      code: 'address-invalid',
    });
  });

  it('announces each transport at its own port, and finds each by its scheme', async () => {
    const a = create();
    const b = create();
    const loopback = { host: '127.0.0.1', did: a.did };
    await a.mdns.announce([
      { scheme: 'quic', ...loopback, port: 4321 },
      { scheme: 'quic', ...loopback, port: 4325 },
      { scheme: 'tls', ...loopback, port: 4322 },
      { scheme: 'memory', ...loopback, port: 4323 },
      { scheme: 'quic', host: '192.0.2.1', port: 4324 },
    ]);
    const addresses = (): ReadonlySet<string> =>
      new Set(
        b.events.flatMap((event) => (event.type === 'found' ? event.peer.addresses : [])).map(formatAddress),
      );
    await until(
      () => addresses().size === 3,
      () => [...addresses()],
    );
    const expected = ['quic://127.0.0.1:4321', 'quic://127.0.0.1:4325', 'tls://127.0.0.1:4322'];
    expect(addresses()).toEqual(new Set(expected.map((text) => `${text}?did=${a.did}`)));
  });

  it('passes over the transports that it cannot dial', async () => {
    const a = create();
    const b = create({ transports: ['tls'] });
    await a.mdns.announceService('_icn._udp.local', 4321);
    await until(() => b.mdns.counters['transport-unknown'] > 0);
    expect(b.events).toEqual([]);
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

  it('lives through hostile services and packets, each counted by name', async () => {
    const { mdns, events } = create();
    const hostile = libraryAlone();
    for (const [i, txt] of [{}, { version: '1', did: 'did:icn:zzz' }, { version: '9' }].entries()) {
      const name = `hostile-${network}-${i}`;
      hostile.publish({
        name,
        host: `${name}.local`,
        type: 'icn',
        protocol: 'udp',
        port: 1,
        txt,
        probe: false,
      });
    }
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    socket.setMulticastInterface('127.0.0.1');
    const junk = [Buffer.alloc(0), Buffer.from('junk'), Buffer.alloc(512, 0xff), Buffer.alloc(9_001)];
    const [query, response] = [Buffer.alloc(12), Buffer.alloc(12)];
    response[2] = 0x84;
    for (const datagram of [...junk, query, response]) socket.send(datagram, 5353, '224.0.0.251');
    const seen = () => mdns.counters;
    await until(() => seen()['txt-invalid'] >= 3 && seen()['packet-malformed'] >= 3, seen);
    await until(
      () => seen()['packet-too-long'] > 0 && seen()['response-port'] > 0 && seen()['query-legacy'] > 0,
      seen,
    );
    const a = create();
    await a.mdns.announce(at(4321));
    await until(() => foundBy(events, a.did));
    socket.close();
  });

  it('meets the library without anything around it: finds its service, and is found by it, for 75 s', async () => {
    const { mdns, did, events } = create();
    await mdns.announceService('_icn._udp.local', 4321);
    const other = libraryAlone();
    const seen: unknown[] = [];
    other.find({ type: 'icn', protocol: 'udp' }, ({ txt, port, ttl, addresses }) => {
      if ((txt as { did?: string } | undefined)?.did === did)
        seen.push({ txt: txt as unknown, port, ttl, addresses });
    });
    const there = generateKeyPair().did;
    const txt = { transport: 'quic', port: '4322', did: there, version: '1', network };
    const name = `other-${network}`;
    other.publish({ name, host: `${name}.local`, type: 'icn', protocol: 'udp', port: 4322, txt });
    await until(() => foundBy(events, there));
    await until(() => seen.length > 0);
    expect(seen[0]).toEqual({
      txt: { transport: 'quic', port: '4321', did, version: '1', network },
      port: 4321,
      ttl: 75,
      addresses: expect.arrayContaining(['127.0.0.1']),
    });
  });

  it('without multicast warns once and lives on', async () => {
    const warnings: string[] = [];
    // An address of a network for documentation (RFC 5737), which no interface has.
    const { mdns, events } = create({
      interfaces: ['203.0.113.7'],
      onWarning: (text) => warnings.push(text),
    });
    await mdns.announce(at(4321));
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

it('static peers are found at once', async () => {
  const address = parseAddress('quic://127.0.0.1:4321');
  const found: DiscoveryEvent[] = [];
  for await (const event of createStaticPeers([address]).watch()) found.push(event);
  expect(found).toEqual([{ type: 'found', peer: { did: undefined, addresses: [address] } }]);
});
