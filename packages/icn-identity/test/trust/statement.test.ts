import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { encodeCbor, type Cbor } from '../../src/cbor.js';
import { createEnvelope, generateKeyPair, keyPairFromSeed, publicKeyFromDid } from '../../src/index.js';
import {
  formatLine,
  lifetimeMaxMs,
  lineCharsMax,
  openStatement,
  signStatement,
  StatementImport,
  TrustGraph,
  type StatementContent,
} from '../../src/trust/index.js';
import { didOf } from './support.js';

const keys = keyPairFromSeed(new Uint8Array(32).fill(1));
const other = keyPairFromSeed(new Uint8Array(32).fill(2));
const subject = other.did;
const network = 'icn';

function content(change: Partial<StatementContent> = {}): StatementContent {
  return { network, subject, score: 800, sequence: 7, timestampMs: 1_000, expiresMs: 5_000, ...change };
}

/** An envelope of a payload that signStatement would refuse. */
function envelope(payload: Cbor, change: object = {}): Uint8Array {
  const fields = { purpose: 'icn/trust', network, recipient: null, sequence: 7, timestampMs: 1_000 } as const;
  return createEnvelope(keys, { ...fields, payload: encodeCbor(payload), ...change }).bytes;
}

const key = publicKeyFromDid(subject);

describe('a statement', () => {
  it.each([
    [{}, { score: 800, expiresMs: 5_000 }],
    [{ score: 0 }, { score: 0, expiresMs: 5_000 }],
    [
      { score: null, expiresMs: null },
      { score: null, expiresMs: null },
    ],
  ])('is read as it was signed: %j', (change, said) => {
    const signed = signStatement(keys, content(change));
    expect(openStatement(signed.bytes, network)).toEqual(signed);
    expect(signed).toEqual({
      issuer: keys.did,
      subject,
      sequence: 7,
      bytes: expect.any(Uint8Array),
      ...said,
    });
  });

  it.each([
    ['about its issuer', { subject: keys.did }],
    ['above 1', { score: 1_001 }],
    ['between thousandths', { score: 0.5 }],
    ['without an end', { expiresMs: null }],
    ['taken back, with an end', { score: null }],
    ['for too long', { expiresMs: 1_000 + lifetimeMaxMs + 1 }],
  ])('is not signed %s', (_, change) => {
    expect(() => signStatement(keys, content(change))).toThrow(
      expect.objectContaining({ code: 'statement-invalid' }),
    );
  });

  it('is signed for as long as two years', () => {
    const signed = signStatement(keys, content({ expiresMs: 1_000 + lifetimeMaxMs }));
    expect(openStatement(signed.bytes, network)).toEqual(signed);
  });

  it.each([
    ['statement-malformed', envelope('trust')],
    ['statement-malformed', envelope([])],
    ['statement-malformed', envelope([key.subarray(1), 800, 5_000])],
    ['statement-malformed', envelope([new Uint8Array(32), 800, 5_000])],
    ['statement-malformed', envelope([key, 1_001, 5_000])],
    ['statement-malformed', envelope([key, '800', 5_000])],
    ['statement-malformed', envelope([key, 800, null])],
    ['statement-malformed', envelope([key, null, 5_000])],
    ['statement-malformed', envelope([key, 800])],
    ['statement-malformed', envelope([], { payload: Uint8Array.of(0xff) })],
    ['about-itself', envelope([keys.publicKey, 800, 5_000])],
    ['lifetime-too-long', envelope([key, 800, 1_001 + lifetimeMaxMs])],
    ['purpose-wrong', envelope([key, 800, 5_000], { purpose: 'icn/invitation' })],
    ['recipient-wrong', envelope([key, 800, 5_000], { recipient: other.did })],
    ['network-wrong', envelope([key, 800, 5_000], { network: 'other' })],
    ['malformed', new Uint8Array(10)],
    ['too-large', new Uint8Array(10_000)],
  ])('is refused as %s', (why, bytes) => {
    expect(openStatement(bytes, network)).toBe(why);
  });

  it('may have fields after those that are known', () => {
    expect(openStatement(envelope([key, 800, 5_000, 'later']), network)).toMatchObject({ score: 800 });
  });

  it('is refused with any byte changed', () => {
    const { bytes } = signStatement(keys, content());
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = bytes.map((byte, index) => (index === at ? byte ^ change : byte));
        expect(typeof openStatement(changed, network)).toBe('string');
      }),
    );
  });
});

