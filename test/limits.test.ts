import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { defaultQuicLimits, defaultSwarmLimits, defaultTlsLimits } from '../packages/icn-net/src/index.js';
import { defaultTrustLimits } from '../packages/icn-identity/src/trust/index.js';
import { root } from './repository.js';

interface Row {
  readonly of: string;
  readonly name: string;
  readonly value: number;
  readonly reason: string;
}

const units: Readonly<Record<string, number>> = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20 };

/** `1,024`, `0.5` or `256 KiB`. */
function numberOf(text: string): number {
  const [digits = '', unit = ''] = text.split(' ');
  return Number(digits.replaceAll(',', '')) * (units[unit] ?? Number.NaN);
}

const page = await readFile(join(root, 'docs/limits.md'), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('|') && !/^\| (?:of |-)/.test(line))
  .map((line): Row => {
    const [of = '', name = '', value = '', , reason = ''] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', ''));
    return { of, name, value: numberOf(value), reason };
  });

describe('docs/limits.md', () => {
  it.each([
    ['quic', defaultQuicLimits],
    ['tls', defaultTlsLimits],
    ['swarm', defaultSwarmLimits],
    ['trust', defaultTrustLimits],
  ])('has every limit of %s, and its number', (of, limits) => {
    const said = rows.filter((row) => row.of === of).map(({ name, value }) => [name, value]);
    expect(Object.fromEntries(said)).toEqual(limits);
    expect(said).toHaveLength(Object.keys(limits).length);
  });

  it.each(rows.filter(({ of }) => of.includes('/')))(
    'has the number of $name in $of',
    async ({ of, name, value }) => {
      const path = of.startsWith('icn-') ? of : `icn-net/${of}`;
      const source = await readFile(join(root, 'packages', path), 'utf8');
      const [, digits = ''] = new RegExp(`\\b${name}(?: =|:) ([0-9_]+)\\b`).exec(source) ?? [];
      expect(Number(digits.replaceAll('_', '') || Number.NaN)).toBe(value);
    },
  );

  it('gives a reason for each', () => {
    expect(rows.length).toBeGreaterThan(50);
    expect(rows.filter(({ reason }) => reason === '')).toEqual([]);
  });
});
