import { sign, toHex, type KeyPair } from '@icn/identity';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeCbor, encodeCbor, type Cbor } from '@icn/identity/cbor';
import {
  decodeEntry,
  decodeParts,
  encodedByteCount,
  encodeParts,
  entryByteCount,
  verifyEntry,
  type EntryParts,
  type VerifiedEntry,
} from '../src/entry/entry.js';
import { proofsOf, type Proof } from '../src/entry/proof.js';
import { decodeHeader } from '../src/entry/entry-header.js';
import { entryIdOf, entryIdToBytes } from '../src/entry/entry-name.js';
import { PROTOCOL } from '../src/limits.js';
import { batchOf, depOf, did, entryOf, keyPair, text } from './fixtures.js';

const AUTHOR = keyPair(1);
const FIRST = entryOf({ author: AUTHOR });
const SECOND = entryOf({
  author: AUTHOR,
  prev: FIRST.name,
  deps: [depOf(entryOf({ author: keyPair(2) }).name)],
});
const FIELDS = decodeCbor(SECOND.parts.header) as readonly Cbor[];
/** Places of the fields in a header. */
const AT = {
  version: 0,
  network: 1,
  topic: 2,
  lane: 3,
  kind: 4,
  author: 5,
  seq: 6,
  prev: 7,
  deps: 8,
  timestampMs: 9,
  length: 10,
  hash: 11,
};

/** A header with some fields replaced, signed as its author would. */
function partsWith(changes: Readonly<Record<number, Cbor>>, author: KeyPair = AUTHOR): EntryParts {
  const fields = [...FIELDS];
  for (const [index, value] of Object.entries(changes)) fields[Number(index)] = value;
  return partsOf(encodeCbor(fields), author);
}

function partsOf(header: Uint8Array, author: KeyPair = AUTHOR): EntryParts {
  const signature = sign(author, 'icn/entry', entryIdToBytes(entryIdOf(header)));
  return { header, payload: SECOND.parts.payload, proof: { type: 'signature', signature } };
}

/** What becomes of an entry: `taken`, or why not. */
function fate(parts: EntryParts): string {
  const entry = decodeEntry(parts);
  if (typeof entry === 'string') return entry;
  const verified = verifyEntry(entry);
  return typeof verified === 'string' ? verified : 'taken';
}

const dep: Cbor = (FIELDS[AT.deps] as readonly Cbor[])[0]!;

