import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { GossipEffect } from '../../src/events.js';
import type { GossipLimits } from '../../src/limits.js';
import type { GossipMessage } from '../../src/wire/messages.js';
import { encodeMessage } from '../../src/wire/message-codec.js';
import { did, TOPIC } from '../fixtures.js';
import { hello, ME, neighborAnswer, Subject, subscribe } from '../subject.js';

const FULL = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

function subjectOf(limits: Partial<GossipLimits> = {}): Subject {
  const subject = new Subject({ limits: { antiEntropyIntervalMs: 1e9, shuffleIntervalMs: 1e9, ...limits } });
  subject.join();
  return subject;
}

function withNeighbors(peers: readonly number[], limits: Partial<GossipLimits> = {}): Subject {
  const subject = subjectOf(limits);
  subject.meet(...peers);
  return subject;
}

/** A follower comes up that says nothing of the overlay yet. */
function follows(subject: Subject, peer: number): string[] {
  subject.handle({ type: 'peer-up', peer: did(peer) });
  subject.receive(peer, hello());
  return overlay(subject.receive(peer, subscribe()));
}

/** What concerns the overlay among what is done. */
function overlay(lines: readonly string[]): string[] {
  return lines.filter((line) => !/AntiEntropy|Subscribe|Hello/.test(line));
}

function forwardJoin(joiner: number, ttl: number): GossipMessage {
  return { type: 'ForwardJoin', topic: TOPIC, joiner: did(joiner), ttl };
}

function neighbor(isUrgent = false): GossipMessage {
  return { type: 'Neighbor', topic: TOPIC, isUrgent };
}

function shuffle(origin: number, ttl: number, ...peers: readonly number[]): GossipMessage {
  return { type: 'Shuffle', topic: TOPIC, origin: did(origin), ttl, peers: peers.map(did) };
}

const JOIN: GossipMessage = { type: 'Join', topic: TOPIC };
const DISCONNECT: GossipMessage = { type: 'Disconnect', topic: TOPIC };

describe('a newcomer', () => {
  it('joins by its first follower, and asks the next ones', () => {
    const subject = subjectOf();
    expect(follows(subject, 2)).toEqual(['send to 2: Join']);
    expect(follows(subject, 3)).toEqual(['send to 3: Neighbor']);
    expect(subject.receive(2, neighborAnswer(true))).toEqual(['protect 2']);
    expect(subject.receive(2, neighborAnswer(true))).toEqual([]);
    expect(subject.receive(3, neighborAnswer(false))).toEqual([]);
  });

  it('asks no more than activeViewMin', () => {
    const subject = subjectOf();
    for (const peer of FULL.slice(0, 6)) expect(follows(subject, peer)).toHaveLength(1);
    expect(follows(subject, 8)).toEqual([]);
  });

  it('does not ask a peer that lacks the extension', () => {
    const subject = subjectOf();
    subject.handle({ type: 'peer-up', peer: did(2) });
    subject.receive(2, hello({ extensions: [] }));
    expect(overlay(subject.receive(2, subscribe()))).toEqual([]);
  });

  it('leaves a silent peer alone for a while, and says that it is urgent when it asks again', () => {
    const subject = subjectOf();
    follows(subject, 2);
    expect(subject.sleepUntil(34_999)).toEqual([]);
    expect(subject.gossip.counters).toEqual({ 'neighbor-timeout': 1 });
    expect(subject.sleepUntil(35_000)).toEqual(['send to 2: Neighbor urgent']);
  });
});

describe('Join', () => {
  it('makes the newcomer a neighbour, and sends it on a walk', () => {
    const subject = withNeighbors([2, 3]);
    follows(subject, 4);
    expect(subject.receive(4, JOIN)).toEqual([
      'protect 4',
      'send to 4: NeighborAnswer yes',
      'send to 2, 3: ForwardJoin 4 ttl 6',
    ]);
  });

  it('takes the place of another where all are taken', () => {
    const subject = withNeighbors(FULL);
    follows(subject, 12);
    const lines = subject.receive(12, JOIN);
    expect(lines.filter((line) => /^(release|protect)/.test(line))).toHaveLength(2);
    expect(lines[1]).toMatch(/^send to \d+: Disconnect$/);
  });
});

