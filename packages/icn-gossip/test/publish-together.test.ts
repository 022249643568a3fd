import { toHex } from '@icn/identity';
import { describe, expect, it } from '@jest/globals';
import { decodeEntry, verifyEntry, type EntryParts, type VerifiedEntry } from '../src/entry/entry.js';
import { proofsOf } from '../src/entry/proof.js';
import type { GossipEffect } from '../src/events.js';
import { PROTOCOL } from '../src/limits.js';
import { encodeMessage } from '../src/wire/message-codec.js';
import { depOf, entryOf, keyPair, sentBy, text, TOPIC } from './fixtures.js';
import { exchange, Side } from './side.js';
import { eager, joined, Subject } from './subject.js';

/** Entries that a submission of so many payloads makes, as they are ordered to be written. */
function published(subject: Subject, payloads: readonly string[]): EntryParts[] {
  const effects = subject.handle({ type: 'submitted', topic: TOPIC, payloads: payloads.map(text), ref: 1 });
  return writtenBy(effects);
}

function writtenBy(effects: readonly GossipEffect[]): EntryParts[] {
  const writes = effects.flatMap((effect) => (effect.type === 'persist' ? effect.writes : []));
  return writes.flatMap((write) => (write.type === 'entry' ? [write.parts] : []));
}

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `${index}`);
const forms = (parts: readonly EntryParts[]) => parts.map(({ proof }) => proof.type);
const signatures = (parts: readonly EntryParts[]) =>
  new Set(parts.map(({ proof }) => toHex(proof.signature)));

describe('entries that are published at once', () => {
  it('follow each other in the log, in one write, and are acknowledged together once that is durable', () => {
    const subject = joined();
    expect(subject.submitAll(['a', 'b', 'c'])).toEqual([
      'persist #1: entry 1/1, position 1, entry 1/2, position 2, entry 1/3, position 3',
    ]);
    expect(subject.persisted(1)).toEqual([
      'deliver 1: 1/1',
      'deliver 2: 1/2',
      'deliver 3: 1/3',
      'acknowledge 1: 1/1, 1/2, 1/3',
    ]);
  });

  it('share one signature, and each proves itself alone', () => {
    const parts = published(joined(), numbered(16));
    expect(signatures(parts).size).toBe(1);
    for (const each of parts) {
      const decoded = decodeEntry(each);
      expect(typeof decoded === 'string' ? decoded : verifyEntry(decoded)).toMatchObject({ parts: each });
    }
  });

  it('share signatures by sixteens, and one alone has its own', () => {
    const parts = published(joined(), numbered(33));
    expect(signatures(parts).size).toBe(3);
    expect(forms(parts.slice(0, 32))).toEqual(Array<string>(32).fill('batch'));
    expect(forms(parts.slice(32))).toEqual(['signature']);
    expect(forms(published(joined(), ['alone']))).toEqual(['signature']);
  });

  it('are what they would be if they were published one by one, but for the proof', () => {
    const others = Array.from({ length: 40 }, (_, index) => entryOf({ author: keyPair(index + 10) }));
    const [together, apart] = [joined(2), joined(2)];
    for (const subject of [together, apart]) for (const entry of others) subject.receive(2, eager(entry));
    const headers = published(together, numbered(20)).map(({ header }) => toHex(header));
    const one = numbered(20).flatMap((payload) => published(apart, [payload]));
    expect(headers).toEqual(one.map(({ header }) => toHex(header)));
    const deps = one.map((parts) => (decodeEntry(parts) as VerifiedEntry).header.deps.length);
    expect(deps).toEqual([32, 8, ...Array<number>(18).fill(0)]);
  });

  it('are all made or none', () => {
    const subject = new Subject({ limits: { entriesPerTopicMax: 3, submissionEntriesMax: 4 } });
    subject.join();
    const tooLarge = new Uint8Array(PROTOCOL.payloadBytesMax + 1);
    expect(subject.submitAll(['a', tooLarge])).toEqual(['reject 1: payload-too-large']);
    expect(subject.submitAll([])).toEqual(['reject 2: submission-invalid']);
    expect(subject.submitAll(['a', 'b', 'c', 'd', 'e'])).toEqual(['reject 3: submission-invalid']);
    expect(subject.submitAll(['a', 'b', 'c', 'd'])).toEqual(['reject 4: topic-full']);
    expect(subject.gossip.status()[0]!.entryCount).toBe(0);
    expect(subject.submitAll(['a', 'b', 'c'])).toHaveLength(1);
    expect(subject.submitAll(['d'])).toEqual(['reject 6: topic-full']);
  });

  it('are also those that waited together for what peers hold of the own log; where room ends, the rest fails', () => {
    const subject = new Subject({ limits: { entriesPerTopicMax: 4, ownHeadWaitMs: 2_000 } });
    subject.join();
    subject.handle({ type: 'peer-up', peer: keyPair(2).did });
    const refs = [subject.submitAll(['a', 'b']), subject.submit('c'), subject.submitAll(['d', 'e'])];
    expect(refs.flat().filter((line) => line.startsWith('persist'))).toEqual([]);
    subject.nowMs += 2_000;
    const effects = subject.handle({ type: 'woke' });
    const parts = writtenBy(effects);
    expect([parts.length, signatures(parts).size]).toEqual([3, 1]);
    expect(effects).toContainEqual(expect.objectContaining({ type: 'reject', ref: 3, code: 'topic-full' }));
    expect(subject.persisted(1).filter((line) => line.startsWith('acknowledge'))).toEqual([
      'acknowledge 1: 1/1, 1/2',
      'acknowledge 2: 1/3',
    ]);
  });
});

