// What the fuzzer found of peers that go while something is still owed to them. Each with the positive control.

import { describe, expect, it } from '@jest/globals';
import { did, entryOf, keyPair, TOPIC } from './fixtures.js';
import { antiEntropy, eager, joined, lazy, Subject } from './subject.js';

const FOREVER = Number.MAX_SAFE_INTEGER;

/** Nine children of nobody: a log that is closed from its first entry on. */
const SIBLINGS = Array.from({ length: 9 }, (_, index) => {
  return entryOf({ author: keyPair(9), payload: `${index}` });
});

describe('a peer whose link is down', () => {
  it('is not told, once the disk has caught up, what was to be said to it', () => {
    const subject = joined(2, 3);
    subject.submit('slow');
    for (const peer of [2, 3]) expect(subject.receive(peer, antiEntropy({}))).toEqual([]);
    subject.tell({ type: 'peer-down', peer: did(2) });
    const lines = subject.persisted(FOREVER).join('\n');
    expect(lines).toContain('send to 3: AntiEntropy');
    expect(lines).toContain('send to 3: Announcement');
    expect(lines).not.toContain('send to 2');
  });

  it('is not told on its next link either what was meant for the last', () => {
    const subject = joined(2);
    subject.submit('slow');
    subject.receive(2, antiEntropy({}));
    subject.tell({ type: 'peer-down', peer: did(2) });
    subject.tell({ type: 'peer-up', peer: did(2) });
    expect(subject.persisted(FOREVER).join('\n')).not.toContain('send to 2');
  });

  it('frees the room that messages to it took while they waited', () => {
    const subject = new Subject({ limits: { heldBytesMax: 400 } });
    subject.join();
    subject.meet(2, 3);
    subject.submit('slow');
    for (let count = 0; count < 9; count++) subject.receive(2, antiEntropy({ roundId: count }));
    expect(subject.gossip.counters['outbox-full']).toBeGreaterThan(0);
    subject.tell({ type: 'peer-down', peer: did(2) });
    subject.receive(3, antiEntropy({}));
    expect(subject.persisted(FOREVER).join('\n')).toContain('send to 3: AntiEntropy');
  });

  it('is not told of a closing whose witness came from the disk too late', () => {
    const subject = joined(2, 3, 4);
    for (const entry of SIBLINGS) subject.receive(4, eager(entry));
    expect(subject.persisted(FOREVER).join('\n')).toContain('load #1');
    subject.tell({ type: 'peer-down', peer: did(2) });
    const entries = SIBLINGS.map(({ parts }) => parts);
    expect(subject.tell({ type: 'loaded', load: 1, entries })).toEqual([
      expect.stringContaining('send to 3: Equivocation'),
    ]);
  });
});

describe('a topic that is left', () => {
  it('gives each peer back its share of what it can make this node want', () => {
    const subject = new Subject({ limits: { wantsPerPeerMax: 3 } });
    for (let again = 0; again < 3; again++) {
      subject.join();
      subject.meet(2);
      for (let author = 20; author < 23; author++) {
        const [line] = subject.receive(2, lazy(entryOf({ author: keyPair(author) })));
        if (author === 20) expect(line).toContain('send to 2: PullRequest');
      }
      expect(subject.gossip.counters['wants-full']).toBeUndefined();
      subject.tell({ type: 'left', topic: TOPIC });
    }
  });
});
