import { describe, expect, it } from '@jest/globals';
import { createEntry, type EntryParts, type VerifiedEntry } from '../../src/entry/entry.js';
import type { StoredHeader, StoredWithdrawal, StoreWrite } from '../../src/entry/entry-store.js';
import { encodeMessage } from '../../src/wire/message-codec.js';
import type { ClosedLog, GossipMessage } from '../../src/wire/messages.js';
import { did, entryOf, keyPair, logOf, NETWORK, sentBy, text, TOPIC } from '../fixtures.js';
import { eager, hello, joined, lazy, Subject } from '../subject.js';
import {
  deliveredCounts,
  expectAgreement,
  gossipWorld,
  hand,
  mend,
  part,
  statusOf,
} from '../sim/gossip-world.js';
import { haveEqualRoots } from '../../src/sim/checkers/convergence.js';
import type { SimNode } from '../../src/sim/index.js';
import { parseTopic } from '../../src/topic.js';

const AUTHOR = keyPair(5);
/** 5/1 … 5/10, and a second entry at each of 3 … 10: eight extra branches, the last of which closes the log at 3. */
const SPINE = logOf(AUTHOR, 10);
const BRANCHES = SPINE.slice(2).map((entry, index) =>
  entryOf({ author: AUTHOR, prev: SPINE[index + 1]!.name, payload: `branch ${entry.name.seq}` }),
);
const ALL = [...SPINE, ...BRANCHES];
const WITNESS = [...SPINE.slice(2), ...BRANCHES];
const CLOSED: ClosedLog = { author: AUTHOR.did, lane: 0, from: 3 };

function evidence(entries: readonly (VerifiedEntry | EntryParts)[]): GossipMessage {
  const parts = entries.map((entry) => ('parts' in entry ? entry.parts : entry));
  const headers = parts.map(({ header, proof }) => ({ header, payload: undefined, proof }));
  return { type: 'Equivocation', topic: TOPIC, entries: headers };
}

function closedAt(subject: Subject): { entryCount: number } {
  return { entryCount: subject.gossip.status()[0]!.entryCount };
}

/** A subject that was pushed entries by peer 2, all of them on disk. */
function holding(entries: readonly VerifiedEntry[], subject = joined(2, 3)): Subject {
  for (const entry of entries) subject.receive(2, eager(entry));
  subject.persisted(1_000);
  return subject;
}

describe('closing a log', () => {
  it('withdraws what was delivered at a position of its own, and tells the followers why, once', () => {
    const subject = holding(ALL.slice(0, -1));
    const lines = subject.receive(2, eager(ALL.at(-1)!));
    expect(lines).toContain('persist #18: entry 5/10, withdrawal 18');
    expect(subject.persisted(18)).toEqual(['withdraw 18: 5 from 3', 'load #1: 16 within 1122304']);
    const parts = WITNESS.map(({ parts: each }) => each);
    const sent = subject.handle({ type: 'loaded', load: 1, entries: parts });
    expect(sentBy(sent).map(({ to }) => to)).toEqual([did(3)]);
    const { message } = sentBy(sent)[0]!;
    expect(message.type === 'Equivocation' && message.entries.map(({ payload }) => payload)).toEqual(
      Array.from({ length: 16 }, () => undefined),
    );
    expect(subject.handle({ type: 'loaded', load: 1, entries: parts })).toEqual([]);
  });

  it('refuses what comes to it afterwards, before any signature is checked', () => {
    let checkCount = 0;
    const subject = new Subject({ verifySignature: () => ++checkCount > 0 });
    subject.join();
    subject.meet(2);
    holding(ALL, subject);
    expect([checkCount, closedAt(subject)]).toEqual([18, { entryCount: 2 }]);
    const more = entryOf({ author: AUTHOR, prev: SPINE.at(-1)!.name });
    expect(subject.receive(2, eager(more))).toEqual([]);
    expect(subject.receive(2, lazy(more))).toEqual([]);
    expect(subject.receive(2, evidence(WITNESS))).toEqual([]);
    expect(checkCount).toBe(18);
    expect(subject.gossip.counters).toMatchObject({ 'log-closed': 2, 'evidence-idle': 1 });
  });

  it('goes on with what is below, which may close it lower', () => {
    const subject = holding(ALL);
    const lower = entryOf({ author: AUTHOR, prev: SPINE[0]!.name, payload: 'lower' });
    expect(subject.receive(2, eager(lower))).toContain('persist #19: entry 5/2, withdrawal 19');
    expect(subject.persisted(1_000)[0]).toBe('withdraw 19: 5 from 2');
    expect(closedAt(subject)).toEqual({ entryCount: 1 });
  });

  it('does not tell who told it, nor peers that do not understand', () => {
    const subject = new Subject();
    subject.join();
    subject.meet(2, 3);
    subject.receive(3, hello({ extensions: ['topics'] }));
    holding(ALL, subject);
    const loaded = subject.handle({
      type: 'loaded',
      load: 1,
      entries: WITNESS.map(({ parts }) => parts),
    });
    expect(sentBy(loaded)).toEqual([]);
  });
});

