import { describe, expect, it } from '@jest/globals';
import { PeerMemory } from '../../src/repair/peer-memory.js';
import { did } from '../fixtures.js';

const root = (byte: number) => new Uint8Array(32).fill(byte);
const PEER = did(1);

describe('what is remembered of a peer', () => {
  it('is the last state that both had, until it is forgotten', () => {
    const memory = new PeerMemory();
    expect(memory.base(PEER)).toBeUndefined();
    memory.agreed(PEER, { root: root(1), version: 1 });
    memory.agreed(PEER, { root: root(2), version: 2 });
    expect(memory.base(PEER)).toEqual({ root: root(2), version: 2 });
    expect(memory.base(did(2))).toBeUndefined();
    memory.forget(PEER);
    expect(memory.base(PEER)).toBeUndefined();
  });

  it('is wrong where a session brought nothing, and so forgotten', () => {
    const memory = new PeerMemory();
    memory.agreed(PEER, { root: root(1), version: 1 });
    memory.noteFruitless(PEER, root(2), root(3));
    expect(memory.base(PEER)).toBeUndefined();
  });

  /** Rounds passed over before the next try. */
  function passedOver(memory: PeerMemory, ours = root(1), theirs = root(2)): number {
    let count = 0;
    while (memory.isBarren(PEER, ours, theirs)) count++;
    return count;
  }

  it('is which roots bear nothing: each try in vain passes over twice as many rounds, up to 64', () => {
    const memory = new PeerMemory();
    expect(passedOver(memory)).toBe(0);
    const worth = Array.from({ length: 9 }, () => {
      memory.noteFruitless(PEER, root(1), root(2));
      return passedOver(memory);
    });
    expect(worth).toEqual([1, 2, 4, 8, 16, 32, 64, 64, 64]);
  });

  it.each<[string, (memory: PeerMemory) => void, Uint8Array | undefined, Uint8Array | undefined]>([
    ['our root is another', () => undefined, root(9), root(2)],
    ['their root is another', () => undefined, root(1), root(9)],
    ['their root was not said', () => undefined, root(1), undefined],
    ['both agreed since', (memory) => memory.agreed(PEER, { root: root(3), version: 3 }), root(1), root(2)],
  ])('but not where %s', (_, change, ours, theirs) => {
    const memory = new PeerMemory();
    for (let count = 0; count < 5; count++) memory.noteFruitless(PEER, root(1), root(2));
    change(memory);
    expect(memory.isBarren(PEER, ours!, theirs)).toBe(false);
  });

  it('is worth one round again, where other roots bear nothing', () => {
    const memory = new PeerMemory();
    for (let count = 0; count < 5; count++) memory.noteFruitless(PEER, root(1), root(2));
    memory.noteFruitless(PEER, root(1), root(3));
    expect(passedOver(memory, root(1), root(3))).toBe(1);
  });

  it('is bounded: of 1,025 peers the one that was met longest ago is forgotten', () => {
    const memory = new PeerMemory();
    const agreement = { root: root(1), version: 1 };
    for (let index = 0; index < 1_024; index++) memory.agreed(did(index), agreement);
    memory.agreed(did(0), agreement);
    memory.agreed(did(5_000), agreement);
    expect([0, 1, 2, 5_000].map((index) => memory.base(did(index)) !== undefined)).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });
});