describe('ForwardJoin', () => {
  it('of a peer that is no neighbour is passed over', () => {
    const subject = withNeighbors([2, 3, 4, 5, 6, 7]);
    follows(subject, 8);
    expect(subject.receive(8, forwardJoin(20, 0))).toEqual([]);
    expect(subject.receive(8, forwardJoin(20, 5))).toEqual([]);
  });

  it('costs no neighbour its place before there is a link to the newcomer', () => {
    const subject = withNeighbors(FULL);
    for (const peer of FULL.slice(1)) subject.receive(peer, { type: 'Prune', topic: TOPIC });
    expect(subject.receive(2, forwardJoin(20, 0))).toEqual(['connect 20']);
    expect(follows(subject, 20)).toEqual([
      expect.stringMatching(/^release \d+$/),
      expect.stringMatching(/^send to \d+: Disconnect$/),
      'send to 20: Neighbor',
    ]);
  });

  it('comes of a newcomer once in a while, however often that joins', () => {
    const subject = withNeighbors([2, 3]);
    follows(subject, 4);
    const walks = () => subject.receive(4, JOIN).filter((line) => line.includes('ForwardJoin'));
    expect(walks()).toHaveLength(1);
    subject.receive(4, DISCONNECT);
    expect(walks()).toEqual([]);
    subject.receive(4, DISCONNECT);
    subject.nowMs += 30_000;
    expect(walks()).toHaveLength(1);
  });

  it('goes on to another neighbour, with one step less', () => {
    const subject = withNeighbors(FULL);
    const [line] = subject.receive(2, forwardJoin(20, 5));
    expect(line).toMatch(/^send to \d+: ForwardJoin 20 ttl 4$/);
    expect(line).not.toMatch(/send to 2:/);
  });

  it('walks no further than this node lets it, whatever its ttl', () => {
    const subject = withNeighbors(FULL);
    expect(subject.receive(2, forwardJoin(20, 1_000_000))[0]).toMatch(/ttl 5$/);
  });

  it('ends with a link to the newcomer, and Neighbor over it', () => {
    const subject = withNeighbors([2, 3, 4, 5, 6, 7]);
    expect(subject.receive(2, forwardJoin(20, 0))).toEqual(['connect 20']);
    expect(subject.receive(3, forwardJoin(20, 0))).toEqual([]);
    expect(follows(subject, 20)).toEqual(['send to 20: Neighbor']);
    expect(subject.receive(20, neighborAnswer(true))).toEqual(['protect 20']);
  });

  it('never connects to this node itself', () => {
    const subject = withNeighbors([2, 3]);
    expect(subject.receive(2, forwardJoin(ME, 0))).toEqual([]);
  });
});

describe('Neighbor', () => {
  it('is accepted up to activeViewMax, then refused', () => {
    const subject = withNeighbors(FULL.slice(0, 9));
    follows(subject, 11);
    follows(subject, 12);
    expect(subject.receive(11, neighbor())).toEqual(['protect 11', 'send to 11: NeighborAnswer yes']);
    expect(subject.receive(12, neighbor())).toEqual(['send to 12: NeighborAnswer no']);
  });

  it('is accepted again without a second protect', () => {
    const subject = withNeighbors([2]);
    expect(subject.receive(2, neighbor())).toEqual(['send to 2: NeighborAnswer yes']);
  });

  it('that crosses one of ours settles both', () => {
    const subject = subjectOf();
    follows(subject, 2);
    expect(subject.receive(2, neighbor())).toEqual(['protect 2', 'send to 2: NeighborAnswer yes']);
    expect(subject.receive(2, neighborAnswer(true))).toEqual([]);
    expect(subject.sleepUntil(100_000)).toEqual([]);
  });

  it('is never refused when it is urgent', () => {
    const subject = withNeighbors(FULL);
    follows(subject, 12);
    expect(subject.receive(12, neighbor(true)).at(-1)).toBe('send to 12: NeighborAnswer yes');
  });
});

