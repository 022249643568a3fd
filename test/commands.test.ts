// That the commands which docs and READMEs name run and say what they promise. No figure of time is asserted.

import { describe, expect, it } from '@jest/globals';
import { run } from '../scripts/run.mjs';
import { deviations } from '../scripts/verdict-deviations.mjs';

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

describe('pnpm bench trust', () => {
  it('gives what scores, explanations and changes cost, by the number of statements', async () => {
    const { succeeded, stdout } = await run([
      process.execPath,
      'bench/trust.mjs',
      '--statements',
      '300',
      '--json',
    ]);
    expect(succeeded).toBe(true);
    const spread = { median: expect.any(Number), p99: expect.any(Number), max: expect.any(Number) };
    expect(lastObject(stdout)).toMatchObject({
      bench: 'trust',
      rows: [{ dids: 30, scoreMs: spread, explainMs: spread, changeMs: spread, ownChangeMs: spread }],
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

describe('pnpm replay', () => {
  it('counts none accepted twice where the guard is killed while it writes', async () => {
    const options = ['--envelopes', '800', '--senders', '10', '--window', '64', '--crashes', '2', '--json'];
    const { succeeded, stdout } = await run([process.execPath, 'scripts/replay.mjs', ...options]);
    expect(succeeded).toBe(true);
    const result = lastObject(stdout);
    expect(result).toMatchObject({ acceptedTwice: 0, wrongVerdicts: 0 });
    expect(result['restarts']).toBeGreaterThanOrEqual(2);
    expect(Number(result['acceptedOnce']) + Number(result['rememberedUnheard'])).toBe(800);
  });

  it('counts each envelope accepted once, before and after the guard is killed', async () => {
    const options = ['--envelopes', '600', '--senders', '20', '--window', '32', '--json'];
    const { succeeded, stdout } = await run([process.execPath, 'scripts/replay.mjs', ...options]);
    expect(succeeded).toBe(true);
    expect(lastObject(stdout)).toMatchObject({
      envelopes: 600,
      arrivals: 630,
      acceptedOnce: 600,
      acceptedTwice: 0,
      wrongVerdicts: 0,
      restarts: 1,
      senderCountMax: 20,
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

describe('what two judges said', () => {
  const rows = [{ isValid: true }, { isValid: false }];
  const stored = { 'signatures.json': rows, 'cbor.json': [1] };
  const said = { vectors: stored, signatures: '10', batches: '10', mutations: '0110', signed: '1111' };

  it('deviates nowhere where it is the same, and what is stored', () => {
    expect(deviations(said, said, stored)).toEqual([]);
  });

  it.each([
    ['a verdict on a changed signature', { mutations: '0100' }, 'mutations: 4 against 4 verdicts, number 2'],
    ['fewer verdicts', { batches: '1' }, 'batches: 2 against 1 verdicts, number 1'],
    ['a signature that is made otherwise', { signed: '1110' }, 'RFC 8032: 4 against 4 verdicts, number 3'],
    [
      'a file that is made otherwise',
      { vectors: { ...stored, 'cbor.json': [2] } },
      'cbor.json is made otherwise',
    ],
    ['a file that is not made', { vectors: { 'signatures.json': rows } }, 'cbor.json is not made'],
  ])('names %s', (_, changes, line) => {
    expect(deviations(said, { ...said, ...changes }, stored).join()).toContain(line);
  });

  it('names a verdict on which both are wrong', () => {
    const both = { ...said, signatures: '11' };
    expect(deviations(both, both, stored)).toEqual([
      'signatures.json: 2 against 2 verdicts, number 1 is another',
    ]);
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

describe('pnpm labs', () => {
  it('builds what it needs, and says which labs there are', async () => {
    const { succeeded, stdout } = await run([process.execPath, 'labs/run.mjs', 'list']);
    expect(succeeded).toBe(true);
    expect(stdout).toContain('Course 08: Network and gossip');
  });

  it('passes on what a command says of itself', async () => {
    const { succeeded, output } = await run([process.execPath, 'labs/run.mjs', 'start', '99']);
    expect(succeeded).toBe(false);
    expect(output).toContain('no lab "99"');
  });
});
