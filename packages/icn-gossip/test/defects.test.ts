import { describe, expect, it } from '@jest/globals';
import { BloomFilter } from '../src/repair/bloom-filter.js';
import { PROTOCOL } from '../src/limits.js';
import { haveEqualRoots } from '../src/sim/checkers/convergence.js';
import { CALM_LINKS, readFrame, type World } from '../src/sim/index.js';
import { encodeMessage } from '../src/wire/message-codec.js';
import { parseTopic } from '../src/topic.js';
import { did, entryOf, gossipOf, keyPair, logOf, sentBy, text, TOPIC } from './fixtures.js';
import {
  antiEntropy,
  clockQuestion,
  eager,
  headOf,
  hello,
  joined,
  lazy,
  pullRequest,
  response,
} from './subject.js';
import {
  deliveredCounts,
  expectAgreement,
  gossipWorld,
  mend,
  msUntilEqual,
  part,
  statusOf,
} from './sim/gossip-world.js';

// What the Rust original does wrong, each with the number of its list, and that ours does not.
describe('defects of the original', () => {
  const log = logOf(keyPair(2), 5);

  it('1: a clock does not pass a hole, whatever arrives above it (I6)', () => {
    const subject = joined(2, 3);
    for (const entry of [log[0]!, log[2]!, log[4]!]) subject.receive(2, eager(entry));
    subject.persisted(3);
    expect(subject.receive(3, clockQuestion([]))).toContain('send to 3: AntiEntropy answer clock {2/1}');
    expect(subject.receive(2, response(1, [log[1]!, log[3]!]))).toHaveLength(1);
    subject.persisted(4);
    expect(subject.receive(3, clockQuestion([]))).toContain('send to 3: AntiEntropy answer clock {2/5}');
  });

  it('1: equal counts with different entries are told apart and reconciled', () => {
    const { world } = gossipWorld({ nodeCount: 2 });
    const [a, b] = world.nodes;
    part(world, [a!]);
    for (const node of [a!, b!])
      for (let index = 0; index < 3; index++) world.submit(node, TOPIC, text(`${index}`));
    world.runUntil(world.nowMs + 100);
    expect([statusOf(a!).entryCount, statusOf(b!).entryCount]).toEqual([3, 3]);
    expect(haveEqualRoots(world)).toBe(false);
    mend(world);
    expect(msUntilEqual(world, 1_000)).toBeLessThan(1_000);
    expect(statusOf(b!).entryCount).toBe(6);
  });

  it('2: the traffic of one topic does not hide the holes of another', () => {
    const topics = [TOPIC, parseTopic('busy')];
    const { world } = gossipWorld({ nodeCount: 2, topics });
    const [a] = world.nodes;
    part(world, [a!]);
    world.submit(a!, TOPIC, text('missed'));
    world.runUntil(world.nowMs + 100);
    expect(deliveredCounts(world)).toEqual([1, 0]);
    mend(world);
    for (let index = 0; index < 100; index++) world.submit(a!, topics[1]!, text(`${index}`));
    world.runUntil(world.nowMs + 1_000);
    expect(topics.map((topic) => deliveredCounts(world, topic))).toEqual([
      [1, 1],
      [100, 100],
    ]);
    expect(haveEqualRoots(world)).toBe(true);
  });

  it.each([2, 20])('3: two healthy nodes converge in all of %d topics', (topicCount) => {
    const topics = Array.from({ length: topicCount }, (_, index) => parseTopic(`topic-${index}`));
    const { world } = gossipWorld({ nodeCount: 2, topics });
    part(world, [world.nodes[0]!]);
    for (const [index, topic] of topics.entries()) {
      for (let count = 0; count <= index % 4; count++)
        world.submit(world.nodes[index % 2]!, topic, text(`${count}`));
    }
    world.runUntil(world.nowMs + 100);
    expect(haveEqualRoots(world)).toBe(false);
    mend(world);
    expect(msUntilEqual(world, 2_000)).toBeLessThan(2_000);
    for (const [index, topic] of topics.entries())
      expect(world.nodes.map((node) => statusOf(node, topic).entryCount)).toEqual([
        1 + (index % 4),
        1 + (index % 4),
      ]);
  });

  it('4: a lost reply blocks no peer: the next wants are asked of the same peer', () => {
    const subject = joined(3);
    subject.receive(3, lazy(log[0]!));
    subject.nowMs = 5_000;
    subject.tell({ type: 'woke' });
    expect(subject.receive(3, lazy(log[0]!))).toEqual(['send to 3: PullRequest #2 2/1']);
    expect(subject.receive(3, response(2, [log[0]!]))[0]).toBe('persist #1: entry 2/1, position 1');
  });

  it('5: an entry above the byte budget goes all the same', () => {
    const { world } = gossipWorld({ nodeCount: 2, gossip: { limits: { responseBytesMax: 1_000 } } });
    part(world, [world.nodes[0]!]);
    for (const size of [10, PROTOCOL.payloadBytesMax, 10])
      world.submit(world.nodes[0]!, TOPIC, new Uint8Array(size));
    world.runUntil(world.nowMs + 100);
    expect(deliveredCounts(world)).toEqual([3, 0]);
    mend(world);
    world.runUntil(world.nowMs + 1_000);
    expect(deliveredCounts(world)).toEqual([3, 3]);
  });

  it.each<[string, number, (world: World) => void]>([
    ['half of all frames is', 10, (world) => (world.wire.conditions = { ...CALM_LINKS, lossRate: 0.5 })],
    ['each frame with an entry is', 0, losePayloads],
  ])('6: after a partition the clock follows the data, even when %s lost', (_, arrivedMax, lose) => {
    const watch = gossipWorld({ nodeCount: 2 });
    const { world } = watch;
    const [a, b] = world.nodes;
    part(world, [a!]);
    for (let index = 0; index < 10; index++) world.submit(a!, TOPIC, text(`${index}`));
    world.runUntil(world.nowMs + 100);
    expect(deliveredCounts(world)).toEqual([10, 0]);
    lose(world);
    mend(world);
    world.runUntil(world.nowMs + 30_000);
    expect(statusOf(b!).entryCount).toBeLessThanOrEqual(arrivedMax);
    world.wire.conditions = CALM_LINKS;
    world.dropsFrame = undefined;
    expect(msUntilEqual(world, 30_000)).toBeLessThan(30_000);
    expectAgreement(watch);
    expect(deliveredCounts(world)).toEqual([10, 10]);
  });

  it('7: a restart keeps entries and clock alike', () => {
    const { world } = gossipWorld({ nodeCount: 2 });
    const [a, b] = world.nodes;
    world.submit(a!, TOPIC, text('x'));
    world.runUntil(world.nowMs + 100);
    world.crash(b!);
    world.boot(b!);
    expect(b!.links.size).toBe(0);
    expect(statusOf(b!).entryCount).toBe(1);
    expect(statusOf(b!).root).toEqual(statusOf(a!).root);
  });

  it('8: what a full topic cannot take is not pulled again and again', () => {
    const { world, statistics } = gossipWorld({
      nodeCount: 2,
      gossip: { limits: { entriesPerTopicMax: 5 } },
    });
    part(world, [world.nodes[0]!]);
    for (const node of world.nodes)
      for (let index = 0; index < 5; index++) world.submit(node, TOPIC, new Uint8Array(1_000));
    world.runUntil(world.nowMs + 100);
    mend(world);
    world.runUntil(world.nowMs + 1_000);
    for (const { machine } of world.nodes) expect(machine!.counters!['topic-full']).toBeGreaterThan(0);
    statistics.reset();
    world.runUntil(world.nowMs + 60_000);
    expect(statistics.counts.payloadSends).toBe(0);
    expect(statistics.counts.frameBytes).toBeLessThan(60_000);
    expect(deliveredCounts(world)).toEqual([5, 5]);
  });

  it('9: a filter is used, salted afresh, and read with our own parameters', () => {
    const gossip = gossipOf(1, { reconcile: 'bloom' });
    gossip.handle({ type: 'joined', topic: TOPIC, access: { type: 'Public' } }, 0);
    gossip.handle({ type: 'peer-up', peer: did(2) }, 0);
    gossip.handle({ type: 'received', from: did(2), frame: encodeMessage(hello()) }, 0);
    const [own, lacked] = [entryOf({ author: keyPair(2) }), entryOf({ author: keyPair(3) })];
    for (const entry of [own, lacked]) {
      gossip.handle({ type: 'received', from: did(2), frame: encodeMessage(eager(entry)) }, 0);
    }
    gossip.handle({ type: 'persisted', write: 2 }, 0);
    const theirs = BloomFilter.withRoomFor(1, 5n);
    theirs.add(own.name.id);
    const slice = { index: 0, count: 1 };
    const question = antiEntropy({ summary: { type: 'filter', salt: 5n, slice, bytes: theirs.bytes } });
    const rounds = [0, 1].map(() => {
      return sentBy(gossip.handle({ type: 'received', from: did(2), frame: encodeMessage(question) }, 0)).map(
        ({ message }) => message,
      );
    });
    const salts = rounds.map(([announcement, answer]) => {
      expect(announcement).toMatchObject({ type: 'Announcements', names: [lacked.name], isRepair: true });
      if (answer?.type !== 'AntiEntropy' || answer.summary?.type !== 'filter') throw new Error('no filter');
      const { salt, bytes } = answer.summary;
      const filter = new BloomFilter(salt, bytes);
      expect([own, lacked].every(({ name }) => filter.mayHave(name.id))).toBe(true);
      return salt;
    });
    expect(salts[0]).not.toBe(salts[1]);
  });

  it('10: who announced is asked, not the author; and the asker alone is answered', () => {
    const subject = joined(3, 4);
    expect(subject.receive(3, lazy(log[0]!))).toEqual(['send to 3: PullRequest #1 2/1']);
    subject.receive(3, response(1, [log[0]!]));
    subject.persisted(1);
    const range = { author: did(2), lane: 0 as const, from: 1, to: 1 };
    subject.receive(4, pullRequest({ requestId: 9, ranges: [range], bytesMax: 9_999 }));
    expect(subject.tell({ type: 'loaded', load: 1, entries: [log[0]!.parts] })).toEqual([
      'send to 4: PullResponse #9 [2/1]',
    ]);
  });

  it('11: one bad entry of a response costs itself alone', () => {
    const subject = joined(3);
    subject.receive(3, clockQuestion([headOf(log[2]!)]));
    const forged = { ...log[1]!, parts: { ...log[1]!.parts, payload: text('forged') } };
    subject.receive(3, response(1, [log[0]!, forged, log[1]!, log[2]!]));
    expect(subject.gossip.status()[0]).toMatchObject({ entryCount: 3 });
    expect(subject.gossip.counters).toEqual({ 'payload-wrong': 1 });
  });

  it('12: a forged clock silences nobody', () => {
    const subject = joined(3, 4);
    const forged = { ...headOf(log[0]!), seq: Number.MAX_SAFE_INTEGER, floor: Number.MAX_SAFE_INTEGER - 1 };
    expect(subject.receive(3, clockQuestion([forged]))[0]).toBe(
      `send to 3: PullRequest #1 2/1-${Number.MAX_SAFE_INTEGER - 1}`,
    );
    subject.receive(4, clockQuestion([headOf(log[4]!)]));
    expect(subject.receive(3, response(1, []))[0]).toBe(
      `send to 4: PullRequest #2 2/1-${Number.MAX_SAFE_INTEGER - 1}`,
    );
    subject.receive(4, response(2, log));
    expect(subject.gossip.status()[0]).toMatchObject({ entryCount: 5 });
    expect(subject.submit('mine')).toHaveLength(1);
  });
});

/** No frame with an entry in it arrives; what is said of entries does. */
function losePayloads(world: World): void {
  world.dropsFrame = (_from, _to, frame) => readFrame(frame).payloads.length > 0;
}
