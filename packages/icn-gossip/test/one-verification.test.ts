import { describe, expect, it, jest } from '@jest/globals';

// The only place where signatures are checked is counted, before the machine is loaded on top of it.
const identity = await import('@icn/identity');
let checkCount = 0;
jest.unstable_mockModule('@icn/identity', () => ({
  ...identity,
  verify: (...args: Parameters<typeof identity.verify>) => {
    checkCount++;
    return identity.verify(...args);
  },
}));
const { keyPair, logOf, text } = await import('./fixtures.js');
const { joined, clockQuestion, eager, headOf, lazy, response } = await import('./subject.js');
const { TestNetwork } = await import('./test-network.js');

/** Signature checks that `action` costs. */
function checksIn(action: () => void): number {
  const before = checkCount;
  action();
  return checkCount - before;
}

describe('I2: one signature check per entry per node', () => {
  const log = logOf(keyPair(2), 3);

  it('is counted here', () => {
    expect(checksIn(() => joined(2).receive(2, eager(log[0]!)))).toBe(1);
  });

  it('costs nothing more for duplicates, parked ones and pulled ones', () => {
    const subject = joined(2, 3);
    expect(checksIn(() => subject.receive(2, eager(log[2]!)))).toBe(1);
    const again = checksIn(() => {
      for (const peer of [2, 3, 2]) subject.receive(peer, eager(log[2]!));
      subject.receive(3, lazy(log[2]!));
    });
    expect(again).toBe(0);
    expect(checksIn(() => subject.receive(2, response(1, log)))).toBe(2);
    expect(checksIn(() => subject.receive(3, clockQuestion([headOf(log[2]!)])))).toBe(0);
  });

  it('costs nothing for what is refused by its looks', () => {
    const subject = joined(2);
    const [first] = log;
    const looks = checksIn(() => {
      subject.receive(2, eager(first!, { payload: text('jello') }));
      subject.receive(2, eager(first!, { header: new Uint8Array(10) }));
      subject.receive(2, response(99, log));
    });
    expect(looks).toBe(0);
  });

  it('costs nothing for own entries, nor after a restart', () => {
    const network = new TestNetwork();
    const [a] = network.start(1);
    const checks = checksIn(() => {
      for (let index = 0; index < 10; index++) network.submit(a!, text(`${index}`));
      network.run(100);
      network.crash(a!);
      network.restart(a!);
      network.run(100);
    });
    expect(checks).toBe(0);
    expect(a!.gossip.status()[0]).toMatchObject({ entryCount: 10 });
  });

  it('holds in a whole network, whatever the duplication', () => {
    const faults = { latencyMs: [1, 50], lossRate: 0.1, duplicationRate: 0.5, diskMs: [0, 5] } as const;
    const network = new TestNetwork({ faults });
    const nodes = network.start(5);
    const checks = checksIn(() => {
      for (let index = 0; index < 20; index++) {
        network.submit(nodes[index % 5]!, text(`${index}`));
        network.run(50);
      }
      const isAllThere = () => nodes.every(({ gossip }) => gossip.status()[0]!.entryCount === 20);
      network.run(120_000, () => isAllThere() && network.isConverged());
    });
    expect(network.isConverged()).toBe(true);
    expect(checks).toBe(20 * 4);
  });
});
