import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { decodeCbor, encodeCbor, type Cbor } from '../src/cbor.js';
import {
  concatBytes,
  createEnvelope,
  envelopeBytesMax,
  envelopePayloadBytesMax,
  keyPairFromSeed,
  openEnvelope,
  sign,
  type EnvelopeContent,
  type EnvelopeFault,
  type EnvelopePurpose,
  type KeyPair,
  type SignedEnvelope,
} from '../src/index.js';
import { isSignedEnvelope } from '../src/envelope/signed-envelope.js';
import { envelopePurposes } from '../src/signature.js';
import { encodeY, fieldPrime } from './curve.js';

const alice = keyPairFromSeed(new Uint8Array(32).fill(1));
const bob = keyPairFromSeed(new Uint8Array(32).fill(2));
const carol = keyPairFromSeed(new Uint8Array(32).fill(3));

const content: EnvelopeContent = {
  purpose: 'icn/invitation',
  network: 'coop',
  recipient: bob.did,
  sequence: 1,
  timestampMs: 1_700_000_000_000,
  payload: Uint8Array.from([1, 2, 3]),
};
const forBob = { purpose: content.purpose, network: content.network, recipient: bob.did } as const;

function opened(bytes: Uint8Array): SignedEnvelope {
  const envelope = openEnvelope(bytes, forBob);
  if (typeof envelope === 'string') throw new Error(envelope);
  return envelope;
}

/** Fields as anybody may write them, signed as an envelope is. */
function signedFields(
  fields: readonly Cbor[],
  by: KeyPair = alice,
  as: EnvelopePurpose = 'icn/invitation',
): Uint8Array {
  const body = encodeCbor(fields);
  return encodeCbor([body, sign(by, as, body)]);
}

function fieldsOf(envelope: SignedEnvelope): Cbor[] {
  const [body] = decodeCbor(envelope.bytes) as [Uint8Array];
  return decodeCbor(body) as Cbor[];
}

/** The fields of an envelope with one changed, signed anew. */
function withField(index: number, value: Cbor): Uint8Array {
  return signedFields(fieldsOf(createEnvelope(alice, content)).with(index, value));
}

describe('an envelope', () => {
  it('is opened by whom it is for, as it was made', () => {
    const made = createEnvelope(alice, content);
    expect(opened(made.bytes)).toEqual(made);
    expect(made).toEqual({ ...content, sender: alice.did, bytes: made.bytes });
  });

  it('is of a type that no literal has', () => {
    const made = createEnvelope(alice, content);
    const { bytes } = made;
    const accepted: SignedEnvelope[] = [made, opened(bytes)];
    // @ts-expect-error: nobody has checked this one's signature
    accepted.push({ ...content, sender: alice.did, bytes });
    expect(accepted.map(isSignedEnvelope)).toEqual([true, true, false]);
    expect([{ ...made }, structuredClone({ ...made })].map(isSignedEnvelope)).toEqual([false, false]);
  });

  it('gives back all that may be said', () => {
    fc.assert(
      fc.property(
        fc.record({
          purpose: fc.constantFrom(...envelopePurposes),
          network: fc.string({
            unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
            minLength: 1,
            maxLength: 64,
          }),
          recipient: fc.constantFrom(null, bob.did, alice.did),
          sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
          timestampMs: fc.maxSafeNat(),
          payload: fc.uint8Array({ maxLength: 300 }),
        }),
        (content) => {
          const made = createEnvelope(alice, content);
          expect(openEnvelope(made.bytes, content)).toEqual(made);
        },
      ),
    );
  });

  it('may carry the largest payload with the longest fields', () => {
    const largest = {
      ...content,
      network: 'n'.repeat(64),
      sequence: Number.MAX_SAFE_INTEGER,
      timestampMs: Number.MAX_SAFE_INTEGER,
      payload: new Uint8Array(envelopePayloadBytesMax),
    };
    const { bytes } = createEnvelope(alice, largest);
    expect(bytes.length).toBeLessThanOrEqual(envelopeBytesMax - 700);
    expect(openEnvelope(bytes, largest)).toMatchObject({ sequence: Number.MAX_SAFE_INTEGER });
  });

  it('shares no memory with what it was made of or read from', () => {
    const payload = Uint8Array.from([1]);
    const made = createEnvelope(alice, { ...content, payload });
    const bytes = Uint8Array.from(made.bytes);
    const read = opened(bytes);
    payload.fill(9);
    bytes.fill(9);
    expect(made.payload).toEqual(Uint8Array.from([1]));
    expect(opened(read.bytes)).toEqual(made);
  });

  it('may have fields that this version does not know, which are signed too', () => {
    const fields = [...fieldsOf(createEnvelope(alice, content)), 'later', [7]];
    expect(opened(signedFields(fields))).toMatchObject({ sender: alice.did, sequence: 1 });
    const [body, signature] = decodeCbor(signedFields(fields)) as [Uint8Array, Uint8Array];
    body[body.length - 1]! ^= 1;
    expect(openEnvelope(encodeCbor([body, signature]), forBob)).toBe('signature-wrong');
  });
});

