import { describe, expect, it } from '@jest/globals';
import { run } from '../scripts/run.mjs';

/** What the command says, and whether it succeeded; it builds first. */
function hostile(...args: readonly string[]) {
  return run([process.execPath, 'scripts/hostile.mjs', ...args]);
}

describe('pnpm hostile', () => {
  it('ends standard output with one object: what was sent, whether it grew, and what was counted', async () => {
    const { succeeded, stdout, output } = await hostile('--datagrams', '1000', '--json');
    expect([succeeded, output]).toEqual([true, expect.any(String)]);
    const result = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Record<string, object>;
    expect(result).toMatchObject({ seed: 1, datagrams: 1000, growthBytes: expect.any(Number) as unknown });
    const names = Object.keys(result.quic ?? {});
    expect(names).toEqual(expect.arrayContaining(['datagram-malformed', 'initial-undecryptable']));
    expect(Object.keys(result.tls ?? {})).toContain('handshake-failed');
  });

  it.each([
    [['--bla'], '--bla'],
    [['--datagrams', '0'], '--datagrams is a whole number from 1 on, not 0'],
  ])('says how to use it: %j', async (args, complaint) => {
    const { succeeded, output, stdout } = await hostile(...args);
    expect([succeeded, stdout]).toEqual([false, '']);
    expect(output).toContain(complaint);
    expect(output).toContain('usage: pnpm hostile');
  });
});