describe('entry', () => {
  it('is taken as its author made it', () => {
    expect([fate(FIRST.parts), fate(SECOND.parts)]).toEqual(['taken', 'taken']);
    expect(decodeHeader(SECOND.parts.header)).toEqual(SECOND.header);
    expect(fate(partsWith({}))).toBe('taken');
  });

  it.each<[string, string, Readonly<Record<number, Cbor>>]>([
    ['a version of later', 'version-unknown', { [AT.version]: 2 }],
    ['no version', 'header-malformed', { [AT.version]: null }],
    ['an empty network', 'header-malformed', { [AT.network]: '' }],
    ['a network of 65 characters', 'header-malformed', { [AT.network]: 'n'.repeat(65) }],
    ['a network that is not ASCII', 'header-malformed', { [AT.network]: 'é' }],
    ['a topic that is none', 'header-malformed', { [AT.topic]: 'Lobby' }],
    ['a third lane', 'header-malformed', { [AT.lane]: 2 }],
    ['an author of 31 bytes', 'header-malformed', { [AT.author]: AUTHOR.publicKey.slice(1) }],
    ['an author of small order', 'header-malformed', { [AT.author]: new Uint8Array(32) }],
    ['seq 0', 'header-malformed', { [AT.seq]: 0, [AT.prev]: null }],
    ['seq 1 with a prev', 'header-malformed', { [AT.seq]: 1 }],
    ['seq 2 without a prev', 'header-malformed', { [AT.prev]: null }],
    ['a prev of 31 bytes', 'header-malformed', { [AT.prev]: new Uint8Array(31) }],
    ['33 deps', 'header-malformed', { [AT.deps]: Array.from({ length: 33 }, () => dep) }],
    [
      'a dep with a prefix of 7 bytes',
      'header-malformed',
      { [AT.deps]: [[AUTHOR.publicKey, 0, 1, new Uint8Array(7)]] },
    ],
    ['a dep on seq 0', 'header-malformed', { [AT.deps]: [[AUTHOR.publicKey, 0, 0, new Uint8Array(8)]] }],
    ['a time that is text', 'header-malformed', { [AT.timestampMs]: 'now' }],
    ['a payload above the limit', 'header-malformed', { [AT.length]: PROTOCOL.payloadBytesMax + 1 }],
    ['a hash of 31 bytes', 'header-malformed', { [AT.hash]: new Uint8Array(31) }],
    ['another payload’s length', 'payload-wrong', { [AT.length]: 4 }],
    ['another payload’s hash', 'payload-wrong', { [AT.hash]: new Uint8Array(32) }],
  ])('is refused with %s (%s)', (_, fault, changes) => {
    expect(fate(partsWith(changes))).toBe(fault);
  });

  it.each<[string, Readonly<Record<number, Cbor>>]>([
    ['a kind that this version does not know', { [AT.kind]: 4_711 }],
    ['the policy lane', { [AT.lane]: 1 }],
    ['32 deps', { [AT.deps]: Array.from({ length: 32 }, () => dep) }],
    ['a network of 64 characters', { [AT.network]: 'n'.repeat(64) }],
    ['the last seq there is', { [AT.seq]: Number.MAX_SAFE_INTEGER }],
    ['fields after the last known one', { 12: 'new', 13: [1, [2]] }],
  ])('is taken with %s', (_, changes) => {
    expect(fate(partsWith(changes))).toBe('taken');
  });

  it('keeps fields after the last known one, byte for byte, and they are signed (I5)', () => {
    const parts = partsWith({ 12: 'new' });
    expect(decodeParts(encodeParts(parts))).toEqual(parts);
    expect(entryIdOf(parts.header)).not.toBe(SECOND.name.id);
    expect(fate({ ...parts, header: partsWith({ 12: 'now' }).header })).toBe('signature-wrong');
  });

  it('is refused with a header that is not in deterministic encoding, or cut, or not there', () => {
    const { header } = SECOND.parts;
    const longer = Uint8Array.from([0x98, FIELDS.length, ...header.slice(1)]);
    for (const bytes of [longer, header.slice(0, -1), Uint8Array.from([...header, 0]), new Uint8Array(0)]) {
      expect(fate(partsOf(bytes))).toBe('header-malformed');
    }
    expect(fate(partsOf(encodeCbor(FIELDS.slice(0, -1))))).toBe('header-malformed');
  });

  it('is refused with a header of 4,097 bytes, and taken with one of 4,096', () => {
    const { length } = partsWith({ 12: new Uint8Array(1_000) }).header;
    const filler = (byteCount: number) => partsWith({ 12: new Uint8Array(1_000 + byteCount - length) });
    expect(filler(PROTOCOL.headerBytesMax).header.length).toBe(4_096);
    expect(fate(filler(PROTOCOL.headerBytesMax))).toBe('taken');
    expect(fate(filler(PROTOCOL.headerBytesMax + 1))).toBe('header-too-large');
  });

  it('is refused without its payload, with another, and taken with the largest', () => {
    expect(fate({ ...SECOND.parts, payload: undefined })).toBe('payload-missing');
    expect(fate({ ...SECOND.parts, payload: text('jello') })).toBe('payload-wrong');
    expect(fate({ ...SECOND.parts, payload: text('hell') })).toBe('payload-wrong');
    expect(fate(entryOf({ payload: new Uint8Array(PROTOCOL.payloadBytesMax) }).parts)).toBe('taken');
    expect(fate(entryOf({ payload: '' }).parts)).toBe('taken');
  });

  it('is taken with a proof of a batch, under the id that it has with any other', () => {
    const [first, second, third] = batchOf(AUTHOR, 3) as [VerifiedEntry, VerifiedEntry, VerifiedEntry];
    for (const { parts } of [first, second, third]) expect(fate(parts)).toBe('taken');
    expect(second.header.prev).toBe(first.name.id);
    expect(new Set([first, second, third].map(({ parts }) => toHex(parts.proof.signature))).size).toBe(1);
    const [alone] = proofsOf(AUTHOR, [second.name.id]) as [Proof];
    expect([alone.type, second.parts.proof.type]).toEqual(['signature', 'batch']);
    expect(decodeEntry({ ...second.parts, proof: alone })).toMatchObject({ name: second.name });
    expect(fate({ ...second.parts, proof: alone })).toBe('taken');
  });

  it('is refused with the place of another in its batch, a form that is not its own, or a longer way', () => {
    const [first, second] = batchOf(AUTHOR, 3) as [VerifiedEntry, VerifiedEntry];
    const proof = second.parts.proof as Proof & { type: 'batch' };
    const wrong: Proof[] = [
      first.parts.proof,
      { type: 'signature', signature: proof.signature },
      { ...proof, type: 'batch', index: 0 },
      { ...proof, index: proof.index + 4 },
      { ...proof, path: proof.path.subarray(32) },
      { ...proof, path: proof.path.subarray(1) },
      { ...proof, path: new Uint8Array([...proof.path, ...proof.path]) },
      { ...(proofsOf(keyPair(2), [first.name.id, second.name.id])[1] as Proof) },
    ];
    for (const each of wrong) expect(fate({ ...second.parts, proof: each })).toBe('signature-wrong');
    expect(fate(second.parts)).toBe('taken');
  });

  it('takes as many bytes in a message as is said, with proofs of any size', () => {
    for (const count of [1, 2, 3, 40, 300]) {
      for (const { parts } of batchOf(AUTHOR, count).slice(-30)) {
        expect(encodedByteCount([parts])).toBe(encodeParts(parts).length);
        expect(Math.abs(entryByteCount(parts) - encodeParts(parts).length)).toBeLessThan(16);
      }
    }
  });

  it('is refused with a signature of another, for another, or of another length', () => {
    const { signature } = SECOND.parts.proof;
    const wrong = [
      FIRST.parts.proof.signature,
      partsWith({}, keyPair(2)).proof.signature,
      signature.slice(1),
      new Uint8Array(64),
    ];
    for (const bytes of wrong) {
      expect(fate({ ...SECOND.parts, proof: { type: 'signature', signature: bytes } })).toBe(
        'signature-wrong',
      );
    }
  });

  it('is refused when any one bit of it is turned', () => {
    const encoded = encodeParts(SECOND.parts);
    fc.assert(
      fc.property(fc.nat({ max: encoded.length * 8 - 1 }), (bit) => {
        const bytes = Uint8Array.from(encoded);
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        const parts = decodeParts(bytes);
        expect(parts === undefined ? 'malformed' : fate(parts)).not.toBe('taken');
      }),
      { numRuns: 500 },
    );
  });

  it('names its log, its number there and its id', () => {
    expect(SECOND.name).toEqual({ author: did(1), lane: 0, seq: 2, id: entryIdOf(SECOND.parts.header) });
  });
});
