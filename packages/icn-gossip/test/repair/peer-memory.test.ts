import { describe, expect, it } from '@jest/globals';
import { PeerMemory } from '../../src/repair/peer-memory.js';
import { did } from '../fixtures.js';

const root = (byte: number) => new Uint8Array(32).fill(byte);
const PEER = did(1);
const ROUND_MS = 5_000;

describe('what is remembered of a peer', () => {
  it('is the last state that both had, until it is forgotten', () => {
    const memory = new PeerMemory(ROUND_MS);
    expect(memory.base(PEER)).toBeUndefined();
    memory.agreed(PEER, { root: root(1), version: 1 });
    memory.agreed(PEER, { root: root(2), version: 2 });
    expect(memory.base(PEER)).toEqual({ root: root(2), version: 2 });
    expect(memory.base(did(2))).toBeUndefined();
    memory.forget(PEER);
    expect(memory.base(PEER)).toBeUndefined();
  });

  it('is wrong where a session brought nothing, and so forgotten', () => {
    const memory = new PeerMemory(ROUND_MS);
    memory.agreed(PEER, { root: root(1), version: 1 });
    memory.noteFruitless(PEER, root(2), root(3), 0);
    expect(memory.base(PEER)).toBeUndefined();
  });

  /** Rounds of 5 s passed over before the next try. */
  function passedOver(memory: PeerMemory, sinceMs: number, ours = root(1), theirs = root(2)): number {
    let count = 0;
    while (memory.isBarren(PEER, ours, theirs, sinceMs + (count + 1) * ROUND_MS)) count++;
    return count;
  }

  it('is which roots bear nothing: each try in vain is followed by twice the wait, up to 64 rounds', () => {
    const memory = new PeerMemory(ROUND_MS);
    expect(passedOver(memory, 0)).toBe(0);
    const worth = Array.from({ length: 9 }, () => {
      memory.noteFruitless(PEER, root(1), root(2), 0);
      return passedOver(memory, 0);
    });
    expect(worth).toEqual([1, 2, 5, 11, 23, 47, 63, 63, 63]);
  });

  it('is how long, not how often it was asked: many peers take turns', () => {
    const memory = new PeerMemory(ROUND_MS);
    for (let count = 0; count < 9; count++) memory.noteFruitless(PEER, root(1), root(2), 0);
    expect(memory.isBarren(PEER, root(1), root(2), 63 * ROUND_MS)).toBe(true);
    expect(memory.isBarren(PEER, root(1), root(2), 64 * ROUND_MS)).toBe(false);
  });

  it.each<[string, (memory: PeerMemory) => void, Uint8Array | undefined, Uint8Array | undefined]>([
    ['our root is another', () => undefined, root(9), root(2)],
    ['their root is another', () => undefined, root(1), root(9)],
    ['their root was not said', () => undefined, root(1), undefined],
    ['both agreed since', (memory) => memory.agreed(PEER, { root: root(3), version: 3 }), root(1), root(2)],
  ])('but not where %s', (_, change, ours, theirs) => {
    const memory = new PeerMemory(ROUND_MS);
    for (let count = 0; count < 5; count++) memory.noteFruitless(PEER, root(1), root(2), 0);
    change(memory);
    expect(memory.isBarren(PEER, ours!, theirs, 0)).toBe(false);
  });

  it('is worth one round again, where other roots bear nothing', () => {
    const memory = new PeerMemory(ROUND_MS);
    for (let count = 0; count < 5; count++) memory.noteFruitless(PEER, root(1), root(2), 0);
    memory.noteFruitless(PEER, root(1), root(3), 0);
    expect(passedOver(memory, 0, root(1), root(3))).toBe(1);
  });

  it('is bounded: of 1,025 peers the one that was met longest ago is forgotten', () => {
    const memory = new PeerMemory(ROUND_MS);
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
