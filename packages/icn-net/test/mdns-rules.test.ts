import { describe, expect, it } from '@jest/globals';
import { generateKeyPair } from '@icn/identity';
import fc from 'fast-check';
import { AnswerPace } from '../src/mdns/answer-pace.js';
import {
  costOf,
  decodeMessage,
  encodeMessage,
  type DnsMessage,
  type DnsRecord,
} from '../src/mdns/dns-message.js';
import { siftQuery, siftResponse } from '../src/mdns/heard-rules.js';
import type { Interface } from '../src/mdns/links.js';
import type { OwnService } from '../src/mdns/own-service.js';
import { QuerySchedule } from '../src/mdns/query-schedule.js';
import { ownTtlS, shapeQuery, shapeResponse } from '../src/mdns/said-rules.js';

const { did } = generateKeyPair();
const udp = '_icn._udp.local';
const services = '_services._dns-sd._udp.local';
const link: Interface = {
  name: 'eth0',
  scopeId: 2,
  addresses: ['192.0.2.1', '2001:db8::1', 'fe80::1'].map((address) => ({ address, prefixBits: 24 })),
};
const own: OwnService = {
  name: 'icn-own',
  type: udp,
  port: 4321,
  host: '::',
  txt: { transport: 'quic', port: '4321', did, version: '1', network: 'icn' },
};
const ownPointer: DnsRecord = { type: 'PTR', name: udp, ttl: 75, data: `icn-own.${udp}` };

function message(type: DnsMessage['type'], parts: Partial<DnsMessage>): DnsMessage {
  return { type, questions: [], answers: [], additionals: [], ...parts };
}

/** What a node says of one instance. */
function instance(name: string, ttl = 75): DnsRecord[] {
  return [
    { type: 'PTR', name: udp, ttl, data: `${name}.${udp}` },
    { type: 'SRV', name: `${name}.${udp}`, ttl, data: { port: 1, target: `${name}.local` } },
    { type: 'TXT', name: `${name}.${udp}`, ttl, data: [Buffer.from('version=1')] },
    { type: 'A', name: `${name}.local`, ttl, data: '192.0.2.7' },
  ];
}

describe('a query that is heard', () => {
  const sifted = (parts: Partial<DnsMessage>) =>
    siftQuery(message('query', parts), [own], ownTtlS)?.questions;

  it('shows the library the questions about us, once each', () => {
    const mine = [
      { name: udp.toUpperCase(), type: 'PTR' },
      { name: `icn-own.${udp}`, type: 'ANY' },
      { name: 'icn-own.local', type: 'AAAA' },
      { name: services, type: 'PTR' },
    ];
    const others = [
      { name: '_ipp._tcp.local', type: 'PTR' },
      { name: 'icn-own', type: 'ANY' },
      { name: '_icn', type: 'PTR' },
    ];
    expect(sifted({ questions: [...mine, ...others, ...mine] })).toEqual(mine);
    expect(sifted({ questions: others })).toBeUndefined();
    expect(siftQuery(message('query', { questions: mine }), [], ownTtlS)).toBeUndefined();
  });

  it('is not shown where the asker knows the answer for half its life yet', () => {
    const questions = [{ name: udp, type: 'PTR' }];
    expect(sifted({ questions, answers: [ownPointer] })).toBeUndefined();
    expect(sifted({ questions, answers: [{ ...ownPointer, ttl: 37 }] })).toEqual(questions);
    expect(sifted({ questions, answers: [{ ...ownPointer, data: `other.${udp}` }] })).toEqual(questions);
  });

  it('of a thousand questions costs sixteen answers', () => {
    const questions = Array.from({ length: 1_000 }, (_, i) => ({ name: udp, type: `UNKNOWN_${i + 100}` }));
    expect(sifted({ questions })?.length).toBe(16);
  });
});

