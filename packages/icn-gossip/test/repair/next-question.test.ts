// When a node asks again, after a session that came to nothing.

import { describe, expect, it } from '@jest/globals';
import type { AntiEntropy } from '../../src/wire/messages.js';
import { entryOf, keyPair, sentBy } from '../fixtures.js';
import { antiEntropy, eager, headOf, pullRequest, Subject } from '../subject.js';

const ROUND_MS = 5_000;
const PEER = 2;
const ROOT = new Uint8Array(32).fill(7);

const held = entryOf({ author: keyPair(9) });

/** Sleeps until it asks; undefined where it does not for so long. `between` is called each second. */
function nextQuestion(
  subject: Subject,
  waitMs: number,
  between: () => void = () => undefined,
): AntiEntropy | undefined {
  const endMs = subject.nowMs + waitMs;
  for (let nextMs = subject.nowMs; nextMs <= endMs; nextMs += 1_000) {
    while ((subject.gossip.wakeAtMs ?? Infinity) <= nextMs) {
      subject.nowMs = subject.gossip.wakeAtMs!;
      for (const { message } of sentBy(subject.handle({ type: 'woke' })))
        if (message.type === 'AntiEntropy' && !message.answer) return message;
    }
    subject.nowMs = nextMs;
    between();
  }
  return undefined;
}

/** A node that holds an entry and has asked its peer. */
function asking(): { subject: Subject; question: AntiEntropy } {
  const subject = new Subject();
  subject.join();
  subject.meet(PEER);
  subject.receive(PEER, eager(held));
  subject.persisted(1);
  const question = nextQuestion(subject, 2 * ROUND_MS);
  if (question === undefined) throw new Error('it does not ask');
  return { subject, question };
}

/** The peer tells one head, which is held, under a root that differs. Returns whether the next round asks. */
function asksAfterClock({ heads }: { readonly heads: number }): boolean {
  const { subject, question } = asking();
  const summary = { type: 'clock', clock: [headOf(held)], base: null } as const;
  const counts = { heads, held: heads, parked: 0 };
  const { roundId } = question;
  subject.receive(PEER, antiEntropy({ roundId, answer: true, root: ROOT, counts, summary }));
  return nextQuestion(subject, 1.3 * ROUND_MS) !== undefined;
}

describe('after a clock of which nothing is lacking, under a root that differs', () => {
  it('a round is passed over', () => {
    expect(asksAfterClock({ heads: 1 })).toBe(false);
  });

  it('none is, where the peer has more heads than one message tells: it shows others the next time', () => {
    expect(asksAfterClock({ heads: 2 })).toBe(true);
  });
});

describe('after an answer that was lost', () => {
  it('the next round asks, though the peer goes on pulling', () => {
    const { subject } = asking();
    const pull = () => subject.receive(PEER, pullRequest({ missing: [held.name] }));
    expect(nextQuestion(subject, 2.5 * ROUND_MS, pull)).toBeDefined();
  });

  it('none asks while what was asked for still comes', () => {
    const { subject, question } = asking();
    const lacking = { ...held.name, seq: 9 };
    const summary = { type: 'clock', clock: [{ ...lacking, floor: 0 }], base: null } as const;
    const { roundId } = question;
    subject.receive(PEER, antiEntropy({ roundId, answer: true, root: ROOT, summary }));
    expect(nextQuestion(subject, 2_000)).toBeUndefined();
  });
});
