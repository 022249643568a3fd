import { describe, expect, it } from '@jest/globals';
import type { GossipEffect } from '../../src/events.js';
import type { GossipMessage } from '../../src/wire/messages.js';
import { decodeMessage, encodeMessage } from '../../src/wire/message-codec.js';
import { did, entryOf, keyPair, logOf, TOPIC } from '../fixtures.js';
import { eager, eagerAfter, hello, lazy, response, subscribe } from '../subject.js';
import { first, inTree, names, other, PRUNE, pushes, second, third } from './tree-subject.js';

const GRAFT: GossipMessage = { type: 'Graft', topic: TOPIC };
const GRAFT_TIMEOUT_MS = 1_000;
const PRUNE_DELAY_MS = 1_000;

describe('eager push', () => {
  it('sends the same bytes to all neighbours but the sender', () => {
    const subject = inTree();
    expect(pushes(subject.receive(2, eager(first)))).toEqual([
      'send to 3, 4, 5, 6, 7: Announcement eager 9/1',
    ]);
  });

  it('tells a lazy neighbour the name alone, gathered for lazyBatchMs', () => {
    const subject = inTree();
    subject.receive(3, PRUNE);
    expect(pushes(subject.receive(2, eager(first)))).toEqual(['send to 4, 5, 6, 7: Announcement eager 9/1']);
    subject.receive(2, eager(second));
    subject.persisted(2);
    expect(subject.sleepUntil(500)).toEqual(['send to 3: Announcements 9/1 lazy, 9/2 lazy']);
    expect(subject.sleepUntil(2_000)).toEqual([]);
  });

  it('does not tell a lazy neighbour of what that announced itself', () => {
    const subject = inTree();
    subject.receive(3, PRUNE);
    subject.receive(3, names(first));
    subject.receive(2, eager(first));
    subject.receive(2, eager(second));
    subject.receive(3, names(second));
    subject.persisted(2);
    expect(subject.sleepUntil(5_000)).toEqual([]);
  });

  it('does not push to who announced the entry before', () => {
    const subject = inTree();
    subject.receive(4, names(first));
    expect(pushes(subject.receive(2, eager(first)))).toEqual(['send to 3, 5, 6, 7: Announcement eager 9/1']);
  });

  it('announces own names only once they are durable (I8)', () => {
    const subject = inTree();
    subject.receive(3, PRUNE);
    subject.submit('hello');
    expect(subject.sleepUntil(600)).toEqual([]);
    expect(subject.persisted(1)).toEqual([
      'deliver 1: 1/1',
      'send to 2, 4, 5, 6, 7: Announcement eager 1/1',
      'acknowledge 1: 1/1',
      'send to 3: Announcements 1/1 lazy',
    ]);
  });

  it('pushes to a peer without the extension always, and whole', () => {
    const subject = inTree({ pushBatchMs: 50 });
    subject.handle({ type: 'peer-up', peer: did(8) });
    for (const message of [hello({ extensions: [] }), subscribe()])
      subject.handle({ type: 'received', from: did(8), frame: encodeMessage(message) });
    subject.receive(8, PRUNE);
    expect(pushes(subject.receive(2, eager(first)))).toEqual(['send to 8: Announcement eager 9/1']);
  });
});

describe('with few followers', () => {
  it('all are eager, and none is pruned', () => {
    const subject = inTree({}, [2, 3, 4, 5, 6]);
    expect(pushes(subject.receive(2, eager(first)))).toEqual(['send to 3, 4, 5, 6: Announcement eager 9/1']);
    expect(subject.receive(4, eager(first))).toEqual([]);
    subject.persisted(1);
    expect(subject.sleepUntil(5_000)).toEqual([]);
  });

  it('those that prune this link have more, and a tree: they get names', () => {
    const subject = inTree({}, [2, 3, 4, 5, 6]);
    subject.receive(3, PRUNE);
    expect(pushes(subject.receive(2, eager(first)))).toEqual(['send to 4, 5, 6: Announcement eager 9/1']);
    subject.persisted(1);
    expect(subject.sleepUntil(5_000)).toEqual(['send to 3: Announcements 9/1 lazy']);
  });

  it('what was pruned when there were more is eager again', () => {
    const subject = inTree();
    subject.receive(3, PRUNE);
    expect(pushes(subject.receive(2, eager(first)))).toEqual(['send to 4, 5, 6, 7: Announcement eager 9/1']);
    subject.handle({ type: 'peer-down', peer: did(4) });
    expect(pushes(subject.receive(2, eager(other)))).toEqual(['send to 3, 5, 6, 7: Announcement eager 13/1']);
  });
});