describe('a response that is heard', () => {
  const sift = (answers: readonly DnsRecord[], admit: (name: string) => boolean = () => true) =>
    siftResponse(message('response', { answers }), admit);
  const recordsOf = ({ message: shown }: ReturnType<typeof sift>) =>
    shown === undefined ? [] : [...shown.answers, ...shown.additionals];

  it('shows the library instances of our types with what belongs to them, and nothing else', () => {
    const other: DnsRecord[] = [
      { type: 'PTR', name: '_ipp._tcp.local', ttl: 75, data: 'printer._ipp._tcp.local' },
      { type: 'PTR', name: udp, ttl: 75, data: 'printer._ipp._tcp.local' },
      { type: 'PTR', name: '_icn._tcp.local', ttl: 75, data: `liar.${udp}` },
      { type: 'SRV', name: `nobody.${udp}`, ttl: 75, data: { port: 1, target: 'nobody.local' } },
      { type: 'A', name: 'printer.local', ttl: 75, data: '192.0.2.9' },
    ];
    expect(recordsOf(sift([...other, ...instance('a'), ...other]))).toEqual(instance('a'));
    expect(sift(other).message).toBeUndefined();
  });

  it('tells goodbyes, and shows none', () => {
    expect(sift(instance('a', 0))).toEqual({ message: undefined, goodbyes: [`a.${udp}`] });
    const mixed = sift([...instance('a', 0), ...instance('b')]);
    expect(mixed.goodbyes).toEqual([`a.${udp}`]);
    expect(recordsOf(mixed)).toEqual(instance('b'));
  });

  it('is shown without the instances that are not to be heard of', () => {
    expect(recordsOf(sift([...instance('a'), ...instance('b')], (name) => name.startsWith('b.')))).toEqual(
      instance('b'),
    );
  });

  it('of a thousand instances shows sixteen, and of a thousand addresses sixty-four', () => {
    const crowd = Array.from({ length: 1_000 }, (_, i) => instance(`i${i}`)[0]!);
    expect(recordsOf(sift(crowd)).length).toBe(16);
    const hosts = Array.from({ length: 1_000 }, () => instance('a')[3]!);
    expect(recordsOf(sift([...instance('a').slice(0, 3), ...hosts])).length).toBe(3 + 64);
  });

  it('is never an exception, whatever the bytes', () => {
    const honest = encodeMessage(message('response', { answers: instance('a') }));
    const spoilt = fc
      .tuple(fc.nat(honest.length - 1), fc.nat(255), fc.nat(honest.length))
      .map(([at, byte, length]) => {
        const bytes = Buffer.from(honest);
        bytes[at] = byte;
        return bytes.subarray(0, length);
      });
    const anything = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(spoilt, anything), (bytes) => {
        const decoded = decodeMessage(bytes);
        if (decoded === undefined) return;
        siftResponse(decoded, () => true);
        siftQuery(decoded, [own], ownTtlS);
      }),
      { numRuns: 2_000 },
    );
    expect(decodeMessage(honest)?.answers.length).toBe(4);
  });

  it('that promises more records than it has is refused before room is made for them', () => {
    const bytes = Buffer.alloc(12);
    bytes.writeUInt16BE(65_535, 6);
    expect(decodeMessage(bytes)).toBeUndefined();
    expect(decodeMessage(Buffer.alloc(12))).toMatchObject({ type: 'query', questions: [], answers: [] });
  });
});

describe('what it costs to read a message', () => {
  it('counts what names may be made of, not bytes alone', () => {
    const ordinary = encodeMessage(message('response', { answers: instance('a') }));
    expect(costOf(ordinary)).toBe(ordinary.length + 4 * 80);
    const questions = Array.from({ length: 500 }, () => ({ name: '.', type: 'PTR' }));
    const dense = encodeMessage(message('query', { questions }));
    expect(dense.length).toBeLessThan(3_000);
    expect(costOf(dense)).toBeGreaterThan(40_000);
    expect(costOf(Buffer.alloc(3))).toBeUndefined();
    expect(costOf(Buffer.alloc(512, 0xff))).toBeUndefined();
  });
});

