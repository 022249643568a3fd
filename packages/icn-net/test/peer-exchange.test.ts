import { describe, expect, it } from '@jest/globals';
import { generateKeyPair, type Did } from '@icn/identity';
import fc from 'fast-check';
import {
  PeerExchange,
  defaultExchangeLimits,
  formatAddress,
  mayBeTold,
  type Address,
  type ExchangeDrop,
  type PeerAddress,
  type PeerExchangeOptions,
} from '../src/index.js';
import {
  decodeExchange,
  encodeAnswer,
  encodeRequest,
  type ListeningPlace,
} from '../src/discovery/peer-exchange-message.js';

const dids = Array.from({ length: 64 }, () => generateKeyPair().did);
const [self, peer, other, third] = dids as [Did, Did, Did, Did];
const far = '8.8.8.8';

function at(host: string, did: Did = other, port = 4321, scheme = 'quic'): PeerAddress {
  return { scheme, host, port, did };
}

function exchange(options: Partial<PeerExchangeOptions> = {}): PeerExchange {
  const ownAddresses = () => [at('9.9.9.9', self)];
  return new PeerExchange({ self, ownAddresses, transports: ['quic'], random: () => 0.5, ...options }, 0);
}

/** What a peer at `vantage` can make us try by telling of these. */
function triedAfter(told: readonly PeerAddress[], vantage = far): string[] {
  const node = exchange();
  node.connected(peer, vantage, undefined);
  node.request(peer, 0);
  const { candidates } = node.received(peer, vantage, encodeAnswer(told), 1);
  return candidates.map(formatAddress);
}

/** What a node answers who asks for so many; undefined where it does not. */
function answerOf(node: PeerExchange, asker: Did, vantage: string, wanted = 32, nowMs = 0) {
  const { reply } = node.received(asker, vantage, encodeRequest(wanted, []), nowMs);
  const message = reply === undefined ? undefined : decodeExchange(reply);
  return message?.type === 'answer' ? message.addresses : undefined;
}

/** What a peer at `vantage` is told of those that we have dialled. */
function toldTo(vantage: string, dialled: readonly Address[]): string[] {
  const node = exchange();
  for (const [i, address] of dialled.entries()) node.connected(dids[10 + i]!, address.host, address);
  node.connected(peer, vantage, undefined);
  const told = answerOf(node, peer, vantage) ?? [];
  return told.map(({ host }) => host).toSorted((a, b) => (a < b ? -1 : 1));
}

function dropsOf({ counters }: PeerExchange): Partial<Record<ExchangeDrop, number>> {
  return Object.fromEntries(Object.entries(counters).filter(([, count]) => count > 0));
}