describe('a neighbour that is lost', () => {
  it.each([
    ['by Disconnect', (subject: Subject) => subject.receive(2, DISCONNECT)],
    ['with its link', (subject: Subject) => subject.tell({ type: 'peer-down', peer: did(2) })],
  ])('%s is released once, and another is asked', (_, lose) => {
    const subject = withNeighbors(FULL.slice(0, 6));
    follows(subject, 8);
    expect(lose(subject)).toEqual(['release 2', 'send to 8: Neighbor']);
    expect(lose(subject)).toEqual([]);
  });

  it('is connected again when there is no other, ever more rarely', () => {
    const subject = withNeighbors([2]);
    expect(subject.tell({ type: 'peer-down', peer: did(2) })).toEqual(['release 2', 'connect 2']);
    const tried: number[] = [];
    while (tried.length < 5) {
      subject.tell({ type: 'unreachable', peer: did(2) });
      if (subject.wake().includes('connect 2')) tried.push(subject.nowMs);
    }
    expect(tried).toEqual([30_000, 90_000, 210_000, 450_000, 930_000]);
  });

  it('is not sought again after it unsubscribed', () => {
    const subject = withNeighbors([2]);
    expect(subject.receive(2, { type: 'Unsubscribe', topics: [TOPIC] })).toEqual(['release 2']);
    expect(subject.sleepUntil(1_000_000)).toEqual([]);
  });
});

describe('leaving the topic', () => {
  it('releases each neighbour once', () => {
    const subject = withNeighbors([2, 3]);
    const lines = subject.tell({ type: 'left', topic: TOPIC });
    expect(lines.filter((line) => line.startsWith('release'))).toEqual(['release 2', 'release 3']);
    expect(subject.tell({ type: 'peer-down', peer: did(2) })).toEqual([]);
  });
});

describe('a push from a follower that is no neighbour', () => {
  const graft: GossipMessage = { type: 'Graft', topic: TOPIC };

  it('makes it one where there is room', () => {
    const subject = withNeighbors(FULL.slice(0, 6));
    follows(subject, 12);
    expect(subject.receive(12, graft)).toEqual(['send to 12: Neighbor']);
    expect(subject.receive(12, graft)).toEqual([]);
  });

  it('tells it otherwise, and not each time', () => {
    const subject = withNeighbors(FULL);
    follows(subject, 12);
    expect(subject.receive(12, graft)).toEqual(['send to 12: Disconnect']);
    expect(subject.receive(12, graft)).toEqual([]);
  });
});

