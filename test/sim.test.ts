import { describe, expect, it } from '@jest/globals';
import { run } from '../scripts/run.mjs';

/** What the command says, and whether it succeeded; it builds first. */
function sim(...args: readonly string[]) {
  return run([process.execPath, 'scripts/sim.mjs', ...args]);
}

describe('pnpm sim', () => {
  it('ends standard output with one object, of the fields that are promised', async () => {
    const { succeeded, stdout } = await sim(
      '--scenario',
      'original',
      '--seeds',
      '3',
      '--nodes',
      '2',
      '--json',
    );
    expect(succeeded).toBe(true);
    const result = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Record<string, unknown>;
    expect(result).toMatchObject({ scenario: 'original', seeds: 3, nodes: 2, missed: 0, violations: 0 });
  });

  it('names the seed, the invariant and the one command that replays it', async () => {
    const machine = ['--machine', 'max-merge'];
    const { succeeded, output } = await sim(
      '--scenario',
      'faults',
      '--seeds',
      '2',
      '--nodes',
      '4',
      ...machine,
    );
    expect(succeeded).toBe(false);
    expect(output).toMatch(/seed 1 of faults with 4 nodes breaks \d+ times:\n {2}I6 at \d+ ms, n\d: /);
    const replay = /pnpm sim (--scenario faults --nodes 4 --seed 1 --trace --machine max-merge)/.exec(output);
    const again = await sim(...replay![1]!.split(' '));
    expect(again.succeeded).toBe(false);
    expect(again.stdout).toMatch(/\* faults begin\n/);
  });

  it.each([
    [['--bla'], '--bla'],
    [['--seeds', '0'], '--seeds is a whole number from 1 on, not 0'],
    [['--scenario', 'nix'], 'no scenario nix; there are: faults, original'],
    [['--machine', 'nix'], 'no machine nix; there are: gossip, plain'],
    [['--trace'], 'give --seed N too'],
  ])('says how to use it: %j', async (args, complaint) => {
    const { succeeded, output, stdout } = await sim(...args);
    expect([succeeded, stdout]).toEqual([false, '']);
    expect(output).toContain(complaint);
    expect(output).toContain('usage: pnpm sim');
  });
});