describe('an envelope is refused', () => {
  const { bytes } = createEnvelope(alice, content);
  const broadcast = createEnvelope(alice, { ...content, recipient: null });

  it.each<[EnvelopeFault, string, () => EnvelopeFault | SignedEnvelope]>([
    ['purpose-wrong', 'for another purpose', () => openEnvelope(bytes, { ...forBob, purpose: 'icn/trust' })],
    ['network-wrong', 'in another network', () => openEnvelope(bytes, { ...forBob, network: 'coo' })],
    ['recipient-wrong', 'by another', () => openEnvelope(bytes, { ...forBob, recipient: carol.did })],
    ['recipient-wrong', 'as said to all', () => openEnvelope(bytes, { ...forBob, recipient: null })],
    ['recipient-wrong', 'as said to one', () => openEnvelope(broadcast.bytes, forBob)],
    ['too-large', 'as long bytes', () => openEnvelope(new Uint8Array(envelopeBytesMax + 1), forBob)],
    [
      'too-large',
      'with a long payload',
      () => openEnvelope(withField(7, new Uint8Array(envelopePayloadBytesMax + 1)), forBob),
    ],
    ['version-unknown', 'in a later version', () => openEnvelope(withField(0, 2), forBob)],
    [
      'version-unknown',
      'in a later version of another shape',
      () => openEnvelope(signedFields([2, 'x']), forBob),
    ],
    ['purpose-wrong', 'with a purpose of nobody', () => openEnvelope(withField(1, 'icn/other'), forBob)],
    ['purpose-wrong', 'with the purpose of an entry', () => openEnvelope(withField(1, 'icn/entry'), forBob)],
  ])('as %s %s', (fault, _, open) => {
    expect(open()).toBe(fault);
  });

  it.each<[string, number, Cbor]>([
    ['a version in words', 0, '1'],
    ['an empty purpose', 1, ''],
    ['an empty network', 2, ''],
    ['a network with a space', 2, 'a b'],
    ['a long network', 2, 'n'.repeat(65)],
    ['a short sender', 3, new Uint8Array(31)],
    ['a sender of small order', 3, encodeY(1n, false)],
    ['a sender that is not reduced', 3, encodeY(fieldPrime + 3n, false)],
    ['a recipient of small order', 4, encodeY(0n, false)],
    ['a recipient in words', 4, 'bob'],
    ['sequence 0', 5, 0],
    ['a sequence in words', 5, '1'],
    ['no time', 6, null],
    ['a payload in words', 7, 'three'],
  ])('with %s', (_, index, value) => {
    expect(openEnvelope(withField(index, value), forBob)).toBe('malformed');
  });

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array()],
    ['no array', encodeCbor(1)],
    ['one part', encodeCbor([encodeCbor([1])])],
    ['three parts', encodeCbor([...(decodeCbor(bytes) as Cbor[]), null])],
    ['a short signature', encodeCbor([(decodeCbor(bytes) as Cbor[])[0]!, new Uint8Array(63)])],
    ['a body that is not bytes', encodeCbor([[1], new Uint8Array(64)])],
    ['a body that is no array', encodeCbor([encodeCbor(1), new Uint8Array(64)])],
    ['missing fields', signedFields(fieldsOf(createEnvelope(alice, content)).slice(0, 7))],
    ['bytes behind', concatBytes(bytes, new Uint8Array(1))],
  ])('as malformed: %s', (_, bytes) => {
    expect(openEnvelope(bytes, forBob)).toBe('malformed');
  });

  it('under the signature of another sender or another purpose', () => {
    const fields = fieldsOf(createEnvelope(alice, content));
    expect(openEnvelope(signedFields(fields, carol), forBob)).toBe('signature-wrong');
    for (const purpose of envelopePurposes)
      expect(openEnvelope(signedFields(fields, alice, purpose), forBob) === 'signature-wrong').toBe(
        purpose !== 'icn/invitation',
      );
  });

  it('with any byte changed, cut or added', () => {
    for (let index = 0; index < bytes.length; index += 1) {
      expect(typeof openEnvelope(bytes.with(index, bytes[index]! ^ 0x10), forBob)).toBe('string');
      expect(openEnvelope(bytes.subarray(0, index), forBob)).toBe('malformed');
    }
  });

  it('without an exception, whatever the bytes', () => {
    const mutations = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1 });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), mutations), (input) => {
        if (input instanceof Uint8Array) return expect(openEnvelope(input, forBob)).toBe('malformed');
        const mutated = Uint8Array.from(bytes);
        for (const [at, byte] of input) mutated[at] = byte;
        const isSame = mutated.every((byte, index) => byte === bytes[index]);
        return expect(typeof openEnvelope(mutated, forBob) === 'string').toBe(!isSame);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('an envelope is not made', () => {
  it.each<[string, Partial<EnvelopeContent>]>([
    ['for a purpose that is none of an envelope', { purpose: 'icn/entry' as EnvelopePurpose }],
    ['in a network without a name', { network: '' }],
    ['in a network with a line break', { network: 'a\n' }],
    ['to what is no DID', { recipient: 'did:icn:bob' as KeyPair['did'] }],
    ['with sequence 0', { sequence: 0 }],
    ['with a sequence above 2^53 − 1', { sequence: 2 ** 53 }],
    ['at half a millisecond', { timestampMs: 0.5 }],
    ['before 1970', { timestampMs: -1 }],
    ['with too large a payload', { payload: new Uint8Array(envelopePayloadBytesMax + 1) }],
  ])('%s', (_, part) => {
    expect(() => createEnvelope(alice, { ...content, ...part })).toThrow(
      expect.objectContaining({ code: 'envelope-invalid' }),
    );
  });
});
