// A branch whose last entry is held, and whose first ones were asked for in vain: found by the fuzzer (seed 2, episode 22).

import { describe, expect, it } from '@jest/globals';
import { entryOf, keyPair, logOf } from './fixtures.js';
import { clockQuestion, eager, headOf, joined } from './subject.js';

const FOREVER = Number.MAX_SAFE_INTEGER;

const author = keyPair(9);
const [fork, head] = logOf(author, 2, undefined, 'other');

/** Holds one entry of the log, and parks the head of a branch that begins beside it. */
function stuck() {
  const subject = joined(2, 3);
  subject.receive(2, eager(entryOf({ author })));
  const asked = subject.receive(2, eager(head!)).join();
  expect(asked).toContain('send to 2: PullRequest #1 9/1-2');
  subject.persisted(FOREVER);
  subject.nowMs += 60_000;
  subject.tell({ type: 'woke' });
  expect(subject.gossip.counters['pull-timeout']).toBe(1);
  return subject;
}

describe('a branch of which the head alone is held', () => {
  it('is asked for from below when a clock names its head again', () => {
    const subject = stuck();
    expect(subject.receive(3, clockQuestion([headOf(head!)])).join()).toContain(
      'send to 3: PullRequest #2 9/1-2',
    );
    expect(subject.receive(3, eager(fork!)).join()).toContain('entry 9/1');
    expect(subject.gossip.status()[0]!.entryCount).toBe(3);
  });
});
