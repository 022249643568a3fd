// That `pnpm bench net` measures, fails and judges as docs/benchmarks.md says. No figure is asserted: how fast anything
// is depends on the machine.

import { describe, expect, it } from '@jest/globals';
import { reportOf, textOf, type Outcome } from '../bench/net/report.mjs';
import { run } from '../scripts/run.mjs';

/** What the benchmark says, and whether it succeeded. */
function bench(...args: readonly string[]) {
  return run([process.execPath, 'bench/net.mjs', ...args]);
}

interface Result {
  readonly figures: Record<string, Record<string, { median: number | null; failures: string[] }>>;
  readonly ratios: readonly unknown[];
}

function lastObject(stdout: string): Result {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Result;
}

describe('pnpm bench net', () => {
  it('measures those who were asked for, and nobody else', async () => {
    // As `pnpm bench` starts it, which builds first.
    const command = [process.execPath, 'bench/run.mjs', 'net', '--json'];
    const { succeeded, stdout } = await run([
      ...command,
      '--rounds',
      '1',
      '--measures',
      'handshake',
      '--only',
      'quic,tls',
    ]);
    expect(succeeded).toBe(true);
    const { figures, ratios } = lastObject(stdout);
    const measured = { median: expect.any(Number), rounds: [expect.any(Number)], failures: [] };
    const ofBoth = { quic: measured, tls: measured };
    expect(figures).toEqual({ handshake: ofBoth, 'first-byte': ofBoth });
    expect(ratios).toEqual([]);
  });

  it('gives no figure but a reason for whom it lost patience with, and succeeds', async () => {
    const { succeeded, stdout } = await bench(
      ...['--json', '--rounds', '3', '--measures', 'bulk', '--only', 'quic,bare-loop', '--patience', '0.01'],
    );
    expect(succeeded).toBe(true);
    const { figures, ratios } = lastObject(stdout);
    const failed = { median: null, rounds: [], failures: ['no result in 0.01 s', 'no result in 0.01 s'] };
    expect(figures).toEqual({ bulk: { quic: failed, 'bare-loop': failed } });
    expect(ratios).toEqual([
      { figure: 'bulk', of: 'quic', to: 'bare-loop', ratio: null, target: 0.9, isMet: null },
    ]);
  });

  it.each([
    ['--only', 'quic,udp', 'udp is none of'],
    ['--measures', 'speed', 'speed is none of'],
    ['--rounds', 'many', 'many is not a number above 0'],
  ])('refuses %s %s', async (option, value, why) => {
    const { succeeded, output } = await bench(option, value);
    expect(succeeded).toBe(false);
    expect(output).toMatch(why);
  });
});

describe('the report', () => {
  const rates = (contender: 'quic' | 'js-layer' | 'libp2p', values: readonly number[]): Outcome[] =>
    values.map((messages) => ({ contender, measure: 'messages', figures: { messages } }));
  const times = (contender: 'quic' | 'js-layer' | 'libp2p', values: readonly number[]): Outcome[] =>
    values.map((handshake) => ({
      contender,
      measure: 'handshake',
      figures: { handshake, 'first-byte': 2 * handshake },
    }));

  it('holds the medians against each other: more is better for rates', () => {
    const { cells, ratios } = reportOf([...rates('quic', [50, 900, 40]), ...rates('js-layer', [4, 5, 5000])]);
    expect(cells.messages?.quic?.median).toBe(50);
    expect(ratios).toEqual([
      { figure: 'messages', of: 'quic', to: 'js-layer', ratio: 10, target: 10, isMet: true },
    ]);
  });

  it('and less for times', () => {
    const { ratios } = reportOf([...times('quic', [4]), ...times('libp2p', [2])]);
    expect(ratios).toEqual([
      { figure: 'handshake', of: 'quic', to: 'libp2p', ratio: 0.5, target: 1, isMet: false },
      { figure: 'first-byte', of: 'quic', to: 'libp2p', ratio: 0.5, target: 1, isMet: false },
    ]);
  });

  it('counts the rounds that came to a result, and names the others', () => {
    const failure: Outcome = { contender: 'js-layer', measure: 'messages', reason: 'it hung' };
    const report = reportOf([...rates('quic', [60]), ...rates('js-layer', [5]), failure]);
    expect(report.ratios).toMatchObject([{ ratio: 12, isMet: true }]);
    const lines = textOf(report, ['quic', 'js-layer']).split('\n');
    expect(lines).toContainEqual(expect.stringMatching(/^\| 1 KiB messages\/s \| +12\.00 pass \(≥ 10\) \|$/));
    expect(lines.at(-1)).toBe('js-layer, messages: 1 of 2 rounds failed: it hung');
  });

  it('judges nothing where one of two has no figure', () => {
    const failure: Outcome = { contender: 'js-layer', measure: 'messages', reason: 'it hung' };
    const report = reportOf([...rates('quic', [60]), failure]);
    expect(report.ratios).toMatchObject([{ ratio: null, isMet: null }]);
    expect(textOf(report, ['quic', 'js-layer'])).toMatch('– open (≥ 10)');
  });
});