describe('one entry with proofs of both forms', () => {
  const author = keyPair(7);
  const entry = entryOf({ author });
  const [batched] = proofsOf(author, [entry.name.id, entryOf({ author: keyPair(8) }).name.id]);
  const other = { ...entry, parts: { ...entry.parts, proof: batched! } };

  it('is one entry: the proof that came first is kept and relayed, the other is a duplicate', () => {
    for (const [first, second] of [
      [entry, other],
      [other, entry],
    ] as const) {
      const subject = joined(2, 3);
      const effects = subject.handle({ type: 'received', from: keyPair(2).did, frame: frameOf(first) });
      expect(forms(writtenBy(effects))).toEqual([first.parts.proof.type]);
      const relayed = [...sentBy(effects), ...sentBy(subject.handle({ type: 'persisted', write: 1 }))];
      const proofs = relayed.flatMap(({ message }) =>
        message.type === 'Announcement' && message.entry !== undefined ? [message.entry] : [],
      );
      expect(forms(proofs)).toEqual([first.parts.proof.type]);
      subject.receive(3, eager(second));
      expect(subject.gossip.counters).toMatchObject({ duplicate: 1 });
      expect(subject.gossip.counters).not.toHaveProperty('signature-wrong');
    }
  });

  it('leaves nodes converged, and what follows it is pulled by who holds the other', () => {
    const next = entryOf({ author, prev: entry.name, deps: [depOf(entry.name)] });
    const [a, b] = [new Side({ index: 1 }), new Side({ index: 2 })];
    a.hold(entry, next);
    b.hold(other);
    const said = exchange(a, b);
    expect([a.root(), a.gossip.status()[0]!.entryCount]).toEqual([b.root(), 2]);
    const pulled = said.flatMap(({ message }) => (message.type === 'PullResponse' ? message.entries : []));
    expect(pulled).toEqual([next.parts]);
    for (const { gossip } of [a, b]) expect(gossip.counters).not.toHaveProperty('signature-wrong');
  });
});

const frameOf = (entry: VerifiedEntry) => encodeMessage(eager(entry));
