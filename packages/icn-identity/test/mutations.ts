// Signatures that were right once. What is made follows from a seed alone, so that a browser and Node can be asked about
// the same ones.

import { concatBytes } from '../src/bytes.js';
import type { CryptoBackend } from '../src/crypto/crypto-backend.js';
import { groupOrder, integerOf, littleEndian } from './curve.js';
import { smallOrderKeys, type Signed } from './signature-cases.js';

type Mutation = (signed: Signed, draw: (below: number) => number, other: Signed) => Signed;

const half = (bytes: Uint8Array, index: 0 | 1) => bytes.subarray(32 * index, 32 * (index + 1));

const mutations: readonly Mutation[] = [
  (signed, draw) => ({ ...signed, publicKey: flipped(signed.publicKey, draw) }),
  (signed, draw) => ({ ...signed, message: flipped(signed.message, draw) }),
  (signed, draw) => ({ ...signed, signature: flipped(signed.signature, draw) }),
  // The top byte of S and of R decides whether they are in range; elsewhere a change is most often a wrong number.
  (signed, draw) => ({
    ...signed,
    signature: withByte(signed.signature, draw(2) === 0 ? 31 : 63, draw(256)),
  }),
  (signed, draw) => ({ ...signed, publicKey: withByte(signed.publicKey, 31, draw(256)) }),
  (signed, draw) => ({ ...signed, signature: signed.signature.subarray(0, draw(64)) }),
  (signed, draw) => ({ ...signed, signature: concatBytes(signed.signature, new Uint8Array(1 + draw(3))) }),
  (signed) => ({ ...signed, signature: plusOrder(signed.signature) }),
  (signed, draw) => ({ ...signed, publicKey: smallOrderKeys[draw(smallOrderKeys.length)] as Uint8Array }),
  (signed, draw) => ({
    ...signed,
    signature: concatBytes(
      smallOrderKeys[draw(smallOrderKeys.length)] as Uint8Array,
      half(signed.signature, 1),
    ),
  }),
  (signed, _, other) => ({
    ...signed,
    signature: concatBytes(half(other.signature, 0), half(signed.signature, 1)),
  }),
  (signed, _, other) => ({ ...signed, publicKey: other.publicKey }),
  (signed) => signed,
];

/** Makes `count` of them; one in thirteen is as it was signed. */
export function* mutated(signer: CryptoBackend, seed: number, count: number): Generator<Signed> {
  const draw = drawing(seed);
  let signed = signedBy(signer, draw);
  let other = signedBy(signer, draw);
  for (let i = 0; i < count; i += 1) {
    // Signing is dear in the portable backend, so one signature does for all its mutations.
    if (i > 0 && i % mutations.length === 0) [other, signed] = [signed, signedBy(signer, draw)];
    yield (mutations[i % mutations.length] as Mutation)(signed, draw, other);
  }
}

function signedBy(signer: CryptoBackend, draw: (below: number) => number): Signed {
  const seed = Uint8Array.from({ length: 32 }, () => draw(256));
  const message = Uint8Array.from({ length: 1 + draw(100) }, () => draw(256));
  return { publicKey: signer.publicKeyFromSeed(seed), message, signature: signer.signer(seed)(message) };
}

function flipped(bytes: Uint8Array, draw: (below: number) => number): Uint8Array {
  const at = draw(bytes.length);
  return withByte(bytes, at, (bytes[at] as number) ^ (1 << draw(8)));
}

function withByte(bytes: Uint8Array, at: number, value: number): Uint8Array {
  return Uint8Array.from(bytes, (byte, i) => (i === at ? value : byte));
}

function plusOrder(signature: Uint8Array): Uint8Array {
  return concatBytes(half(signature, 0), littleEndian(integerOf(half(signature, 1)) + groupOrder));
}

/** Whole numbers from 0 to less than a bound: mulberry32. */
function drawing(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
