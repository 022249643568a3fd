// That the commands which docs and READMEs name run and say what they promise. No figure of time is asserted.

import { describe, expect, it } from '@jest/globals';
import { run } from '../scripts/run.mjs';

function lastObject(stdout: string): Record<string, unknown> {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
}

describe('pnpm bench early', () => {
  it('gives the round trips until the first answer, of both meetings', async () => {
    const { succeeded, stdout } = await run([
      process.execPath,
      'bench/early.mjs',
      '--rounds',
      '1',
      '--delay',
      '5',
      '--json',
    ]);
    expect(succeeded).toBe(true);
    expect(lastObject(stdout)).toEqual({
      bench: 'early',
      roundTripMs: 10,
      first: expect.any(Number),
      resumed: expect.any(Number),
      rounds: { first: [expect.any(Number)], resumed: [expect.any(Number)] },
    });
  });
});

describe('pnpm rough-path', () => {
  it('brings everything over one connection', async () => {
    const options = ['--megabytes', '1', '--rebinds', '3', '--delay', '2', '--jitter', '1', '--json'];
    const { succeeded, stdout } = await run([process.execPath, 'scripts/rough-path.mjs', ...options]);
    expect(succeeded).toBe(true);
    expect(lastObject(stdout)).toMatchObject({
      isIntact: true,
      bytes: 1_000_000,
      connections: 1,
      rebinds: 3,
    });
  });
});

describe('pnpm verdicts', () => {
  it('has both backends judge the table, the batches and changed signatures', async () => {
    const { succeeded, stdout } = await run([
      process.execPath,
      'scripts/verdicts.mjs',
      '--mutations',
      '130',
      '--json',
    ]);
    expect(succeeded).toBe(true);
    const { deviations, mutations, validMutations, signatures, batchProofs } = lastObject(stdout);
    expect([deviations, mutations, validMutations]).toEqual([[], 130, expect.any(Number)]);
    expect(Number(validMutations)).toBeGreaterThanOrEqual(10);
    expect(Number(signatures)).toBeGreaterThan(80);
    expect(Number(batchProofs)).toBe(28);
  });
});

describe('pnpm browser', () => {
  it('says what is missing where there is no Chromium', async () => {
    const { succeeded, output } = await run([
      process.execPath,
      'scripts/browser.mjs',
      '--chromium',
      '/nowhere/chromium',
    ]);
    expect(succeeded).toBe(false);
    expect(output).toContain('no Chromium at /nowhere/chromium: install it');
  });
});