describe('evidence', () => {
  it('closes a log of which nothing is held, and is stored without payloads', () => {
    const subject = joined(2, 3);
    const effects = subject.handle({
      type: 'received',
      from: did(2),
      frame: frameOf(evidence(WITNESS)),
    });
    const [persist] = effects.filter(({ type }) => type === 'persist');
    const writes = persist?.type === 'persist' ? persist.writes : [];
    expect(writes.map(({ type }) => type)).toEqual(Array.from({ length: 16 }, () => 'entry'));
    expect(writes.every((write) => write.type === 'entry' && write.parts.payload === undefined)).toBe(true);
    subject.receive(2, eager(SPINE[0]!));
    subject.receive(2, eager(SPINE[1]!));
    subject.receive(2, eager(SPINE[2]!));
    expect(closedAt(subject)).toEqual({ entryCount: 2 });
    const whole = holding(ALL);
    expect(subject.gossip.status()[0]!.root).toEqual(whole.gossip.status()[0]!.root);
  });

  it('costs one signature check for each header that is not held, and none for what is', () => {
    let checkCount = 0;
    const subject = new Subject({ verifySignature: () => ++checkCount > 0 });
    subject.join();
    subject.meet(2);
    for (const entry of SPINE) subject.receive(2, eager(entry));
    expect(checkCount).toBe(10);
    subject.receive(2, evidence(WITNESS));
    expect(checkCount).toBe(18);
    subject.receive(2, evidence(WITNESS));
    expect(checkCount).toBe(18);
  });

  it('frames nobody: what the author did not sign counts for nothing', () => {
    const subject = joined(2, 3);
    const forged = WITNESS.map(({ parts, header }) => {
      const { proof } = createEntry(keyPair(2), header, parts.payload!).parts;
      return { ...parts, proof };
    });
    expect(subject.receive(2, evidence(forged))).toEqual([]);
    expect(subject.receive(2, evidence([...WITNESS.slice(0, 15), forged[15]!]))).toEqual([]);
    expect(subject.gossip.counters).toMatchObject({ 'signature-wrong': 17, 'evidence-idle': 2 });
    holding(SPINE, subject);
    expect(closedAt(subject)).toEqual({ entryCount: 10 });
  });

  it('checks no signature twice where one that is forged brings the whole to nothing', () => {
    let checkCount = 0;
    const bad = { ...WITNESS[15]!.parts, proof: WITNESS[0]!.parts.proof };
    const subject = new Subject({
      verifySignature: (_key, _purpose, _id, signature) => {
        checkCount++;
        return signature !== undefined && !(checkCount >= 16 && sameBytes(signature, bad.proof.signature));
      },
    });
    subject.join();
    subject.meet(2);
    for (let count = 0; count < 3; count++) subject.receive(2, evidence([...WITNESS.slice(0, 15), bad]));
    expect(checkCount).toBe(15 + 3);
    subject.receive(2, evidence(WITNESS));
    expect(checkCount).toBe(15 + 3 + 1);
    holding(SPINE, subject);
    expect(closedAt(subject)).toEqual({ entryCount: 2 });
  });

  it.each<[string, string, () => GossipMessage]>([
    ['seven extra branches', 'evidence-idle', () => evidence([...SPINE.slice(3), ...BRANCHES.slice(1)])],
    ['one header many times', 'evidence-idle', () => evidence(Array.from({ length: 16 }, () => SPINE[0]!))],
    ['17 headers', 'evidence-malformed', () => evidence([...WITNESS, SPINE[0]!])],
    ['no header', 'evidence-malformed', () => evidence([])],
    [
      'headers of two logs',
      'evidence-malformed',
      () => evidence([...WITNESS.slice(1), entryOf({ author: keyPair(6) })]),
    ],
    [
      'another network',
      'network-wrong',
      () => evidence(nineOf((payload) => entryOf({ author: AUTHOR, network: 'other', payload }))),
    ],
    [
      'another topic',
      'topic-wrong',
      () => evidence(nineOf((payload) => entryOf({ author: AUTHOR, topic: parseTopic('kitchen'), payload }))),
    ],
    ['a policy log', 'evidence-malformed', () => evidence(nineOf(policyOf))],
    ['garbage', 'header-malformed', () => evidence([{ ...SPINE[0]!.parts, header: new Uint8Array(3) }])],
  ])('of %s is counted as %s, and closes nothing', (_, drop, message) => {
    const subject = joined(2, 3);
    expect(subject.receive(2, message())).toEqual([]);
    expect(subject.gossip.counters[drop]).toBeGreaterThan(0);
    holding(SPINE, subject);
    expect(closedAt(subject)).toEqual({ entryCount: 10 });
  });

  it('is good in part: what is garbage in it costs itself', () => {
    const subject = joined(2, 3);
    const siblings = nineOf((payload) => entryOf({ author: AUTHOR, payload }));
    subject.receive(2, evidence([{ ...SPINE[0]!.parts, header: new Uint8Array(3) }, ...siblings]));
    expect(subject.gossip.counters['header-malformed']).toBe(1);
    holding(SPINE, subject);
    expect(closedAt(subject)).toEqual({ entryCount: 0 });
  });

  it('is served to who asks for it, of logs that are closed', () => {
    const subject = holding(ALL);
    subject.handle({ type: 'loaded', load: 1, entries: [] });
    const ask = (author: number): GossipMessage => ({
      type: 'PullRequest',
      requestId: 9,
      topic: TOPIC,
      missing: [],
      ranges: [],
      bytesMax: 1_000,
      heads: null,
      evidence: [{ author: did(author), lane: 0 }],
    });
    expect(subject.receive(3, ask(5))).toContain('load #2: 16 within 1122304');
    const sent = subject.tell({ type: 'loaded', load: 2, entries: [WITNESS[0]!.parts, undefined] });
    expect(sent).toEqual(['send to 3: Equivocation 5/3']);
    expect(subject.receive(3, ask(6)).join()).not.toContain('load');
  });
});