describe('an import', () => {
  const good = Array.from({ length: 5 }, (_, index) =>
    signStatement(keys, content({ subject: didOf(index), sequence: index + 1 })),
  );

  it('takes what is good and says what was not, where, and why', () => {
    const graph = new TrustGraph(other.did);
    graph.add(good[0]!, 0);
    const later = signStatement(keys, content({ subject: didOf(1), sequence: 9 }));
    graph.add(later, 0);
    const foreign = signStatement(keys, content({ network: 'other' }));
    const reader = new StatementImport(graph, network);
    const lines = [
      '# statements',
      '',
      formatLine(good[0]!),
      formatLine(good[1]!),
      'not base64!',
      `  ${formatLine(good[2]!)}\r`,
      formatLine(foreign),
      formatLine(good[3]!).slice(0, -8),
      `${formatLine(good[4]!)}${formatLine(good[4]!)}`,
      'A'.repeat(lineCharsMax + 1),
      formatLine(signStatement(keys, content({ subject: didOf(2), sequence: 8 }))),
    ];
    const taken = lines.map((line) => reader.take(line, 0)?.statement.sequence);
    expect(taken.filter((sequence) => sequence !== undefined)).toEqual([3, 8]);
    expect(reader.report).toEqual({
      counts: {
        known: 1,
        outdated: 1,
        added: 1,
        renewed: 1,
        'text-malformed': expect.any(Number),
        'network-wrong': 1,
        malformed: expect.any(Number),
        'too-large': 1,
      },
      refused: [
        { line: 5, why: 'text-malformed' },
        { line: 7, why: 'network-wrong' },
        { line: 8, why: expect.stringMatching(/malformed$/) },
        { line: 9, why: expect.stringMatching(/malformed$/) },
        { line: 10, why: 'too-large' },
      ],
    });
  });

  it('brings all that was exported, into whatever order', () => {
    const [from, to] = [new TrustGraph(subject), new TrustGraph(subject)];
    for (const one of good) from.add(one, 0);
    const file = [...from.statements()].map(formatLine).toReversed();
    const reader = new StatementImport(to, network);
    for (const line of file) reader.take(line, 0);
    expect(reader.report).toEqual({ counts: { added: 5 }, refused: [] });
    expect([...to.statements()].toReversed()).toEqual([...from.statements()]);
  });

  it('counts what the graph has no place for', () => {
    const reader = new StatementImport(new TrustGraph(generateKeyPair().did, { statementsMax: 2 }), network);
    for (const one of good) reader.take(formatLine(one), 0);
    expect(reader.report.counts).toEqual({ added: 2, full: 3 });
    expect(reader.report.refused.map(({ line }) => line)).toEqual([3, 4, 5]);
  });

  it('never throws, and changes nothing by what is no statement', () => {
    const graph = new TrustGraph(subject);
    const reader = new StatementImport(graph, network);
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), (line) => {
        expect(reader.take(line, 0)).toBeUndefined();
      }),
    );
    expect(graph.statementCount).toBe(0);
    expect(reader.report.refused.length).toBeLessThanOrEqual(20);
  });

  it('reads no more signatures than its limit', () => {
    const reader = new StatementImport(new TrustGraph(subject), network);
    for (let line = 0; line < 100_000; line += 1) reader.take('!', 0);
    expect(reader.take(formatLine(good[0]!), 0)).toBeUndefined();
    expect(reader.report.counts).toEqual({ 'text-malformed': 100_000, unread: 1 });
  });
});
