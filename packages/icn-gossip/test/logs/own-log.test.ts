import { describe, expect, it } from '@jest/globals';
import { OwnLog, type OwnLogSight } from '../../src/topic/own-log.js';
import { decodeEntry, type DecodedEntry } from '../../src/entry/entry.js';
import { encodeMessage } from '../../src/wire/message-codec.js';
import { depOf, did, entryOf, keyPair, logOf, text, TOPIC } from '../fixtures.js';
import { eager, hello, ME, response, Subject } from '../subject.js';
import { deliveredCounts, gossipWorld, mend, msUntilEqual, part, statusOf } from '../sim/gossip-world.js';
import { haveEqualRoots } from '../../src/sim/checkers/convergence.js';
import type { SimNode, World } from '../../src/sim/index.js';
import { parseTopic } from '../../src/topic.js';

const SELF = keyPair(ME);
const NOBODY: OwnLogSight = { followers: [], hasSilentPeers: false, isWhole: true };
const WAIT_MS = 2_000;
const START_MS = 1_800_000_000_000;

function ownLog(waitingMax = 3): OwnLog {
  return new OwnLog({ self: SELF.did, waitMs: WAIT_MS, waitingMax }, 0);
}

function submission(ref: number) {
  return { payloads: [text(`${ref}`)], ref };
}

describe('OwnLog', () => {
  it('lets go at once where nobody is there', () => {
    const log = ownLog();
    expect(log.submit(submission(1), 0)).toBe(true);
    expect(log.takeDue(NOBODY, 0)).toEqual([submission(1)]);
    expect([log.isAsking, log.wakeAtMs]).toEqual([false, undefined]);
  });

  it('asks each follower once, and lets go in order when all have answered', () => {
    const log = ownLog();
    const sight = { ...NOBODY, followers: [did(2), did(3)] };
    expect(log.takeAsks(sight)).toEqual([]);
    log.submit(submission(1), 0);
    expect([log.takeAsks(sight), log.takeAsks(sight)]).toEqual([sight.followers, []]);
    log.answered(did(2), true);
    log.submit(submission(2), 1);
    expect([log.takeDue(sight, 1), log.takeAsks(sight)]).toEqual([[], []]);
    log.answered(did(3), true);
    expect(log.takeDue(sight, 2)).toEqual([submission(1), submission(2)]);
    log.submit(submission(3), 3);
    expect([log.takeAsks(sight), log.takeDue(sight, 3)]).toEqual([[], [submission(3)]]);
  });

  it('asks again who has more, and never waits longer than it may', () => {
    const log = ownLog();
    const sight = { ...NOBODY, followers: [did(2)] };
    log.submit(submission(1), 100);
    for (let count = 0; count < 50; count++) {
      expect(log.takeAsks(sight)).toEqual([did(2)]);
      log.answered(did(2), false);
      expect(log.takeDue(sight, 100 + WAIT_MS - 1)).toEqual([]);
    }
    expect(log.wakeAtMs).toBe(100 + WAIT_MS);
    expect(log.takeDue(sight, 100 + WAIT_MS)).toEqual([submission(1)]);
    expect([log.takeAsks(sight), log.expects(did(2))]).toEqual([[], false]);
  });

  it.each<[string, Partial<OwnLogSight>]>([
    ['a peer has not said what it follows', { hasSilentPeers: true }],
    ['what came of the own log does not link yet', { isWhole: false, followers: [did(2)] }],
  ])('waits while %s', (_, sight) => {
    const log = ownLog();
    log.submit(submission(1), 0);
    log.takeAsks({ ...NOBODY, ...sight });
    log.answered(did(2), true);
    expect(log.takeDue({ ...NOBODY, ...sight }, 1)).toEqual([]);
    expect(log.takeDue(NOBODY, 1)).toEqual([submission(1)]);
  });

  it('does not wait for who went, and asks who came', () => {
    const log = ownLog();
    log.submit(submission(1), 0);
    log.takeAsks({ ...NOBODY, followers: [did(2)] });
    log.peerDown(did(2));
    expect(log.takeAsks({ ...NOBODY, followers: [did(3)] })).toEqual([did(3)]);
    expect(log.takeDue({ ...NOBODY, followers: [did(3)] }, 1)).toEqual([]);
    log.peerDown(did(3));
    expect(log.takeDue(NOBODY, 1)).toEqual([submission(1)]);
  });

  it('keeps a bounded number, and gives all of them up where it must', () => {
    const log = ownLog(2);
    const results = [1, 2, 3].map((ref) => log.submit(submission(ref), 0));
    expect(results).toEqual([true, true, false]);
    expect(log.takeAll()).toEqual([submission(1), submission(2)]);
    expect(log.takeDue(NOBODY, 5)).toEqual([]);
    const both = { payloads: [text('1'), text('2')], ref: 4 };
    const again = ownLog(2);
    expect([again.submit(both, 0), again.submit(submission(5), 0)]).toEqual([true, false]);
    expect(again.takeDue(NOBODY, 1)).toEqual([both]);
  });

  it('asks nobody where the wait is 0', () => {
    const log = new OwnLog({ self: SELF.did, waitMs: 0, waitingMax: 1 }, 0);
    const sight = { ...NOBODY, followers: [did(2)] };
    log.submit(submission(1), 0);
    expect([log.takeAsks(sight), log.takeDue(sight, 0)]).toEqual([[], [submission(1)]]);
  });
});