describe('a candidate', () => {
  it('is what a peer tells, if it may', () => {
    expect(triedAfter([at('1.1.1.1'), at('2606:4700::1111', third)])).toEqual([
      `quic://1.1.1.1:4321?did=${other}`,
      `quic://[2606:4700::1111]:4321?did=${third}`,
    ]);
  });

  const inside = ['10.0.0.1', '192.168.1.1', '127.0.0.1', '::1', 'fd00::1', 'fe80::1', '169.254.1.1'];
  const nowhere = ['0.0.0.0', '::', '224.0.0.1', 'ff02::1', '255.255.255.255', '::ffff:10.0.0.1'];

  it.each([
    ['a public network', far, []],
    ['a public network by IPv6', '2a00::1', []],
    ['10/8', '10.9.9.9', ['10.0.0.1']],
    ['another private block', '172.16.0.1', []],
    ['its site', 'fd00::9', ['fd00::1']],
    ['another site', 'fd00:1::9', []],
    ['a link', 'fe80::9%eth0', []],
    ['this machine', '127.0.0.1', ['10.0.0.1', '192.168.1.1', '127.0.0.1', '::1', 'fd00::1']],
  ])('told by somebody in %s is no place inside another', (_, vantage, allowed) => {
    const hosts = [...inside, ...nowhere];
    const tried = hosts.filter((host) => triedAfter([at(host)], vantage).length > 0);
    expect(tried).toEqual(allowed);
  });

  it('is never this node, by its DID or by its address', () => {
    expect(triedAfter([at('1.1.1.1', self), at('9.9.9.9'), at('9.9.9.9', other, 4322)])).toEqual([
      `quic://9.9.9.9:4322?did=${other}`,
    ]);
  });

  it('is nobody who is connected, or was told within the hour, or cannot be dialled', () => {
    const node = exchange({ limits: { requestPauseMs: 0 } });
    node.connected(peer, far, undefined);
    node.connected(other, far, undefined);
    node.request(peer, 0);
    const told = [at('1.1.1.1'), at('1.1.1.1', third), at('1.1.1.1', third), at('1.1.1.2', third, 1, 'tls')];
    expect(node.received(peer, far, encodeAnswer(told), 0).candidates).toEqual([at('1.1.1.1', third)]);
    expect(dropsOf(node)).toEqual({ known: 1, repeated: 1, 'transport-unknown': 1 });
    for (const [nowMs, count] of [
      [3_599_999, 0],
      [3_600_000, 1],
    ] as const) {
      node.request(peer, nowMs);
      expect(node.received(peer, far, encodeAnswer([at('1.1.1.1', third)]), nowMs).candidates).toHaveLength(
        count,
      );
    }
  });

  it('comes only with an answer that was asked for, once, in time, and from a connected peer', () => {
    const node = exchange();
    const answer = encodeAnswer([at('1.1.1.1')]);
    const triedAt = (nowMs: number, bytes = answer) => node.received(peer, far, bytes, nowMs).candidates;
    expect(node.request(peer, 0)).toBeUndefined();
    expect(triedAt(0)).toEqual([]);
    node.connected(peer, far, undefined);
    expect(triedAt(0)).toEqual([]);
    expect(node.request(peer, 0)?.[1]).toBe(defaultExchangeLimits.answerAddressesMax);
    expect(node.request(peer, 299_999)).toBeUndefined();
    expect(triedAt(30_001)).toEqual([]);
    expect(node.request(peer, 300_000)).toBeDefined();
    expect(triedAt(300_001)).toEqual([at('1.1.1.1')]);
    expect(triedAt(300_002, encodeAnswer([at('1.1.1.2')]))).toEqual([]);
    expect(dropsOf(node)).toEqual({ stranger: 1, unsolicited: 3 });
  });

  it('is one of few: by answer, by peer and in all', () => {
    const node = exchange();
    const some = (from: number) => encodeAnswer(Array.from({ length: 32 }, (_, i) => at(`1.1.${from}.${i}`)));
    const triedOf = (from: number, nowMs: number) => {
      const teller = dids[from]!;
      node.connected(teller, far, undefined);
      node.request(teller, nowMs);
      const { length } = node.received(teller, far, some(from), nowMs).candidates;
      node.disconnected(teller, nowMs);
      return length;
    };
    expect(triedOf(10, 0)).toBe(16);
    expect(dropsOf(node)).toEqual({ surplus: 16 });
    const all = Array.from({ length: 20 }, (_, i) => triedOf(11 + i, 0)).reduce((a, b) => a + b, 16);
    expect(all).toBe(128);
    // Coming again does not begin anew.
    expect(triedOf(10, 1)).toBe(0);
  });

  it('of one peer is one of 32 at first, and of 32 an hour', () => {
    const node = exchange({ limits: { requestPauseMs: 0 } });
    node.connected(peer, far, undefined);
    let count = 0;
    for (let i = 0; i < 60; i++) {
      const nowMs = i * 60_000;
      node.request(peer, nowMs);
      const told = Array.from({ length: 16 }, (_, j) => at(`1.${i}.1.${j}`));
      count += node.received(peer, far, encodeAnswer(told), nowMs).candidates.length;
    }
    expect(count).toBeGreaterThanOrEqual(62);
    expect(count).toBeLessThanOrEqual(64);
    expect(node.counters['peer-cap']).toBe(60 * 16 - count);
  });
});

describe('a request', () => {
  const places: readonly ListeningPlace[] = [
    { scheme: 'quic', port: 4321 },
    { scheme: 'tls', port: 4322 },
  ];

  it('says where its sender listens, each port once', () => {
    const addresses = [at('9.9.9.9', self), at('10.1.1.1', self), at('9.9.9.9', self, 4322, 'tls')];
    const node = exchange({ ownAddresses: () => [...addresses, at('here', self, 1, 'memory')] });
    node.connected(peer, far, undefined);
    expect(decodeExchange(node.request(peer, 0)!)).toEqual({
      type: 'request',
      wanted: 16,
      listening: places,
    });
  });

  it('is sent on each new connection, and wants nothing where it is too soon', () => {
    const node = exchange();
    for (const wanted of [16, 0]) {
      node.connected(peer, far, undefined);
      expect(node.request(peer, 0)?.[1]).toBe(wanted);
      expect(node.request(peer, 0)).toBeUndefined();
      node.disconnected(peer, 0);
    }
  });

  it('makes the place, at the host that its sender is seen at, one to dial and to share, instead of what it said before', () => {
    const node = exchange();
    node.connected(other, '1.1.1.2', undefined);
    node.connected(peer, far, undefined);
    const say = (listening: readonly ListeningPlace[]) =>
      node.received(other, '1.1.1.2', encodeRequest(0, listening), 0);
    expect(say(places)).toEqual({ reply: undefined, candidates: [], listening: [at('1.1.1.2')] });
    expect(answerOf(node, peer, far)).toEqual([at('1.1.1.2'), at('1.1.1.2', other, 4322, 'tls')]);
    say([{ scheme: 'quic', port: 5 }]);
    expect(answerOf(node, peer, far)).toEqual([at('1.1.1.2', other, 5)]);
  });

  it('from a place where nobody can be dialled makes none', () => {
    const node = exchange();
    node.connected(other, 'fe80::1', undefined);
    expect(node.received(other, 'fe80::1', encodeRequest(0, places), 0).listening).toEqual([]);
  });
});

