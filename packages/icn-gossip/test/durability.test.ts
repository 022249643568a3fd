import { describe, expect, it } from '@jest/globals';
import { DurabilityGate } from '../src/durability-gate.js';
import { seededNumbers, text, TOPIC } from './fixtures.js';
import { CALM, TestNetwork, type Faults } from './test-network.js';

const SLOW_DISK: Faults = { ...CALM, diskMs: [5, 40] };

describe('DurabilityGate', () => {
  it('lets go in order, of what the durable writes are enough for', () => {
    const gate = new DurabilityGate<string>();
    expect(gate.isClear).toBe(true);
    gate.nextWrite();
    gate.hold('a');
    gate.hold('b');
    gate.nextWrite();
    gate.hold('c');
    expect([gate.release(1), gate.isClear]).toEqual([['a', 'b'], false]);
    expect([gate.release(2), gate.isClear]).toEqual([['c'], true]);
  });

  it('is not moved by numbers that were never given, nor back', () => {
    const gate = new DurabilityGate<string>();
    gate.nextWrite();
    expect(gate.release(99)).toEqual([]);
    gate.nextWrite();
    gate.hold('a');
    expect(gate.release(1)).toEqual([]);
    expect(gate.release(2)).toEqual(['a']);
  });
});

// The test network checks I7 and I8 at each effect: nothing is announced, counted or delivered before it is on disk.
describe('I8: own entries are durable before anyone hears of them', () => {
  it.each([1, 2, 3, 4, 5])(
    'loses nothing acknowledged, forks no log and skips no position over 20 crashes (seed %d)',
    (seed) => {
      const draw = seededNumbers(seed);
      const network = new TestNetwork({ seed, faults: SLOW_DISK });
      const [a, b] = network.start(2);
      for (let crash = 0; crash < 20; crash++) {
        for (let index = 0; index < 5; index++) {
          network.submit(a!, text(`${crash}/${index}`));
          network.run(draw() * 20);
        }
        network.crash(a!);
        network.run(draw() * 100);
        network.restart(a!);
      }
      network.run(60_000, () => network.isConverged());
      expect(network.isConverged()).toBe(true);
      network.run(1_000);
      const seqs = a!.acknowledged.map(({ seq }) => seq);
      expect(seqs).toEqual([...new Set(seqs)].toSorted((x, y) => x - y));
      for (const node of [a!, b!]) {
        const delivered = new Set(node.delivered());
        expect(a!.acknowledged.filter(({ id }) => !delivered.has(id))).toEqual([]);
        expect(node.gossip.status()[0]!.entryCount).toBe(delivered.size);
      }
      const lastSeq = Math.max(...seqs);
      const heads = [...a!.disk.entries.get(TOPIC)!.values()].length;
      expect(heads).toBeGreaterThanOrEqual(lastSeq);
      expect(a!.gossip.status()[0]!.entryCount).toBe(heads);
    },
  );

  it('goes on with its log and its positions where it stopped', () => {
    const network = new TestNetwork();
    const [a] = network.start(1);
    for (let index = 0; index < 3; index++) network.submit(a!, text(`${index}`));
    network.run(100);
    const root = a!.root();
    network.crash(a!);
    network.restart(a!);
    expect(a!.root()).toBe(root);
    network.submit(a!, text('after'));
    network.run(100);
    expect(a!.acknowledged.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect(a!.delivered().length).toBe(4);
  });

  it('forgets what was not written: nobody has heard of it', () => {
    const network = new TestNetwork({ faults: { ...CALM, diskMs: [50, 50] } });
    const [a, b] = network.start(2);
    network.run(500);
    network.submit(a!, text('lost'));
    network.run(49);
    network.crash(a!);
    network.restart(a!);
    network.run(500);
    expect([a!.acknowledged, b!.delivered()]).toEqual([[], []]);
    network.submit(a!, text('kept'));
    network.run(500);
    expect(a!.acknowledged.map(({ seq }) => seq)).toEqual([1]);
    expect(b!.delivered()).toEqual(a!.delivered());
  });
});