describe('prune', () => {
  it('follows a duplicate after pruneDelayMs, once, and makes the link lazy', () => {
    const subject = inTree();
    subject.receive(2, eager(first));
    expect(subject.receive(3, eager(first))).toEqual([]);
    expect(subject.receive(3, eager(first))).toEqual([]);
    subject.persisted(1);
    expect(subject.sleepUntil(PRUNE_DELAY_MS - 1)).toEqual([]);
    expect(subject.sleepUntil(5_000)).toEqual(['send to 3: Prune']);
    expect(pushes(subject.receive(2, eager(second)))).toEqual(['send to 4, 5, 6, 7: Announcement eager 9/2']);
  });

  it('does not follow an own second copy of the first sender', () => {
    const subject = inTree();
    subject.receive(2, eager(first));
    subject.receive(2, eager(first));
    subject.persisted(1);
    expect(subject.sleepUntil(5_000)).toEqual([]);
  });

  it('does not follow a duplicate of what came by pull', () => {
    const subject = inTree();
    subject.receive(2, lazy(first));
    subject.receive(2, response(1, [first]));
    subject.receive(3, eager(first));
    expect(subject.sleepUntil(5_000).filter((line) => line.includes('Prune'))).toEqual([]);
  });

  it('does not cut the link by which the other copy came', () => {
    const subject = inTree();
    subject.receive(2, eager(first));
    subject.receive(3, eager(first));
    subject.receive(2, PRUNE);
    expect(subject.sleepUntil(5_000).filter((line) => line.includes('Prune'))).toEqual([]);
  });

  it('follows one entry at a time: that of the smallest author', () => {
    const [small, large] = [8, 9].toSorted((a, b) => (did(a) < did(b) ? -1 : 1)) as [number, number];
    const [guide, other] = [entryOf({ author: keyPair(small) }), entryOf({ author: keyPair(large) })];
    const subject = inTree();
    subject.receive(2, eager(other));
    subject.receive(3, eager(guide));
    subject.receive(3, eager(other));
    subject.receive(2, eager(guide));
    expect(subject.sleepUntil(5_000).filter((line) => line.includes('Prune'))).toEqual(['send to 2: Prune']);
  });

  it('does not follow where the neighbour that the duplicate came from grafts this link', () => {
    const subject = inTree();
    subject.receive(2, eager(first));
    subject.receive(3, eager(first));
    subject.receive(3, GRAFT);
    subject.persisted(1);
    expect(subject.sleepUntil(5_000)).toEqual([]);
  });

  it('is obeyed, and again undone by a Graft', () => {
    const subject = inTree();
    subject.receive(3, PRUNE);
    expect(subject.receive(3, GRAFT)).toEqual([]);
    expect(pushes(subject.receive(2, eager(first)))).toEqual([
      'send to 3, 4, 5, 6, 7: Announcement eager 9/1',
    ]);
  });

  it('is not obeyed while it may have crossed a Graft of ours', () => {
    const subject = inTree();
    subject.receive(3, PRUNE);
    subject.receive(3, names(first));
    subject.sleepUntil(GRAFT_TIMEOUT_MS);
    subject.receive(3, PRUNE);
    expect(pushes(subject.receive(2, eager(second)))[0]).toBe(
      'send to 3, 4, 5, 6, 7: Announcement eager 9/2',
    );
  });
});

