// What a peer says of how much it holds is a claim: it steers a choice, and is paid for by nobody but the peer.

import { describe, expect, it } from '@jest/globals';
import { antiEntropy, joined } from '../subject.js';

describe('counts that a peer made up', () => {
  it.each([2 ** 40, 2 ** 50, Number.MAX_SAFE_INTEGER])('of %d heads are no reason to throw', (count) => {
    const subject = joined(2);
    const counts = { heads: count, held: count, parked: 0 };
    expect(subject.receive(2, antiEntropy({ counts }))).toEqual([
      'send to 2: AntiEntropy answer sketch-request 0+32768',
    ]);
  });
});
