import { afterEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import nacl from 'tweetnacl';

import { decodeCbor, encodeCbor, type Cbor } from '../src/cbor.js';
import {
  didFromPublicKey,
  keyPairFromSeed,
  openBox,
  sealBox,
  sealedBoxBytesMax,
  sealedTextBytesMax,
} from '../src/index.js';
import { x25519PublicKey } from '../src/x25519.js';
import { add, encode, fieldPrime, littleEndian, pointWithY, integerOf, smallOrderPoints } from './curve.js';
import { openByNode } from './box-by-node.js';

const alice = keyPairFromSeed(new Uint8Array(32).fill(1));
const bob = keyPairFromSeed(new Uint8Array(32).fill(2));
const carol = keyPairFromSeed(new Uint8Array(32).fill(3));
const context = { purpose: 'icn/topic-key', network: 'coop' };
const text = new TextEncoder().encode('two sacks of flour');
const box = sealBox(alice, bob.did, context, text);

function partsOf(bytes: Uint8Array): [number, Uint8Array, Uint8Array] {
  return decodeCbor(bytes) as unknown as [number, Uint8Array, Uint8Array];
}

describe('a sealed box', () => {
  it('opens for its recipient, with any text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (text) => {
        expect(openBox(bob, alice.did, context, sealBox(alice, bob.did, context, text))).toEqual({ text });
      }),
      { numRuns: 20 },
    );
  });

  it('opens by the arithmetic of node:crypto and a Salsa20 of its own', () => {
    expect(openByNode(bob.seed, alice.publicKey, bob.publicKey, context, box)).toEqual(text);
  });

  it('holds the largest text, and no larger one', () => {
    const largest = new Uint8Array(sealedTextBytesMax).fill(7);
    const bytes = sealBox(alice, bob.did, context, largest);
    expect(bytes.length).toBeLessThanOrEqual(sealedBoxBytesMax);
    expect(openBox(bob, alice.did, context, bytes)).toEqual({ text: largest });
    expect(() => sealBox(alice, bob.did, context, new Uint8Array(sealedTextBytesMax + 1))).toThrow(
      expect.objectContaining({ code: 'box-invalid' }),
    );
  });

  it('is another each time, and shows nothing of its text', () => {
    const again = sealBox(alice, bob.did, context, text);
    expect(partsOf(again)[1]).not.toEqual(partsOf(box)[1]);
    expect(partsOf(again)[2]).not.toEqual(partsOf(box)[2]);
    expect(Buffer.from(box).includes(Buffer.from(text))).toBe(false);
  });

  it('may be sealed for oneself', () => {
    expect(openBox(alice, alice.did, context, sealBox(alice, alice.did, context, text))).toEqual({ text });
  });

  it('leaves the seeds as they were', () => {
    expect([alice.seed, bob.seed]).toEqual([new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]);
  });
});

describe('the ephemeral secret of a sealed box', () => {
  afterEach(() => void jest.restoreAllMocks());

  /** The one that a call drew, and the copy that tweetnacl made of it. */
  function secretsOf(seal: () => void): Uint8Array[] {
    const made = jest.spyOn(nacl.box.keyPair, 'fromSecretKey');
    seal();
    expect(made).toHaveBeenCalledTimes(1);
    return [made.mock.calls[0]![0], (made.mock.results[0]!.value as nacl.BoxKeyPair).secretKey];
  }

  it('is overwritten when the box is sealed', () => {
    let bytes = new Uint8Array();
    const secrets = secretsOf(() => (bytes = Uint8Array.from(sealBox(alice, bob.did, context, text))));
    expect(secrets).toEqual([new Uint8Array(32), new Uint8Array(32)]);
    expect(openBox(bob, alice.did, context, bytes)).toEqual({ text }); // it was another until then
    expect(partsOf(bytes)[1]).not.toEqual(nacl.scalarMult.base(new Uint8Array(32)));
  });

  it('is overwritten when that fails', () => {
    jest.spyOn(nacl, 'secretbox').mockImplementation(() => {
      throw new Error('out of memory');
    });
    const secrets = secretsOf(() => {
      expect(() => sealBox(alice, bob.did, context, text)).toThrow('out of memory');
    });
    expect(secrets).toEqual([new Uint8Array(32), new Uint8Array(32)]);
  });
});