describe('a twin', () => {
  const mine = entryOf({ author: SELF, payload: 'mine' });
  const { timestampMs } = mine.header;

  it.each([
    ['an entry that follows one of this life', entryOf({ author: SELF, prev: mine.name }), true],
    ['an entry that depends on one of this life', entryOf({ author: SELF, deps: [depOf(mine.name)] }), true],
    ['an older entry of a lost disk', entryOf({ author: SELF, payload: 'old' }), false],
    [
      "another's entry that depends on ours",
      entryOf({ author: keyPair(2), deps: [depOf(mine.name)] }),
      false,
    ],
  ])('%s', (_, { header }, isFromTwin) => {
    const log = new OwnLog({ self: SELF.did, waitMs: WAIT_MS, waitingMax: 1 }, timestampMs + 60_000);
    log.made(mine.name.id);
    expect(log.isFromTwin(header)).toBe(isFromTwin);
  });

  it('is shown by an entry made after this life began, not by one made before', () => {
    const { header } = entryOf({ author: SELF, payload: 'elsewhere' });
    const isFromTwin = (startedAtMs: number) =>
      new OwnLog({ self: SELF.did, waitMs: WAIT_MS, waitingMax: 1 }, startedAtMs).isFromTwin(header);
    expect([timestampMs - 1, timestampMs, timestampMs + 1].map(isFromTwin)).toEqual([true, false, false]);
    expect(new OwnLog({ self: did(2), waitMs: WAIT_MS, waitingMax: 1 }, 0).isFromTwin(header)).toBe(false);
  });
});

/** A subject that asks for its own head, in a time after that of the fixtures' entries. */
function asking(...peers: readonly number[]): Subject {
  const subject = new Subject({ limits: { ownHeadWaitMs: WAIT_MS, submissionsWaitingMax: 2 } });
  subject.nowMs = START_MS;
  subject.join();
  subject.meet(...peers);
  return subject;
}

const OWN_LOG_QUESTION = 'PullRequest #0 1/';

