// docs/reference/module-05-network-gossip.md says the numbers of the code.

import { describe, expect, it } from '@jest/globals';

import { SUMMARY_NUMBERS, TYPE_NUMBERS } from '../packages/icn-gossip/src/wire/message-schema.js';
import { CLOSE_CODES, defaultQuicLimits } from '../packages/icn-net/src/index.js';
import {
  ALPN,
  CLOSE_TEXT_BYTES_MAX,
  PREFACE,
  STREAM_END,
  type CloseCode,
} from '../packages/icn-net/src/protocol.js';
import { createConfig, ticketKeyBytes } from '../packages/icn-net/src/quic/config.js';
import type { NativeQuic } from '../packages/icn-net/src/quic/native.js';
import { earlyBytesMax } from '../packages/icn-net/src/transport.js';
import { generateKeyPair } from '../packages/icn-identity/src/index.js';
import { rowsBelow } from './markdown.js';
import { readRepositoryFile } from './repository.js';

const page = readRepositoryFile('docs/reference/module-05-network-gossip.md');
const units: Readonly<Record<string, number>> = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20 };

/** `1,024`, `0.5` or `256 KiB`. */
function numberOf(text: string): number {
  const [digits = '', unit = ''] = text.split(' ');
  return Number(digits.replaceAll(',', '')) * (units[unit] ?? Number.NaN);
}

const pairsBelow = (heading: string): [string, string][] =>
  rowsBelow(page, heading).map(([name = '', value = '']) => [name, value]);

/** An argument of quiche as the page writes it. */
function shown(argument: unknown): string {
  if (typeof argument === 'number') return argument.toLocaleString('en-US');
  if (argument instanceof Uint8Array)
    return new TextDecoder().decode(argument).startsWith('-----BEGIN ') ? 'PEM' : `${argument.length} bytes`;
  return Array.isArray(argument) ? argument.map(shown).join(' · ') : String(argument);
}

/** What `createConfig` tells quiche, call by call. */
function callsOfConfig(): [string, string][] {
  const calls: [string, string][] = [];
  const note = (name: string, args: readonly unknown[]) => calls.push([name, shown(args) || 'none']);
  const config = new Proxy(
    {},
    {
      get:
        (_, name) =>
        (...args: readonly unknown[]) =>
          void note(String(name), args),
    },
  );
  const withBoringSslCtx = (...args: readonly unknown[]) => {
    note('withBoringSslCtx', args);
    return config;
  };
  createConfig(
    { Config: { withBoringSslCtx } } as unknown as NativeQuic,
    generateKeyPair(),
    defaultQuicLimits,
    {
      datagramBytesMax: defaultQuicLimits.datagramBytesMax,
      ticketKey: new Uint8Array(ticketKeyBytes),
    },
  );
  return calls;
}

describe('the reference of module 05', () => {
  it('has every message with its number', () => {
    const rows = rowsBelow(page, 'Messages').map(([number, name]) => [name, Number(number)]);
    const messages = rows.slice(0, Object.keys(TYPE_NUMBERS).length);
    expect(Object.fromEntries(messages)).toEqual(TYPE_NUMBERS);
    expect(Object.fromEntries(rows.slice(messages.length))).toEqual(SUMMARY_NUMBERS);
  });

  it('says what quiche is told, in the order of the calls', () => {
    expect(pairsBelow('What quiche is told')).toEqual(callsOfConfig());
  });

  it('has every limit of QUIC and its number', () => {
    const rows = pairsBelow('The limits').map(([name, value]) => [name, numberOf(value)]);
    expect(Object.fromEntries(rows)).toEqual(defaultQuicLimits);
    expect(rows).toHaveLength(Object.keys(defaultQuicLimits).length);
  });

  it('explains each value', () => {
    const unexplained = ['What quiche is told', 'The limits', 'What is fixed'].flatMap((heading) =>
      rowsBelow(page, heading).filter((row) => (row.at(-1) ?? '').length < 'as above'.length),
    );
    expect(unexplained).toEqual([]);
  });

  it('has what is fixed', () => {
    const hex = (bytes: Uint8Array) =>
      Buffer.from(bytes)
        .toString('hex')
        .replaceAll(/(..)(?!$)/g, '$1 ');
    const exported = new Map<string, string | number>([
      ['ALPN', ALPN],
      ['PREFACE', hex(PREFACE)],
      ['STREAM_END', hex(STREAM_END)],
      ['CLOSE_TEXT_BYTES_MAX', CLOSE_TEXT_BYTES_MAX],
      ['earlyBytesMax', earlyBytesMax],
    ]);
    const rows = rowsBelow(page, 'What is fixed');
    expect(rows.length).toBeGreaterThan(exported.size);
    for (const [name = '', where = '', value = ''] of rows) {
      const wanted = exported.get(name) ?? constantIn(where, name);
      expect([name, typeof wanted === 'number' ? numberOf(value) : value]).toEqual([name, wanted]);
    }
  });

  it('has every reason for which a connection ends', () => {
    const rows = pairsBelow('Why a connection ends').map(([name, number]) => [
      name as CloseCode,
      Number(number),
    ]);
    expect(Object.fromEntries(rows)).toEqual(CLOSE_CODES);
  });
});

describe('the check', () => {
  it('reads the numbers of tables', () => {
    expect(['1,024', '0.5', '256 KiB'].map(numberOf)).toEqual([1024, 0.5, 262_144]);
    expect(numberOf('many')).toBeNaN();
  });

  it('reads the rows of the tables below one heading alone', () => {
    const markdown = '# A\n\n| a | b |\n| - | - |\n| `x` | 1 |\n\n## B\n\n| a |\n| --- |\n| y |\n';
    expect(rowsBelow(markdown, 'A')).toEqual([['x', '1']]);
    expect(() => rowsBelow(markdown, 'C')).toThrow('no heading C');
  });
});

/** The number of a constant that its file keeps to itself; the cell links to the file. */
function constantIn(where: string, name: string): number {
  const [, path = ''] = /\]\(\.\.\/\.\.\/(.+)\)/.exec(where) ?? [];
  const [, digits = ''] =
    new RegExp(`^(?:export )?const ${name} = ([0-9_]+);`, 'm').exec(readRepositoryFile(path)) ?? [];
  return digits === '' ? Number.NaN : Number(digits.replaceAll('_', ''));
}
