import { describe, expect, it } from '@jest/globals';
import { generateKeyPair, type Did } from '@icn/identity';
import fc from 'fast-check';
import type { DiscoveryEvent } from '../src/index.js';
import { fairVictim, type Kept } from '../src/mdns/fair-victim.js';
import { PeerTable, type Claim, type TableDrop } from '../src/mdns/peer-table.js';
import { SourceBudgets } from '../src/mdns/source-budgets.js';

const dids = Array.from({ length: 300 }, () => generateKeyPair().did);

function table(peersMax = 256) {
  const counters: Partial<Record<TableDrop, number>> = {};
  const events: DiscoveryEvent[] = [];
  const peers = new PeerTable({
    peersMax,
    count: (drop) => (counters[drop] = (counters[drop] ?? 0) + 1),
    tell: (event) => events.push(event),
  });
  const known = () => new Set(peers.peers.map(({ did }) => did));
  return { peers, counters, events, known };
}

function claim(did: Did, source: string, more: Partial<Claim> = {}): Claim {
  const addresses = [{ scheme: 'quic', host: source, port: 4321, did }];
  return { source, instance: did, link: 'eth0 udp4', did, addresses, lifetimeMs: 75_000, ...more };
}

describe('the table of peers', () => {
  it('forgets who falls silent, and tells so; who is heard again stays', () => {
    const { peers, events, known } = table();
    peers.put(claim(dids[0]!, '192.0.2.7'), 0);
    peers.put(claim(dids[1]!, '192.0.2.8'), 0);
    peers.put(claim(dids[1]!, '192.0.2.8'), 70_000);
    peers.sweep(74_999);
    expect(known().size).toBe(2);
    peers.sweep(75_000);
    expect(known()).toEqual(new Set([dids[1]]));
    expect(events.map((event) => event.type)).toEqual(['found', 'found', 'lost']);
    expect(peers.oldestMs('eth0 udp4')).toBe(70_000);
    expect(peers.oldestMs('eth1 udp4')).toBeUndefined();
  });

  it('tells of a peer again when it is heard at another address, and not when nothing is new', () => {
    const { peers, events } = table();
    peers.put(claim(dids[0]!, '192.0.2.7'), 0);
    peers.put(claim(dids[0]!, '192.0.2.7'), 1);
    expect(events.length).toBe(1);
    peers.put(claim(dids[0]!, '192.0.2.8'), 2);
    const told = events.map((event) =>
      event.type === 'found' ? event.peer.addresses.map(({ host }) => host) : [],
    );
    expect(told).toEqual([['192.0.2.7'], ['192.0.2.8', '192.0.2.7']]);
  });

  it('lets nobody take back what another source said', () => {
    const { peers, known } = table();
    peers.put(claim(dids[0]!, '192.0.2.7'), 0);
    peers.remove('192.0.2.66', dids[0]!);
    peers.put(claim(dids[1]!, '192.0.2.66', { instance: dids[0]! }), 1);
    expect(known()).toEqual(new Set([dids[0], dids[1]]));
    peers.put(claim(dids[2]!, '192.0.2.66', { instance: dids[0]! }), 2);
    expect(known()).toEqual(new Set([dids[0], dids[2]]));
    peers.remove('192.0.2.7', dids[0]!);
    expect(known()).toEqual(new Set([dids[2]]));
  });

  it('forgets what was heard by an interface that is gone', () => {
    const { peers, known } = table();
    peers.put(claim(dids[0]!, '192.0.2.7'), 0);
    peers.put(claim(dids[1]!, '127.0.0.1', { link: 'lo udp4' }), 0);
    peers.keepLinks(new Set(['lo udp4']));
    expect(known()).toEqual(new Set([dids[1]]));
  });
});