describe('the first publish', () => {
  const past = logOf(SELF, 3);

  it('goes on after what a peer holds of the own log', () => {
    const subject = asking(2);
    expect(subject.submit('new')).toEqual([`send to 2: ${OWN_LOG_QUESTION}1-9007199254740990`]);
    const lines = subject.receive(2, response(0, past));
    expect(lines.join()).toContain('entry 1/4');
    expect(subject.persisted(100)).toContain('acknowledge 1: 1/4');
    expect(subject.submit('next').join()).not.toContain('PullRequest');
  });

  it('asks for the rest of what does not fit one answer, and not for ever', () => {
    const subject = asking(2);
    subject.submit('new');
    expect(subject.receive(2, response(0, past.slice(0, 2), true)).at(0)).toBe(
      `send to 2: ${OWN_LOG_QUESTION}3-9007199254740990`,
    );
    expect(subject.receive(2, response(0, past.slice(0, 2), true)).join()).toContain('entry 1/3');
  });

  it('is on time, whatever a peer answers, or does not', () => {
    for (const isSilent of [true, false]) {
      const subject = asking(2);
      subject.submit('new');
      const strangers = logOf(keyPair(6), 30);
      for (const entry of isSilent ? [] : strangers) {
        subject.nowMs += 50;
        subject.receive(2, response(0, [entry], true));
      }
      expect(subject.gossip.status()[0]!.entryCount).toBe(isSilent ? 0 : 30);
      while (subject.nowMs < START_MS + WAIT_MS) subject.wake();
      expect(subject.nowMs).toBe(START_MS + WAIT_MS);
      expect(subject.gossip.status()[0]!.entryCount).toBe(isSilent ? 1 : 31);
      subject.receive(2, response(0, past));
      expect(subject.gossip.counters['response-unsolicited']).toBe(1);
    }
  });

  it('waits for what it heard of to be linked', () => {
    const subject = asking(2);
    subject.submit('new');
    const lines = subject.receive(2, response(0, past.slice(1)));
    expect(lines.join()).toContain('PullRequest #1 1/');
    expect(lines.join()).not.toContain('entry 1/1');
    expect(subject.receive(2, response(1, past.slice(0, 1))).join()).toContain('entry 1/4');
  });

  it('does not wait alone, nor for peers that follow other topics', () => {
    expect(asking().submit('new').join()).toContain('persist #1: entry 1/1');
    const subject = asking();
    subject.handle({ type: 'peer-up', peer: did(2) });
    expect(subject.submit('new')).toEqual([]);
    subject.receive(2, hello());
    const lines = subject.receive(2, { type: 'Subscribe', topics: [parseTopic('kitchen')], reply: false });
    expect(lines.join()).toContain('persist #1: entry 1/1');
  });

  it('asks who comes up meanwhile, and does not wait for who goes', () => {
    const subject = asking(2);
    subject.submit('new');
    subject.handle({ type: 'peer-up', peer: did(3) });
    subject.receive(3, hello());
    expect(subject.receive(3, { type: 'Subscribe', topics: [TOPIC], reply: false }).join()).toContain(
      `send to 3: ${OWN_LOG_QUESTION}`,
    );
    expect(subject.receive(2, response(0, [])).join()).not.toContain('persist');
    expect(subject.tell({ type: 'peer-down', peer: did(3) }).join()).toContain('persist #1: entry 1/1');
  });

  it('keeps the order of what waits, and rejects what is too much', () => {
    const subject = asking(2);
    subject.submit('a');
    subject.submit('b');
    expect(subject.submit('c')).toEqual(['reject 3: submissions-full']);
    subject.receive(2, response(0, []));
    const lines = subject.persisted(100);
    expect(lines.filter((line) => line.startsWith('ack'))).toEqual([
      'acknowledge 1: 1/1',
      'acknowledge 2: 1/2',
    ]);
  });

  it('is not what it was given to be changed meanwhile', () => {
    const subject = asking(2);
    const payload = text('mine');
    subject.submit(payload);
    payload.fill(0);
    const effects = subject.handle({
      type: 'received',
      from: did(2),
      frame: encodeMessage(response(0, [])),
    });
    const [persist] = effects.filter(({ type }) => type === 'persist');
    expect(persist).toMatchObject({ writes: [{ parts: { payload: text('mine') } }, {}] });
  });

  it('is rejected where the topic is left meanwhile', () => {
    const subject = asking(2);
    subject.submit('new');
    expect(subject.tell({ type: 'left', topic: TOPIC })).toContain('reject 1: not-joined');
  });
});

describe('publishing', () => {
  it('stops in all topics when the driver met a twin, until a restart', () => {
    const subject = asking(2);
    const kitchen = parseTopic('kitchen');
    subject.submit('waits');
    expect(subject.tell({ type: 'twin-met' })).toEqual(['reject 1: own-did-elsewhere']);
    subject.join(kitchen);
    for (const topic of [TOPIC, kitchen])
      expect(subject.submit('more', topic).join()).toContain('own-did-elsewhere');
    subject.receive(2, eager(entryOf({ author: keyPair(2) })));
    expect(subject.gossip.status()[0]!.entryCount).toBe(1);
    expect(asking().submit('again').join()).toContain('persist');
  });

  it('stops when an entry comes that follows one of this life, which is kept all the same', () => {
    const subject = asking();
    const mine = published(subject, 'mine').name;
    subject.meet(2);
    subject.receive(2, eager(entryOf({ author: SELF, prev: mine })));
    expect(subject.gossip.status()[0]!.entryCount).toBe(2);
    expect(subject.submit('more').join()).toContain('own-did-elsewhere');
  });

  it('stops on both of two live nodes with one DID, as soon as each hears of the other', () => {
    const twins = [asking(2), asking(2)];
    const made = twins.map((subject) => {
      subject.nowMs += 10;
      subject.submit('first');
      subject.receive(2, response(0, []));
      return published(subject, `${twins.indexOf(subject)}`);
    });
    for (const [index, subject] of twins.entries()) {
      const { name, parts } = made[1 - index]!;
      subject.receive(2, { type: 'Announcement', topic: TOPIC, name, entry: parts });
      expect(subject.submit('more').join()).toContain('own-did-elsewhere');
      expect(subject.gossip.counters).not.toHaveProperty('signature-wrong');
    }
  });

  it('goes on when older entries come, along the longer branch, and of equals along the smaller id', () => {
    const subject = asking();
    published(subject, 'mine');
    subject.meet(2);
    const past = logOf(SELF, 3);
    for (const entry of past) subject.receive(2, eager(entry));
    const next = published(subject, 'next');
    expect(next.header.prev).toBe(past[2]!.name.id);
    const other = entryOf({ author: SELF, prev: past[2]!.name, payload: 'other' });
    subject.receive(2, eager(other));
    const [smaller] = [next.name.id, other.name.id].toSorted();
    expect(published(subject, 'last').header).toMatchObject({ seq: 5, prev: smaller });
  });

  it('of a closed log is rejected', () => {
    const subject = asking();
    subject.meet(2);
    const siblings = Array.from({ length: 9 }, (_, index) => entryOf({ author: SELF, payload: `${index}` }));
    for (const entry of siblings) subject.receive(2, eager(entry));
    expect(subject.submit('more')).toEqual(['reject 1: log-closed']);
  });
});