describe('hops', () => {
  it('count the links from the author, and are left out where they are not known', () => {
    const subject = inTree();
    const hopsOf = (effects: readonly GossipEffect[]) =>
      effects.flatMap((effect) => {
        const message = effect.type === 'send' ? decodeMessage(effect.frame) : undefined;
        return typeof message === 'object' && message.type === 'Announcement' ? [message.hops] : [];
      });
    const receive = (message: GossipMessage) =>
      subject.handle({ type: 'received', from: did(2), frame: encodeMessage(message) });
    expect(hopsOf(receive(eagerAfter(3, first)))).toEqual([4]);
    expect(hopsOf(receive(eager(second)))).toEqual([undefined]);
    subject.submit('hello');
    expect(hopsOf(subject.handle({ type: 'persisted', write: 1 }))).toEqual([]);
    expect(hopsOf(subject.handle({ type: 'persisted', write: 3 }))).toEqual([0]);
  });

  it('let the shorter way take the place of the first, which is pruned', () => {
    const subject = inTree();
    subject.receive(2, eagerAfter(3, first));
    subject.receive(3, eagerAfter(3, first));
    expect(subject.receive(4, eagerAfter(2, first))).toEqual([]);
    subject.receive(4, PRUNE); // it got a copy from here
    subject.persisted(1);
    expect(subject.sleepUntil(5_000)).toEqual(['send to 4: Graft', 'send to 3, 2: Prune']);
    expect(pushes(subject.receive(4, eager(second)))).toEqual(['send to 5, 6, 7: Announcement eager 9/2']);
  });

  it('change nothing where they are equal, or not known', () => {
    for (const [earlier, later] of [
      [eagerAfter(3, first), eagerAfter(3, first)],
      [eager(first), eagerAfter(0, first)],
      [eagerAfter(3, first), eager(first)],
    ] as const) {
      const subject = inTree();
      subject.receive(2, earlier);
      subject.receive(3, later);
      subject.persisted(1);
      expect(subject.sleepUntil(5_000)).toEqual(['send to 3: Prune']);
    }
  });

  it('of 0 are believed of the author alone: an echo takes no place', () => {
    const subject = inTree();
    subject.receive(2, eagerAfter(3, first));
    subject.receive(4, eagerAfter(0, first));
    subject.persisted(1);
    expect(subject.sleepUntil(5_000)).toEqual(['send to 4: Prune']);
  });

  it('are not believed again of a neighbour in whose place something was missing', () => {
    const subject = inTree();
    const prunes = (lines: readonly string[]) => lines.filter((line) => /Graft|: Prune/.test(line));
    subject.receive(2, eagerAfter(3, first));
    subject.receive(4, eagerAfter(1, first));
    expect(prunes(subject.sleepUntil(4_000))).toEqual(['send to 4: Graft', 'send to 2: Prune']);
    subject.receive(3, names(second));
    expect(prunes(subject.sleepUntil(6_000))).toEqual(['send to 3: Graft']);
    subject.receive(5, eagerAfter(3, third));
    subject.receive(4, eagerAfter(1, third));
    expect(prunes(subject.sleepUntil(12_000))).toEqual(['send to 4: Prune']);
  });

  it('change nothing by another entry than the guide', () => {
    const [small, large] = [8, 9].toSorted((a, b) => (did(a) < did(b) ? -1 : 1)) as [number, number];
    const [guide, other] = [entryOf({ author: keyPair(small) }), entryOf({ author: keyPair(large) })];
    const subject = inTree();
    subject.receive(2, eagerAfter(3, other));
    subject.receive(4, eagerAfter(1, other));
    subject.receive(2, eagerAfter(3, guide));
    subject.receive(3, eagerAfter(3, guide));
    expect(subject.sleepUntil(5_000).filter((line) => /Prune|Graft/.test(line))).toEqual([
      'send to 3: Prune',
    ]);
  });
});

