// What a peer says of how much it holds is a claim: it steers a choice, and is paid for by nobody but the peer.

import { describe, expect, it } from '@jest/globals';
import { keyPair, logOf, TOPIC } from '../fixtures.js';
import { antiEntropy, eager, joined, Subject } from '../subject.js';

describe('counts that a peer made up', () => {
  it.each([2 ** 40, 2 ** 50, Number.MAX_SAFE_INTEGER])('of %d heads are no reason to throw', (count) => {
    const subject = joined(2);
    const counts = { heads: count, held: count, parked: 0 };
    expect(subject.receive(2, antiEntropy({ counts }))).toEqual([
      'send to 2: AntiEntropy answer sketch-request 0+32768',
    ]);
  });

  it('of heads without end do not make it keep symbols without end (I13)', () => {
    const subject = new Subject({ limits: { logsPerTopicMax: 1_000 } });
    subject.join();
    subject.meet(2);
    const counts = { heads: 2 ** 50, held: 2 ** 50, parked: 0 };
    let lines = subject.receive(2, antiEntropy({ counts }));
    const symbols = new Uint8Array(12 * 1_000).fill(7);
    for (let first = 0; lines.join().includes('sketch-request'); first += 1_000) {
      expect(first).toBeLessThan(10_000);
      subject.nowMs += 1_000;
      const summary = { type: 'sketch', first, symbols } as const;
      lines = subject.receive(2, antiEntropy({ answer: true, root: null, summary }));
    }
    expect(lines).toEqual(['send to 2: AntiEntropy answer clock-request']);
  });
});

describe('requests by the heads of a sketch', () => {
  const request = (requestId: number) => {
    const heads = { roundId: 4, wants: [1n], haves: [] };
    const nothing = { missing: [], ranges: [], evidence: [], bytesMax: 1_000 };
    return { type: 'PullRequest', requestId, topic: TOPIC, heads, ...nothing } as const;
  };

  it('are searched for a bounded number of times in a row, and again later (I13)', () => {
    const subject = joined(2);
    for (const entry of logOf(keyPair(3), 3)) subject.receive(2, eager(entry));
    let answered = 0;
    for (let id = 1; id <= 1_000; id++) answered += subject.receive(2, request(id)).length;
    expect(answered).toBeGreaterThan(200);
    expect(answered).toBeLessThanOrEqual(256);
    expect(subject.gossip.counters['pull-overload']).toBe(1_000 - answered);
    subject.nowMs += 1_000;
    expect(subject.receive(2, request(1_001))).toEqual(['send to 2: PullResponse #1001 []']);
  });
});