/** What the subject makes of a submission, at once. */
function published(subject: Subject, payload: string): DecodedEntry {
  const effects = subject.handle({ type: 'submitted', topic: TOPIC, payloads: [text(payload)], ref: 99 });
  for (const effect of effects) {
    const [write] = effect.type === 'persist' ? effect.writes : [];
    const entry = write?.type === 'entry' ? decodeEntry(write.parts) : 'nothing';
    if (typeof entry !== 'string') return entry;
  }
  throw new Error('nothing was made');
}

describe('a restored backup', () => {
  it.each([
    ['that has met it', 100],
    ['that it meets just now', 0],
  ])('does not fork with a peer who holds the rest, %s', (_, sinceMs) => {
    const { world } = gossipWorld({ nodeCount: 2 });
    const [a, b] = world.nodes;
    loseLastThree(world, a!);
    mend(world);
    world.runUntil(world.nowMs + sinceMs);
    world.submit(a!, TOPIC, text('after'));
    world.runUntil(world.nowMs + 1_000);
    expect(a!.acknowledged.map(({ name }) => name.seq)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(branchCounts(world)).toEqual([1, 1, 1, 1, 1, 1]);
    expect([haveEqualRoots(world), b!.disk.delivered(TOPIC).size]).toEqual([true, 6]);
  });

  it('forks once where it is alone, and goes on along the longer branch when it is repaired', () => {
    const { world } = gossipWorld({ nodeCount: 2 });
    const [a, b] = world.nodes;
    loseLastThree(world, a!);
    world.submit(a!, TOPIC, text('alone'));
    world.runUntil(world.nowMs + 100);
    expect(a!.acknowledged.at(-1)!.name.seq).toBe(3);
    mend(world);
    expect(msUntilEqual(world, 60_000)).toBeLessThan(60_000);
    world.submit(a!, TOPIC, text('after'));
    world.runUntil(world.nowMs + 1_000);
    expect([a!.rejected, a!.acknowledged.at(-1)!.name.seq]).toEqual([{}, 6]);
    expect(branchCounts(world)).toEqual([1, 1, 2, 2, 1, 1, 1]);
    expect([haveEqualRoots(world), b!.disk.delivered(TOPIC).size]).toEqual([true, 7]);
  });
});

/** The node publishes five entries that reach the others, and starts anew, alone, from a backup that has two of them. */
function loseLastThree(world: World, node: SimNode): void {
  const publish = (count: number) => {
    for (let index = 0; index < count; index++) world.submit(node, TOPIC, text(`${index}`));
    world.runUntil(world.nowMs + 100);
  };
  publish(2);
  const backup = node.disk.mark();
  publish(3);
  expect(deliveredCounts(world)).toEqual([5, 5]);
  part(world, [node]);
  world.crash(node);
  world.rollBack(node, backup);
  world.boot(node);
  expect(statusOf(node).entryCount).toBe(2);
}

/** For each entry that was ever written, how many there are at its place: two at a fork. */
function branchCounts(world: World): number[] {
  const ids = world.nodes.flatMap(({ disk }) => [...disk.ids(TOPIC)]);
  const entries = [...new Set(ids)].map((id) => world.ledger.get(id)!);
  return entries
    .toSorted((a, b) => a.name.seq - b.name.seq)
    .map((entry) => world.ledger.siblingsOf(entry).length);
}