describe('a restart', () => {
  it('finds the same closing, the same root and the next position, and tells nothing twice', () => {
    const disk = new Disk();
    const subject = new Subject();
    subject.join();
    subject.meet(2, 3);
    for (const entry of ALL) disk.run(subject, eager(entry));
    const other = entryOf({ author: keyPair(6) });
    disk.run(subject, eager(other));
    expect(disk.rows.at(-2)).toEqual(CLOSED);
    const again = disk.start();
    expect(again.gossip.status()[0]!.root).toEqual(subject.gossip.status()[0]!.root);
    again.meet(2);
    expect(again.receive(2, eager(entryOf({ author: keyPair(7) }))).at(-1)).toContain(
      `position ${disk.rows.length + 1}`,
    );
    expect(again.receive(2, eager(ALL[5]!))).toEqual([]);
    expect(again.gossip.counters['log-closed']).toBe(1);
  });

  it('finds a closing that evidence alone proved, whose headers were never delivered', () => {
    const disk = new Disk();
    const subject = new Subject();
    subject.join();
    subject.meet(2);
    disk.run(subject, eager(SPINE[0]!));
    disk.run(subject, evidence(WITNESS));
    const again = disk.start();
    expect(again.gossip.status()[0]!.root).toEqual(subject.gossip.status()[0]!.root);
    expect(disk.rows).toHaveLength(1);
    again.meet(2);
    expect(again.receive(2, eager(SPINE[1]!)).at(-1)).toContain('position 2');
  });
});

