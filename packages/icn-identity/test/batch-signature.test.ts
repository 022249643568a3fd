import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import {
  BatchVerifier,
  batchMessagesMax,
  concatBytes,
  fromHex,
  keyPairFromSeed,
  sha256,
  sign,
  signBatch,
  toHex,
  verify,
  type BatchSignature,
} from '../src/index.js';

const alice = keyPairFromSeed(new Uint8Array(32).fill(1));
const bob = keyPairFromSeed(new Uint8Array(32).fill(2));

/** Messages 0 to `count` − 1. */
function messages(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => Uint8Array.of(i, i >> 8));
}

/** A verifier that counts the signatures it has checked. */
function counting(rootsMax?: number) {
  const subject = {
    checkCount: 0,
    verify: (message: Uint8Array, proof: BatchSignature, key = alice.publicKey) =>
      verifier.verify(key, 'icn/entry', message, proof),
  };
  const verifier = new BatchVerifier((...args) => {
    subject.checkCount += 1;
    return verify(...args);
  }, rootsMax);
  return subject;
}

const five = messages(5);
const proofs = signBatch(alice, 'icn/entry', five);
const [first] = proofs as [BatchSignature];

describe('a batch', () => {
  it.each([1, 2, 3, 4, 5, 16, 17, 1_000, batchMessagesMax])('of %i is proven message by message', (count) => {
    const subject = counting();
    const all = messages(count);
    const made = signBatch(alice, 'icn/entry', all);
    expect(all.every((message, i) => subject.verify(message, made[i]!))).toBe(true);
    expect(subject.checkCount).toBe(1);
    expect(made.map(({ index }) => index)).toEqual(all.map((_, i) => i));
    expect(new Set(made.map(({ path }) => path.length))).toEqual(new Set([32 * Math.ceil(Math.log2(count))]));
  });

  it.each([0, batchMessagesMax + 1])('is not made of %i messages', (count) => {
    expect(() => signBatch(alice, 'icn/entry', messages(count))).toThrow(RangeError);
  });

  it('is the tree of the protocol page, by hand', () => {
    const [a, b, c] = messages(3) as [Uint8Array, Uint8Array, Uint8Array];
    const leaf = (message: Uint8Array) => sha256(fromHex('0069636e2f656e74727900'), message);
    const node = (left: Uint8Array, right: Uint8Array) => sha256(Uint8Array.of(1), left, right);
    const zero = new Uint8Array(32);
    const root = node(node(leaf(a), leaf(b)), node(leaf(c), zero));
    const made = signBatch(alice, 'icn/entry', [a, b, c]);
    expect(toHex(made[0]!.signature)).toBe(toHex(sign(alice, 'icn/batch', root)));
    expect(toHex(made[2]!.path)).toBe(toHex(concatBytes(zero, node(leaf(a), leaf(b)))));
  });

  it('of one message is not a signature of that message', () => {
    const [proof] = signBatch(alice, 'icn/entry', [five[0]!]) as [BatchSignature];
    expect(proof).toMatchObject({ index: 0, path: new Uint8Array() });
    expect(counting().verify(five[0]!, proof)).toBe(true);
    expect(verify(alice.publicKey, 'icn/entry', five[0]!, proof.signature)).toBe(false);
    const plain = { signature: sign(alice, 'icn/entry', five[0]!), index: 0, path: new Uint8Array() };
    expect(counting().verify(five[0]!, plain)).toBe(false);
  });
});

