import { describe, expect, it } from '@jest/globals';
import { eventually } from '../src/demo/icn-process.js';
import type { IcnNode } from '../src/index.js';
import { nodesOver } from './support/memory-node.js';

function hasEntries(node: IcnNode, count: number): Promise<unknown> {
  return eventually(
    async () => node.status(),
    ({ peers, topics }) => peers.length === 1 && topics[0]?.entryCount === count,
    10_000,
  );
}

describe('a node that meets another again over QUIC', () => {
  it('has asked what differs before the connection is open; not at the first meeting', async () => {
    const startNode = nodesOver('quic');
    const ada = await startNode('ada', { topics: ['lobby'] });
    const bob = await startNode('bob', { topics: ['lobby'], peers: ada.addresses });
    await hasEntries(bob, 0);
    const answeredCount = (): number =>
      [ada, bob].reduce((sum, node) => sum + (node.status().counters['early-answered'] ?? Number.NaN), 0);
    expect(answeredCount()).toBe(0);
    // Either may dial; of three dials one side has made two.
    for (const count of [1, 2]) {
      await ada.block(bob.did);
      await ada.topic('lobby').publish('while you were away');
      await ada.unblock(bob.did);
      await hasEntries(bob, count);
    }
    expect(answeredCount()).toBeGreaterThan(0);
  });
});