describe('a network', () => {
  it.each([1, 2, 3])('closes the log everywhere alike, though each half saw half of it (seed %d)', (seed) => {
    const watch = gossipWorld({
      seed,
      nodeCount: 4,
      links: {
        jitterMs: { type: 'uniform', minMs: 0, maxMs: 35 },
        lossRate: 0.1,
        duplicationRate: 0.2,
        reorderRate: 0.3,
      },
      diskMs: { type: 'uniform', minMs: 0, maxMs: 20 },
    });
    const { world } = watch;
    const [a, b, c, d] = world.nodes;
    part(world, [a!, b!]);
    for (const [half, node] of [a!, c!].entries())
      hand(world, node, [...SPINE, ...BRANCHES.filter((_, index) => index % 2 === half)]);
    world.runUntil(world.nowMs + 1_000);
    expect(world.nodes.map(withdrawals)).toEqual([[], [], [], []]);
    expect([a!, c!].map((node) => statusOf(node).entryCount)).toEqual([14, 14]);
    mend(world);
    const isClosed = () => world.nodes.every((node) => statusOf(node).entryCount === 2);
    world.runUntil(world.nowMs + 120_000, () => isClosed() && haveEqualRoots(world));
    expectAgreement(watch);
    expect(deliveredCounts(world)).toEqual([2, 2, 2, 2]);
    for (const node of [a!, c!]) expect(withdrawals(node)).toEqual([CLOSED]);
    // Whoever heard of the closing first was never told of what it takes away.
    for (const node of [b!, d!]) expect(withdrawals(node)).toEqual(hadMore(node) ? [CLOSED] : []);
    const { root } = statusOf(a!);
    world.crash(a!);
    world.boot(a!);
    expect(statusOf(a!).root).toEqual(root);
    mend(world);
    world.submit(a!, TOPIC, text('after'));
    world.runUntil(world.nowMs + 5_000);
    expect(a!.acknowledged).toHaveLength(1);
  });

  it('closes nothing of an author who forked seven times', () => {
    const watch = gossipWorld({ nodeCount: 3 });
    const { world } = watch;
    hand(world, world.nodes[0]!, [...SPINE, ...BRANCHES.slice(1)]);
    world.runUntil(world.nowMs + 20_000);
    expect(haveEqualRoots(world)).toBe(true);
    expectAgreement(watch);
    expect(deliveredCounts(world)).toEqual([17, 17, 17]);
    expect(world.nodes.map(withdrawals)).toEqual([[], [], []]);
  });
});

/** What consumers were told left the topic, in order. */
function withdrawals({ disk }: SimNode): readonly ClosedLog[] {
  const rows = Array.from({ length: disk.positionCount(TOPIC) }, (_, index) => disk.at(TOPIC, index + 1));
  return rows.filter((row) => typeof row === 'object');
}

/** Whether it delivered any entry that the closing took away again. */
function hadMore(node: SimNode): boolean {
  return node.disk.positionCount(TOPIC) > 2 + withdrawals(node).length;
}

/** What survives of the effects of a subject: headers by id, and ids and withdrawals by position. */
class Disk {
  readonly parts = new Map<string, EntryParts>();
  readonly rows: (string | ClosedLog)[] = [];

  run(subject: Subject, message: GossipMessage): void {
    const effects = subject.handle({ type: 'received', from: did(2), frame: frameOf(message) });
    for (const effect of effects)
      if (effect.type === 'persist') effect.writes.forEach((write) => this.#write(write));
  }

  start(): Subject {
    const delivered = this.rows.map((row, index): StoredHeader | StoredWithdrawal => {
      const position = index + 1;
      if (typeof row !== 'string') return { position, log: row };
      return { header: this.parts.get(row)!.header, position };
    });
    const others = [...this.parts].filter(([id]) => !this.rows.includes(id)).toReversed();
    const waiting = others.map(([, { header }]) => ({ header, position: undefined }));
    const subject = new Subject();
    subject.handle({ type: 'restored', topic: TOPIC, entries: delivered });
    subject.handle({ type: 'restored', topic: TOPIC, entries: waiting });
    const lines = subject.join().filter((line) => !line.startsWith('send'));
    if (lines.length > 0) throw new Error(`a restart is to change nothing, but: ${lines.join()}`);
    return subject;
  }

  #write(write: StoreWrite): void {
    if (write.type === 'entry') this.parts.set(write.id, write.parts);
    else this.rows[write.position - 1] = write.type === 'position' ? write.id : write.log;
  }
}

function nineOf(make: (payload: string) => VerifiedEntry): VerifiedEntry[] {
  return Array.from({ length: 9 }, (_, index) => make(`${index}`));
}

function policyOf(payload: string): VerifiedEntry {
  const fields = {
    network: NETWORK,
    topic: TOPIC,
    lane: 1,
    seq: 1,
    prev: null,
    deps: [],
    timestampMs: 0,
  } as const;
  return createEntry(AUTHOR, fields, text(payload));
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, index) => byte === b[index]);
}

function frameOf(message: GossipMessage): Uint8Array {
  return encodeMessage(message);
}
