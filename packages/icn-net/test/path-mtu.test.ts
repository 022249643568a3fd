import { describe, expect, it } from '@jest/globals';

import { PathMtu } from '../src/quic/path-mtu.js';
import type { PathProbes, Probe } from '../src/quic/path-probes.js';

describe('the search for a larger size', () => {
  it('asks for no turn in the past while nothing is heard', () => {
    let probe: Probe | undefined;
    const probes = {
      isPossible: () => true,
      ask: (asked: Probe) => (probe = asked),
      cancel: () => undefined,
    } as unknown as PathProbes;
    const mtu = new PathMtu(probes, { floorBytes: 1350, ceilingBytes: 1452 });
    for (let i = 0; i < 16; i += 1) mtu.filled();
    for (let i = 0; i < 10; i += 1) {
      probe = undefined;
      mtu.turn(i);
      (probe as Probe | undefined)?.onSilence();
    }
    const raiseAtMs = mtu.wakeAtMs;
    expect(raiseAtMs).toBeLessThan(Infinity);
    mtu.fellSilent();
    mtu.turn(raiseAtMs + 1);
    expect(mtu.wakeAtMs).toBeGreaterThan(raiseAtMs + 1);
  });
});