describe('Shuffle', () => {
  it('is begun with a neighbour, and tells of some that are known', () => {
    const subject = withNeighbors([2, 3, 4, 5], { shuffleIntervalMs: 30_000 });
    const [line] = subject.sleepUntil(36_000);
    expect(line).toMatch(/^send to \d: Shuffle (\d, ){2}\d$/);
  });

  it('is begun ever more rarely while nothing changes', () => {
    const subject = withNeighbors([2, 3], { shuffleIntervalMs: 30_000 });
    const times: number[] = [];
    while (times.length < 6)
      if (subject.wake().some((line) => line.includes('Shuffle'))) times.push(subject.nowMs);
    const waits = times.slice(1).map((time, index) => time - times[index]!);
    for (const [index, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(Math.min(16, 2 ** index) * 24_000);
    }
  });

  it('goes on while its walk lasts, and is replied to at its end over a link that there is', () => {
    const subject = withNeighbors(FULL);
    expect(subject.receive(2, shuffle(20, 3, 30))[0]).toMatch(/: Shuffle 30$/);
    expect(subject.receive(2, shuffle(20, 1, 30))).toEqual([]);
    expect(subject.receive(2, shuffle(3, 1, 31))[0]).toMatch(/^send to 3: ShuffleReply (\d+, ){2,}/);
  });

  it('of others lets a node that lacks neighbours connect to those it names', () => {
    const subject = withNeighbors([2, 3]);
    const lines = subject.receive(2, shuffle(20, 1, 30, 31, ME, 3));
    expect(lines.toSorted()).toEqual(['connect 20', 'connect 30', 'connect 31']);
  });

  it.each<[string, GossipMessage, string]>([
    ['too many peers', shuffle(20, 1, 30, 31, 32, 33, 34, 35, 36, 37), 'shuffle-too-large'],
    [
      'a reply that nobody asked for',
      { type: 'ShuffleReply', topic: TOPIC, peers: [did(30)] },
      'shuffle-unsolicited',
    ],
  ])('with %s is dropped and counted', (_, message, name) => {
    const subject = withNeighbors([2, 3]);
    expect(subject.receive(2, message)).toEqual([]);
    expect(subject.gossip.counters).toEqual({ [name]: 1 });
  });

  it('lets another peer have the place of a neighbour that the tree does not need', () => {
    const subject = withNeighbors(FULL.slice(0, 7), { shuffleIntervalMs: 30_000 });
    follows(subject, 12);
    subject.receive(3, { type: 'Prune', topic: TOPIC });
    let lines: string[] = [];
    while (!lines.some((line) => line.includes('Shuffle'))) lines = subject.wake();
    expect(lines.slice(1)).toEqual(['release 3', 'send to 3: Disconnect', 'send to 12: Neighbor']);
    expect(subject.receive(12, neighborAnswer(true))).toEqual(['protect 12']);
  });
});

describe('I13: a hostile peer', () => {
  it('that floods the overlay with made-up DIDs causes a bounded number of links and messages', () => {
    const subject = withNeighbors([2, 3]);
    const lines = Array.from({ length: 500 }, (_, index) =>
      subject.receive(2, index % 2 === 0 ? forwardJoin(1_000 + index, 0) : shuffle(2_000 + index, 1)),
    ).flat();
    expect(lines.length).toBeLessThanOrEqual(64);
    expect(lines.filter((line) => line.startsWith('connect')).length).toBeLessThanOrEqual(16);
    expect(subject.gossip.counters['overlay-overload']).toBeGreaterThan(400);
  });

  it('keeps the two sides of protect equal, and the view within its bounds, in any order of events', () => {
    const peer = fc.integer({ min: 2, max: 16 });
    const event = fc.oneof(
      peer.map((of) => ({ of, say: 'up' as const })),
      peer.map((of) => ({ of, say: 'down' as const })),
      peer.map((of) => ({ of, say: 'unreachable' as const })),
      fc.constant({ of: 2, say: 'sleep' as const }),
      fc
        .tuple(peer, fc.integer({ min: 0, max: 20 }), fc.boolean())
        .chain(([of, other, flag]) =>
          fc
            .constantFrom<GossipMessage>(
              JOIN,
              DISCONNECT,
              neighbor(flag),
              neighborAnswer(flag),
              forwardJoin(other, 0),
              shuffle(other, 1, other, of),
            )
            .map((say) => ({ of, say })),
        ),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 120 }), (events) => {
        const subject = subjectOf({ shuffleIntervalMs: 30_000, activeViewMin: 3, activeViewMax: 5 });
        const isProtected = new Set<string>();
        const check = (effects: readonly GossipEffect[]) => {
          for (const effect of effects) {
            if (effect.type === 'connect') expect(effect.peer).not.toBe(did(ME));
            if (effect.type === 'protect') {
              expect(isProtected.has(effect.peer)).toBe(false);
              isProtected.add(effect.peer);
            }
            if (effect.type === 'release') expect(isProtected.delete(effect.peer)).toBe(true);
          }
          expect(isProtected.size).toBeLessThanOrEqual(5);
        };
        for (const { of, say } of events) {
          subject.nowMs += 100;
          if (say === 'up') {
            check(subject.handle({ type: 'peer-up', peer: did(of) }));
            for (const message of [hello(), subscribe()]) {
              const frame = encodeMessage(message);
              check(subject.handle({ type: 'received', from: did(of), frame }));
            }
          } else if (say === 'down') check(subject.handle({ type: 'peer-down', peer: did(of) }));
          else if (say === 'unreachable') check(subject.handle({ type: 'unreachable', peer: did(of) }));
          else if (say === 'sleep') {
            subject.nowMs = Math.max(subject.nowMs, subject.gossip.wakeAtMs ?? 0);
            check(subject.handle({ type: 'woke' }));
          } else {
            const frame = encodeMessage(say);
            check(subject.handle({ type: 'received', from: did(of), frame }));
          }
        }
        check(subject.handle({ type: 'left', topic: TOPIC }));
        expect(isProtected.size).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});