describe('a crowd of claims', () => {
  it('from one source displaces nobody, and makes room for who comes from another', () => {
    const { peers, counters, events, known } = table(16);
    peers.put(claim(dids[0]!, '192.0.2.10'), 0);
    for (let i = 0; i < 200; i++) peers.put(claim(dids[20 + i]!, '192.0.2.66'), i);
    expect(known().size).toBe(16);
    expect(counters).toEqual({ 'peers-cap': 185 });
    peers.put(claim(dids[1]!, '192.0.2.11'), 300);
    expect([dids[0]!, dids[1]!].every((did) => known().has(did))).toBe(true);
    expect(known().size).toBe(16);
    expect(counters['peer-evicted']).toBe(1);
    // What is refused is no news to anybody.
    expect(events.length).toBe(16 + 2);
  });

  it('from as many sources as it likes drives nobody out', () => {
    const { peers, counters, known } = table(16);
    for (const each of [0, 1]) peers.put(claim(dids[each]!, `192.0.2.${10 + each}`), 0);
    for (let i = 0; i < 200; i++) peers.put(claim(dids[2 + i]!, `192.0.2.${20 + i}`), 1 + i);
    expect([dids[0]!, dids[1]!].every((did) => known().has(did))).toBe(true);
    expect(known().size).toBe(16);
    expect(counters).toEqual({ 'peers-cap': 186 });
  });

  it('gives up hearsay before who proved himself, and never who is connected', () => {
    const { peers, counters, known } = table(3);
    for (const each of [0, 1, 2]) peers.put(claim(dids[each]!, '192.0.2.10'), each);
    peers.connected(dids[0]!, '192.0.2.10');
    peers.connected(dids[1]!, '192.0.2.10');
    peers.disconnected(dids[1]!);
    peers.put(claim(dids[3]!, '192.0.2.11'), 3);
    // Only one is hearsay, and it is as good as the newcomer.
    expect(known()).toEqual(new Set(dids.slice(0, 3)));
    peers.connected(dids[1]!, '192.0.2.10');
    peers.connected(dids[2]!, '192.0.2.10');
    peers.put(claim(dids[3]!, '192.0.2.11'), 4);
    expect(counters).toEqual({ 'peers-cap': 2 });
  });

  it('about one DID does not drive out the place where it was proven', () => {
    const { peers, counters } = table();
    peers.put(claim(dids[0]!, '192.0.2.10'), 0);
    peers.connected(dids[0]!, '192.0.2.10');
    for (let i = 0; i < 100; i++) peers.put(claim(dids[0]!, `192.0.2.${20 + i}`), 1 + i);
    const hosts = peers.peers[0]!.addresses.map(({ host }) => host);
    expect(hosts).toContain('192.0.2.10');
    expect(hosts.length).toBe(16);
    expect(counters).toEqual({ 'claim-evicted': 85 });
  });

  it('is read only so often by bytes, and is news only so often; others are heard all the same', () => {
    const budgets = new SourceBudgets(0);
    const times = (count: number, take: () => boolean) =>
      Array.from({ length: count }, take).filter(Boolean).length;
    expect(times(2_000, () => budgets.takeNews('192.0.2.66', 0))).toBe(512);
    expect(budgets.takeNews('192.0.2.10', 0)).toBe(true);
    expect(times(2_000, () => budgets.takePacket('192.0.2.66', 9_000, 0))).toBe(58);
    expect(budgets.takePacket('192.0.2.10', 9_000, 0)).toBe(true);
    expect(times(100, () => budgets.takeNews('192.0.2.66', 1_000))).toBe(16);
    // Of many sources all together.
    const sources = Array.from({ length: 5_000 }, (_, i) => `2001:db8::${i}`);
    expect(sources.filter((source) => budgets.takePacket(source, 9_000, 1_000)).length).toBeLessThan(150);
  });
});

describe('the fair victim', () => {
  const items = fc.array(
    fc.record({
      source: fc.constantFrom('a', 'b', 'c'),
      heardAtMs: fc.nat(100),
      rank: fc.constantFrom(0 as const, 1 as const, 2 as const),
    }),
    { maxLength: 12 },
  );
  const countOf = (all: readonly Kept[], source: string, rank: number) =>
    all.filter((each) => each.source === source && each.rank === rank).length;

  it('is an oldest of the source that has most, of the lowest rank, and never connected', () => {
    fc.assert(
      fc.property(items, (all) => {
        const victim = fairVictim(all);
        const mayGo = all.filter(({ rank }) => rank < 2);
        if (victim === undefined) return expect(mayGo).toEqual([]);
        expect(victim.rank).toBe(Math.min(...mayGo.map(({ rank }) => rank)));
        const rivals = all.filter(({ rank }) => rank === victim.rank);
        const shares = rivals.map(({ source }) => countOf(all, source, victim.rank));
        expect(countOf(all, victim.source, victim.rank)).toBe(Math.max(...shares));
        const siblings = rivals.filter(({ source }) => source === victim.source);
        expect(victim.heardAtMs).toBe(Math.min(...siblings.map(({ heardAtMs }) => heardAtMs)));
      }),
    );
  });

  it('goes for a newcomer only if that leaves its source as many as the source of the newcomer then has', () => {
    fc.assert(
      fc.property(items, fc.constantFrom('a', 'b', 'd'), (all, newcomer) => {
        const victim = fairVictim(all);
        const isFairer =
          victim !== undefined &&
          countOf(all, victim.source, victim.rank) - 1 >= countOf(all, newcomer, victim.rank) + 1;
        expect(fairVictim(all, newcomer)).toBe(isFairer ? victim : undefined);
      }),
    );
  });
});