describe('a proof of a batch', () => {
  it('shows nothing of another message, key or purpose', () => {
    const subject = counting();
    expect(subject.verify(five[1]!, first)).toBe(false);
    expect(subject.verify(five[0]!, first, bob.publicKey)).toBe(false);
    const verifier = new BatchVerifier();
    expect(verifier.verify(alice.publicKey, 'icn/entry', five[0]!, first)).toBe(true);
    expect(verifier.verify(alice.publicKey, 'icn/peer-proof', five[0]!, first)).toBe(false);
    expect(verifier.verify(alice.publicKey, 'icn/batch', five[0]!, first)).toBe(false);
  });

  it('shows none of the nodes of its tree, nor what fills it up, as a message', () => {
    const subject = counting();
    const beside = first.path.subarray(0, 32);
    const above = { ...first, path: first.path.subarray(32) };
    for (const message of [beside, concatBytes(Uint8Array.of(1), beside, beside), new Uint8Array(32)]) {
      for (let index = 0; index < 8; index += 1) {
        expect(subject.verify(message, { ...proofs[4]!, index })).toBe(false);
        expect(subject.verify(message, { ...above, index: index >> 1 })).toBe(false);
      }
    }
    expect(subject.verify(new Uint8Array(), { ...proofs[4]!, index: 5 })).toBe(false);
  });

  it('has one spelling: no index beyond the tree, though it leads to the same root', () => {
    const subject = counting();
    for (const index of [8, 16, 2 ** 32, -8, -1, 0.5, NaN, Infinity, Number.MAX_SAFE_INTEGER])
      expect(subject.verify(five[0]!, { ...first, index })).toBe(false);
    const [alone] = signBatch(alice, 'icn/entry', [five[0]!]) as [BatchSignature];
    expect(subject.verify(five[0]!, { ...alone, index: 1 })).toBe(false);
    expect(subject.checkCount).toBe(0);
  });

  it('is refused with any byte of it changed, also where its root is known', () => {
    const subject = counting();
    expect(proofs.every((proof, i) => subject.verify(five[i]!, proof))).toBe(true);
    for (const part of ['signature', 'path'] as const) {
      for (let at = 0; at < first[part].length; at += 7) {
        const changed = Uint8Array.from(first[part], (byte, i) => (i === at ? byte ^ 1 : byte));
        expect(subject.verify(five[0]!, { ...first, [part]: changed })).toBe(false);
      }
    }
    for (let index = 1; index < 8; index += 1)
      expect(subject.verify(five[0]!, { ...first, index })).toBe(false);
  });

  it('is refused, without an exception, for bytes of any length', () => {
    const verifier = new BatchVerifier();
    const bytes = fc.uint8Array({ maxLength: 400 });
    const index = fc.oneof(fc.nat(1_024), fc.double());
    fc.assert(
      fc.property(
        bytes,
        bytes,
        fc.record({ signature: bytes, index, path: bytes }),
        (key, message, proof) => {
          expect(verifier.verify(key, 'icn/entry', message, proof)).toBe(false);
        },
      ),
    );
    const long = { ...first, path: new Uint8Array(32 * 11) };
    expect(verifier.verify(alice.publicKey, 'icn/entry', five[0]!, long)).toBe(false);
  });
});

describe('a verifier of batches', () => {
  it('checks one signature for a batch that comes apart, among others', () => {
    const subject = counting();
    const batches = [alice, bob].flatMap((pair) =>
      [0, 1, 2].map((number) => {
        const all = messages(8).map((message) => concatBytes(message, Uint8Array.of(number)));
        return { pair, all, made: signBatch(pair, 'icn/entry', all) };
      }),
    );
    for (let i = 0; i < 8; i += 1) {
      for (const { pair, all, made } of batches)
        expect(subject.verify(all[i]!, made[i]!, pair.publicKey)).toBe(true);
    }
    expect(subject.checkCount).toBe(batches.length);
  });

  it('forgets nothing because of what is not valid, and never remembers it', () => {
    const subject = counting(4);
    expect(subject.verify(five[0]!, first)).toBe(true);
    for (let i = 0; i < 50; i += 1) {
      const forged = { signature: first.signature, index: 0, path: new Uint8Array(32).fill(i) };
      expect(subject.verify(five[0]!, forged)).toBe(false);
      expect(subject.verify(five[0]!, forged)).toBe(false);
    }
    expect(subject.checkCount).toBe(101);
    expect(subject.verify(five[1]!, proofs[1]!)).toBe(true);
    expect(subject.checkCount).toBe(101);
  });

  it('does not take another signature for a root that it knows, nor the root for another key', () => {
    const subject = counting();
    expect(subject.verify(five[0]!, first)).toBe(true);
    const resigned = signBatch(bob, 'icn/entry', five);
    expect(subject.verify(five[0]!, { ...first, signature: resigned[0]!.signature })).toBe(false);
    expect(subject.verify(five[0]!, first, bob.publicKey)).toBe(false);
    expect(subject.verify(five[0]!, resigned[0]!, bob.publicKey)).toBe(true);
  });

  it('keeps roots of its own, whatever becomes of the bytes it was given', () => {
    const subject = counting();
    const signature = Uint8Array.from(first.signature);
    expect(subject.verify(five[0]!, { ...first, signature })).toBe(true);
    signature.fill(0);
    expect(subject.verify(five[0]!, { ...first, signature })).toBe(false);
    expect(subject.verify(five[1]!, proofs[1]!)).toBe(true);
    expect(subject.checkCount).toBe(2);
  });

  it('remembers no more roots than it was told, and checks those it forgot again', () => {
    const subject = counting(4);
    for (let i = 0; i < 20; i += 1) {
      const [proof] = signBatch(alice, 'icn/entry', [Uint8Array.of(i)]) as [BatchSignature];
      expect(subject.verify(Uint8Array.of(i), proof)).toBe(true);
    }
    expect(subject.checkCount).toBe(20);
    const [again] = signBatch(alice, 'icn/entry', [Uint8Array.of(0)]) as [BatchSignature];
    expect(subject.verify(Uint8Array.of(0), again)).toBe(true);
    expect(subject.checkCount).toBe(21);
  });
});