describe('graft', () => {
  it('follows a name whose entry does not come in time, with a pull', () => {
    const subject = inTree();
    expect(subject.receive(3, names(first, second))).toEqual([]);
    expect(subject.sleepUntil(GRAFT_TIMEOUT_MS - 1)).toEqual([]);
    expect(subject.sleepUntil(GRAFT_TIMEOUT_MS)).toEqual([
      'send to 3: Graft',
      'send to 3: PullRequest #1 9/1, 9/2',
    ]);
  });

  it('does not follow where the entry comes in time', () => {
    const subject = inTree();
    subject.receive(3, names(first));
    subject.receive(2, eager(first));
    subject.persisted(1);
    expect(subject.sleepUntil(5_000)).toEqual([]);
  });

  it('does not follow a name of what is held', () => {
    const subject = inTree();
    subject.receive(2, eager(first));
    subject.persisted(1);
    expect(subject.receive(3, names(first))).toEqual([]);
    expect(subject.sleepUntil(5_000)).toEqual([]);
  });

  it('passes on what it brought like what is pushed', () => {
    const subject = inTree();
    subject.receive(3, names(first));
    subject.sleepUntil(GRAFT_TIMEOUT_MS);
    expect(pushes(subject.receive(3, response(1, [first])))[0]).toBe(
      'send to 2, 4, 5, 6, 7: Announcement eager 9/1',
    );
  });

  it('goes to another announcer where the first is gone', () => {
    const subject = inTree({}, [2, 3, 4, 5, 6, 7, 8]);
    subject.receive(3, names(first));
    subject.receive(4, names(first));
    subject.tell({ type: 'peer-down', peer: did(3) });
    expect(subject.sleepUntil(GRAFT_TIMEOUT_MS)).toEqual([
      'send to 4: Graft',
      'send to 4: PullRequest #1 9/1',
    ]);
  });

  it('goes to a lazy announcer before an eager one, which was grafted in vain', () => {
    const subject = inTree();
    subject.receive(4, PRUNE);
    subject.receive(3, names(first));
    subject.receive(4, names(first));
    expect(subject.sleepUntil(GRAFT_TIMEOUT_MS)[0]).toBe('send to 4: Graft');
    subject.receive(3, names(second));
    subject.receive(4, names(second));
    expect(subject.sleepUntil(2 * GRAFT_TIMEOUT_MS)[0]).toBe('send to 3: Graft');
  });

  it('counts what a peer names beyond its share, and forgets it', () => {
    const subject = inTree({ wantsPerPeerMax: 2 });
    subject.receive(3, names(first, second, third));
    expect(subject.gossip.counters).toEqual({ 'wants-full': 1 });
    expect(subject.sleepUntil(GRAFT_TIMEOUT_MS)).toEqual([
      'send to 3: Graft',
      'send to 3: PullRequest #1 9/1, 9/2',
    ]);
  });
});

describe('with pushBatchMs', () => {
  it('sends several entries in a frame, to each what it lacks', () => {
    const subject = inTree({ pushBatchMs: 50 });
    subject.receive(2, eager(first));
    subject.receive(2, eager(second));
    subject.receive(3, eager(second));
    subject.persisted(2);
    expect(subject.sleepUntil(50)).toEqual([
      'send to 3: Announcements 9/1',
      ...[4, 5, 6, 7].map((peer) => `send to ${peer}: Announcements 9/1, 9/2`),
    ]);
  });

  it('sends own entries once they are durable (I8)', () => {
    const subject = inTree({ pushBatchMs: 50 });
    subject.submit('hello');
    expect(subject.sleepUntil(50)).toEqual([]);
    expect(pushes(subject.persisted(1))).toHaveLength(6);
  });

  it('keeps nothing for who is gone, neighbour or not', () => {
    const subject = inTree({ pushBatchMs: 50 }, [2, 3, 4]);
    subject.receive(3, { type: 'Disconnect', topic: TOPIC });
    subject.receive(2, eager(first));
    for (const peer of [3, 4]) subject.handle({ type: 'peer-down', peer: did(peer) });
    subject.persisted(1);
    expect(subject.sleepUntil(50)).toEqual([]);
  });

  it('sends a full batch at once: what waits is bounded', () => {
    const subject = inTree({ pushBatchMs: 50_000 });
    const log = logOf(keyPair(9), 6, undefined, 'x'.repeat(60_000));
    const lines = log.flatMap((entry) => pushes(subject.receive(2, eager(entry))));
    expect(lines).toHaveLength(5);
  });
});
