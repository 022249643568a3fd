import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { generateKeyPair, type Did } from '@icn/identity';
import type { DiscoveryEvent } from '../src/index.js';
import { encodeMessage, type DnsRecord } from '../src/mdns/dns-message.js';
import { MdnsLinks, type LinksDrop } from '../src/mdns/mdns-links.js';
import { ownInterfaces } from '../src/mdns/own-interfaces.js';
import { until } from './until.js';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

const network = `links-${process.pid}`;
const udp = '_icn._udp.local';
const loopback = () => ownInterfaces(['127.0.0.1']);

function nameOf({ did }: { readonly did: Did }): string {
  return `icn-${did.slice(-12)}`;
}

/** Real sockets on loopback, under a clock of its own. */
function create() {
  const { did } = generateKeyPair();
  const counters: Partial<Record<LinksDrop, number>> = {};
  const events: DiscoveryEvent[] = [];
  const clock = { ms: 0 };
  const links = new MdnsLinks({
    label: nameOf({ did }),
    network,
    transports: ['quic'],
    peersMax: 16,
    requeryMs: 15_000,
    random: Math.random,
    nowMs: () => clock.ms,
    count: (drop) => (counters[drop] = (counters[drop] ?? 0) + 1),
    tell: (event) => events.push(event),
    onFailure: () => undefined,
  });
  open.push(links);
  links.setInterfaces(loopback());
  const offer = (): void => {
    const txt = { transport: 'quic', port: '4321', did, version: '1', network } as const;
    links.publish({ name: nameOf({ did }), type: udp, port: 4321, host: '127.0.0.1', txt });
  };
  const isKnown = (other: Did): boolean => links.peers.some((peer) => peer.did === other);
  return { links, did, clock, events, counters, offer, isKnown };
}

/** Says what it likes, from the port of mDNS. */
async function liar(): Promise<{ readonly say: (records: readonly DnsRecord[]) => Promise<void> }> {
  const socket: Socket = createSocket({ type: 'udp4', reuseAddr: true });
  open.push({ close: () => new Promise<void>((resolve) => void socket.close(resolve)) });
  socket.bind(5353, '0.0.0.0');
  await once(socket, 'listening');
  socket.setMulticastInterface('127.0.0.1');
  return {
    say: async (answers) => {
      const bytes = encodeMessage({ type: 'response', questions: [], answers, additionals: [] });
      await new Promise((sent) => {
        socket.send(bytes, 5353, '224.0.0.251', sent);
      });
    },
  };
}

function claimOf(did: Did, instance: string, { ttl = 75, port = 4321 } = {}): DnsRecord[] {
  const pairs = { transport: 'quic', port: String(port), did, version: '1', network };
  const data = Object.entries(pairs).map(([key, value]) => Buffer.from(`${key}=${value}`));
  return [
    { type: 'PTR', name: udp, ttl, data: `${instance}.${udp}` },
    { type: 'SRV', name: `${instance}.${udp}`, ttl, data: { port, target: `${instance}.local` } },
    { type: 'TXT', name: `${instance}.${udp}`, ttl, data },
  ];
}

describe('who was killed', () => {
  it('is asked for, and when it has been silent for 75 s, lost', async () => {
    const a = create();
    const b = create();
    b.offer();
    await until(() => a.isKnown(b.did));
    // As SIGKILL does it: the sockets are gone, and nothing was said.
    b.links.setInterfaces([]);
    for (; a.clock.ms < 74_000; a.clock.ms += 1_000) a.links.tick();
    expect(a.isKnown(b.did)).toBe(true);
    a.clock.ms = 75_001;
    a.links.tick();
    expect(a.events.at(-1)).toEqual({ type: 'lost', did: b.did });
  });

  it('is another story than who lives and is quiet: it answers when it is asked', async () => {
    const a = create();
    const b = create();
    b.offer();
    await until(() => a.isKnown(b.did));
    for (const seconds of [20, 40, 60, 80, 100]) {
      b.clock.ms = a.clock.ms = seconds * 1_000;
      a.links.tick();
      await until(
        () => a.links.table.oldestMs('lo udp4') === a.clock.ms,
        () => [a.links.table.oldestMs('lo udp4'), a.clock.ms],
      );
    }
    expect(a.events.filter(({ type }) => type === 'lost')).toEqual([]);
  });
});