describe('an answer', () => {
  it('names who was dialled here, or says where it listens, but not who only dialled, nor who asks', () => {
    const node = exchange();
    node.connected(other, '1.1.1.1', at('1.1.1.1'));
    node.connected(third, '1.1.1.2', undefined);
    node.connected(peer, '1.1.1.3', at('1.1.1.3', peer));
    expect(answerOf(node, peer, '1.1.1.3')).toEqual([at('1.1.1.1')]);
  });

  it('tells nobody what is inside a network that he is not in', () => {
    const dialled = ['1.1.1.1', '10.0.0.1', '192.168.1.1', '127.0.0.1', 'fd00::1', 'carrier.example.org'].map(
      (host) => at(host),
    );
    expect(toldTo(far, dialled)).toEqual(['1.1.1.1']);
    expect(toldTo('192.168.1.77', dialled)).toEqual(['1.1.1.1', '192.168.1.1']);
    expect(toldTo('127.0.0.1', dialled)).toEqual([
      '1.1.1.1',
      '10.0.0.1',
      '127.0.0.1',
      '192.168.1.1',
      'fd00::1',
    ]);
  });

  it('does not name the place of somebody who has come from another since', () => {
    const node = exchange();
    node.connected(peer, far, undefined);
    node.connected(other, '1.1.1.1', at('1.1.1.1'));
    node.disconnected(other, 0);
    expect(answerOf(node, peer, far)).toEqual([at('1.1.1.1')]);
    node.connected(other, '1.1.1.2', undefined);
    expect(answerOf(node, peer, far)).toEqual([]);
  });

  it('names as many as were asked for, 16 at most, and forgets who left an hour ago', () => {
    const node = exchange({ limits: { answers: { burst: 9, perSecond: 0 } } });
    for (let i = 10; i < 40; i++) node.connected(dids[i]!, `1.1.1.${i}`, at(`1.1.1.${i}`, dids[i]));
    node.connected(peer, far, undefined);
    const countOf = (wanted: number, nowMs: number) =>
      new Set(answerOf(node, peer, far, wanted, nowMs)!.map(({ did }) => did)).size;
    expect([1, 5, 32].map((wanted) => countOf(wanted, 0))).toEqual([1, 5, 16]);
    for (let i = 10; i < 39; i++) node.disconnected(dids[i]!, 0);
    expect(countOf(32, 3_599_999)).toBe(16);
    expect(countOf(32, 3_600_000)).toBe(1);
    // The one that is left, and who asks.
    expect(node.sharedPeerCount).toBe(2);
  });

  it('is given twice, then once a minute', () => {
    const node = exchange();
    node.connected(peer, far, undefined);
    const isAnswered = (nowMs: number) => answerOf(node, peer, far, 1, nowMs) !== undefined;
    expect([0, 0, 0, 59_999, 60_000, 60_001].map(isAnswered)).toEqual([
      true,
      true,
      false,
      false,
      true,
      false,
    ]);
    node.disconnected(peer, 60_002);
    node.connected(peer, far, undefined);
    expect(isAnswered(60_004)).toBe(false);
    expect(node.counters['asked-too-often']).toBe(4);
  });

  it('comes of few peers that are kept, and those that left first are given up first', () => {
    const node = exchange({ limits: { sharedPeersMax: 4 } });
    node.connected(peer, far, undefined);
    for (let i = 10; i < 13; i++) node.connected(dids[i]!, `1.1.1.${i}`, at(`1.1.1.${i}`, dids[i]));
    node.disconnected(dids[12]!, 20);
    node.disconnected(dids[11]!, 21);
    node.connected(dids[13]!, '1.1.1.13', at('1.1.1.13', dids[13]));
    const named = answerOf(node, peer, far, 32, 22)!.map(({ host }) => host);
    expect(new Set(named)).toEqual(new Set(['1.1.1.10', '1.1.1.11', '1.1.1.13']));
  });
});

describe('a peer', () => {
  const address = fc.record({
    scheme: fc.constantFrom('quic', 'tls'),
    host: fc.oneof(fc.ipV4(), fc.constantFrom('::1', '2606:4700::1111', 'fd00::1', '::')),
    port: fc.integer({ min: 1, max: 65_535 }),
    did: fc.constantFrom(...dids),
  });

  it('makes no exception, and nothing to dial that it may not tell, whatever the bytes', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(address, { maxLength: 8 }).map(encodeAnswer),
      fc
        .tuple(fc.array(address, { minLength: 1, maxLength: 8 }).map(encodeAnswer), fc.nat(), fc.nat(255))
        .map(([whole, where, value]) => {
          whole[where % whole.length] = value;
          return whole;
        }),
    );
    const node = exchange({ limits: { requestPauseMs: 0, candidatesOfPeer: { burst: 1e9, perSecond: 0 } } });
    fc.assert(
      fc.property(bytes, fc.constantFrom(far, '10.0.0.1', '127.0.0.1'), (each, vantage) => {
        node.connected(peer, vantage, undefined);
        node.request(peer, 0);
        for (const { host, did } of node.received(peer, vantage, each, 0).candidates) {
          expect(mayBeTold(host, vantage)).toBe(true);
          expect(did).not.toBe(self);
        }
      }),
      { numRuns: 300 },
    );
  });
});