describe('what is said', () => {
  const library = (ttl: number): DnsRecord[] => [
    { type: 'PTR', name: udp, ttl: Math.min(ttl, 28_800), data: `icn-own.${udp}` },
    {
      type: 'SRV',
      name: `icn-own.${udp}`,
      ttl: Math.min(ttl, 120),
      data: { port: 4321, target: 'icn-own.local' },
    },
    { type: 'PTR', name: services, ttl: Math.min(ttl, 120), data: udp },
    { type: 'A', name: 'icn-own.local', ttl: Math.min(ttl, 120), data: '198.51.100.1' },
  ];

  it('holds for 75 s, names the addresses of the link, and replaces what was said before where it is ours alone', () => {
    const { answers } = shapeResponse(message('response', { answers: library(28_800) }), link, [own]);
    expect(answers.map(({ type, ttl, flush, data }) => [type, ttl, flush, data])).toEqual([
      ['PTR', 75, false, `icn-own.${udp}`],
      ['SRV', 75, true, { port: 4321, target: 'icn-own.local' }],
      ['PTR', 75, false, udp],
      ['A', 75, true, '192.0.2.1'],
      ['AAAA', 75, true, '2001:db8::1'],
      ['AAAA', 75, true, 'fe80::1'],
    ]);
  });

  it('names no IPv6 where the node listens on IPv4 alone', () => {
    const shaped = shapeResponse(message('response', { answers: library(120) }), link, [
      { ...own, host: '0.0.0.0' },
    ]);
    expect(shaped.answers.filter(({ type }) => type === 'AAAA')).toEqual([]);
  });

  it('as goodbye takes back the instance and its host, and not the type, which others offer too', () => {
    const { answers } = shapeResponse(message('response', { answers: library(0) }), link, [own]);
    expect(answers.map(({ type }) => type)).toEqual(['PTR', 'SRV', 'A', 'AAAA', 'AAAA']);
    expect(answers.every(({ ttl }) => ttl === 0)).toBe(true);
  });

  it('as question names us as known, so that our own answer does not come', () => {
    const questions = [{ name: udp, type: 'PTR' }];
    const query = shapeQuery(message('query', { questions }), [own]);
    expect(query.answers).toEqual([ownPointer]);
    expect(siftQuery(query, [own], ownTtlS)).toBeUndefined();
    expect(
      shapeQuery(message('query', { questions: [{ name: '_icn._tcp.local', type: 'PTR' }] }), [own]).answers,
    ).toEqual([]);
  });

  it('is said at most once a second, shared answers after a random wait, goodbyes at once', () => {
    const pace = new AnswerPace(() => 0.5);
    const shared = message('response', { answers: [ownPointer] });
    const unique = message('response', { answers: library(120) });
    const goodbye = message('response', { answers: [{ ...ownPointer, ttl: 0 }] });
    expect([0, 1, 999, 1_000].map((nowMs) => pace.delayMs(shared, nowMs))).toEqual([
      70,
      undefined,
      undefined,
      70,
    ]);
    expect([1_001, 1_002].map((nowMs) => pace.delayMs(unique, nowMs))).toEqual([0, undefined]);
    expect(pace.delayMs(goodbye, 1_003)).toBe(0);
  });
});

describe('the schedule of questions', () => {
  it('asks at 0, 1 and 3 s, then every 15 s; of three turns one is never saved', () => {
    const askedS = (oldestMs: (nowMs: number) => number | undefined) => {
      const schedule = new QuerySchedule(15_000, () => 0, 0);
      const seconds = Array.from({ length: 110 }, (_, i) => i);
      return seconds.filter((s) => schedule.take(s * 1_000, oldestMs(s * 1_000)));
    };
    expect(askedS(() => undefined)).toEqual([0, 1, 3, 18, 33, 48, 63, 78, 93, 108]);
    expect(askedS((nowMs) => nowMs - 14_000)).toEqual(askedS(() => undefined));
    expect(askedS((nowMs) => nowMs - 1_000)).toEqual([0, 1, 33, 78]);
  });
});