describe('who lies', () => {
  it('about how long it will be there is believed for 30 to 75 s', async () => {
    const { did } = generateKeyPair();
    const { say } = await liar();
    for (const [ttl, holdsMs] of [
      [1, 30_000],
      [45, 45_000],
      [0xffff_ffff, 75_000],
    ] as const) {
      const a = create();
      await until(() => a.isKnown(did) || (void say(claimOf(did, `liar-${network}-${ttl}`, { ttl })), false));
      a.clock.ms = holdsMs - 1;
      a.links.table.sweep(a.clock.ms);
      expect(a.isKnown(did)).toBe(true);
      a.links.table.sweep(holdsMs);
      expect(a.isKnown(did)).toBe(false);
      await a.links.close();
    }
  });

  it('in great number fills no more than the cap, under new names no more than its budget, and blinds nobody', async () => {
    const a = create();
    const { say } = await liar();
    const { did } = generateKeyPair();
    let count = 0;
    const sixteen = () =>
      Array.from({ length: 16 }, () => claimOf(did, `flood-${network}-${count++}`)).flat();
    // The system drops what comes too fast, so it is said until it was heard often enough.
    await until(
      () => (a.counters['news-rate'] ?? 0) > 0 || (void say(sixteen()), false),
      () => a.counters,
    );
    // Nodes of other networks on this machine take of the same budget, of 512 names.
    expect(count).toBeGreaterThan(256);
    expect(a.links.peers.length).toBe(1);
    for (let i = 0; i < 40; i++) await say(claimOf(generateKeyPair().did, `crowd-${network}-${i}`));
    // Our own name costs nothing; once it is heard, so is all that was said before.
    await until(() => (a.counters.own ?? 0) > 0 || (void say(claimOf(did, nameOf(a))), false));
    expect(a.links.peers.length).toBe(1);
    // An hour later the budgets are full again, and nothing of it is left.
    a.clock.ms = 3_600_000;
    a.links.tick();
    expect(a.links.peers).toEqual([]);
    const b = create();
    b.offer();
    await until(() => a.isKnown(b.did));
  });

  it('in the name of this node is not heard, and takes nothing of it back', async () => {
    const a = create();
    const b = create();
    a.offer();
    await until(() => b.isKnown(a.did));
    const { say } = await liar();
    const { did } = generateKeyPair();
    const before = a.counters.own ?? 0;
    await say(claimOf(did, nameOf(a)));
    await until(() => (a.counters.own ?? 0) > before);
    expect(a.links.peers).toEqual([]);
    // From the address of the node itself everything can be said, so its next words set it right.
    await say(claimOf(a.did, nameOf(a), { ttl: 0 }));
    await until(() => !b.isKnown(a.did));
    a.clock.ms = b.clock.ms = 20_000;
    b.links.ask();
    await until(() => b.isKnown(a.did));
  });
});

describe('an interface', () => {
  it('that goes takes its peers with it, and finds them again when it comes back', async () => {
    const a = create();
    const b = create();
    a.offer();
    b.offer();
    await until(() => a.isKnown(b.did));
    a.links.setInterfaces([]);
    expect(a.events.at(-1)).toEqual({ type: 'lost', did: b.did });
    b.clock.ms = 5_000;
    a.links.setInterfaces(loopback());
    await until(() => a.isKnown(b.did));
  });

  it('that has another address goes on under the same name, with that address', async () => {
    const a = create();
    const b = create();
    const [lo] = loopback();
    const { did } = generateKeyPair();
    const txt = { transport: 'quic', port: '4321', did, version: '1', network } as const;
    b.links.publish({ name: `wild-${network}`, type: udp, port: 4321, host: '0.0.0.0', txt });
    await until(() => a.isKnown(did));
    b.links.setInterfaces([
      { ...lo!, addresses: [...lo!.addresses, { address: '127.0.0.2', prefixBits: 8 }] },
    ]);
    const hosts = () => a.links.peers.flatMap(({ addresses }) => addresses.map(({ host }) => host));
    await until(() => hosts().includes('127.0.0.2'), hosts);
    expect(a.events.filter(({ type }) => type === 'lost')).toEqual([]);
  });
});