describe('a sealed box does not open', () => {
  it.each([
    ['for another', () => openBox(carol, alice.did, context, box)],
    ['for its sender', () => openBox(alice, alice.did, context, box)],
    ['as of another sender', () => openBox(bob, carol.did, context, box)],
    ['for another purpose', () => openBox(bob, alice.did, { ...context, purpose: 'icn/topic-keys' }, box)],
    ['in another network', () => openBox(bob, alice.did, { ...context, network: 'coo' }, box)],
    [
      'where purpose and network are cut elsewhere',
      () => openBox(bob, alice.did, { purpose: 'icn/topic-keyc', network: 'oop' }, box),
    ],
  ])('%s', (_, open) => {
    expect(open()).toBe('box-wrong');
  });

  it('as of a sender whose key differs by a point of small order, though the secret is the same', () => {
    const shifted = smallOrderPoints.slice(1).map((small) => {
      const y = integerOf(alice.publicKey) & (2n ** 255n - 1n);
      const even = pointWithY(y)!;
      const isOdd = alice.publicKey[31]! >= 0x80;
      return encode(add(isOdd ? { x: fieldPrime - even.x, y } : even, small));
    });
    const negative = alice.publicKey.with(31, alice.publicKey[31]! ^ 0x80);
    expect(x25519PublicKey(negative)).toEqual(x25519PublicKey(alice.publicKey));
    for (const key of [negative, ...shifted])
      expect(openBox(bob, didFromPublicKey(key), context, box)).toBe('box-wrong');
  });

  it('with any byte changed, or cut', () => {
    for (let index = 0; index < box.length; index += 1) {
      expect(typeof openBox(bob, alice.did, context, box.with(index, box[index]! ^ 0x10))).toBe('string');
      expect(openBox(bob, alice.did, context, box.subarray(0, index))).toBe('malformed');
    }
  });

  it.each([
    ['an ephemeral key of 0', littleEndian(0n)],
    ['an ephemeral key of 1', littleEndian(1n)],
    ['an ephemeral key of −1', littleEndian(fieldPrime - 1n)],
    ['the prime for 0', littleEndian(fieldPrime)],
    ['the prime and one for 1', littleEndian(fieldPrime + 1n)],
    [
      'an ephemeral key of order 8',
      littleEndian(39382357235489614581723060781553021112529911719440698176882885853963445705823n),
    ],
    [
      'the other of order 8',
      littleEndian(325606250916557431795983626356110631294008115727848805560023387167927233504n),
    ],
  ])('with %s', (_, ephemeral) => {
    const [version, , sealed] = partsOf(box);
    expect(openBox(bob, alice.did, context, encodeCbor([version, ephemeral, sealed]))).toBe('key-wrong');
  });

  it('with its ephemeral key in another spelling', () => {
    const [version, ephemeral, sealed] = partsOf(box);
    const highBit = ephemeral.with(31, ephemeral[31]! ^ 0x80);
    expect(openBox(bob, alice.did, context, encodeCbor([version, highBit, sealed]))).toBe('box-wrong');
  });

  it('as of a sender who is no point of the curve', () => {
    const off = Array.from({ length: 99 }, (_, i) => BigInt(i + 2)).find((y) => pointWithY(y) === undefined)!;
    const nobody = didFromPublicKey(littleEndian(off));
    expect(openBox(bob, nobody, context, box)).toBe('key-wrong');
    expect(() => sealBox(alice, nobody, context, text)).toThrow(
      expect.objectContaining({ code: 'key-invalid' }),
    );
  });

  it.each<[string, Cbor]>([
    ['malformed', 1],
    ['malformed', []],
    ['malformed', ['1', new Uint8Array(32), new Uint8Array(20)]],
    ['malformed', [1, new Uint8Array(31), new Uint8Array(20)]],
    ['malformed', [1, new Uint8Array(32), new Uint8Array(15)]],
    ['malformed', [1, new Uint8Array(32), new Uint8Array(20), null]],
    ['version-unknown', [2, 'anything']],
    ['too-large', [1, new Uint8Array(32), new Uint8Array(sealedBoxBytesMax)]],
  ])('as %s (%#)', (fault, fields) => {
    expect(openBox(bob, alice.did, context, encodeCbor(fields))).toBe(fault);
  });

  it.each([
    { purpose: '', network: 'coop' },
    { purpose: 'a b', network: 'coop' },
    { purpose: 'a', network: 'n'.repeat(65) },
    { purpose: 'a\0', network: 'n' },
  ])('nor is sealed for the context %j', (context) => {
    const invalid = expect.objectContaining({ code: 'box-invalid' });
    expect(() => sealBox(alice, bob.did, context, text)).toThrow(invalid);
    expect(() => openBox(bob, alice.did, context, box)).toThrow(invalid);
  });
});
