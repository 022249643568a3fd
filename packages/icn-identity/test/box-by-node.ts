// Opens a sealed box as docs/protocol/sealed-box.md says, by other code: node:crypto for X25519 and SHA-512, Salsa20
// and Poly1305 on plain integers from their definitions (Bernstein, "The Salsa20 family of stream ciphers", "Extending
// the Salsa20 nonce", "The Poly1305-AES message-authentication code").

import { createHash, createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';

import { decodeCbor } from '../src/cbor.js';
import { concatBytes } from '../src/bytes.js';
import { fieldPrime, integerOf, pointWithY } from './curve.js';

interface Context {
  readonly purpose: string;
  readonly network: string;
}

export function openByNode(
  recipientSeed: Uint8Array,
  senderKey: Uint8Array,
  recipientKey: Uint8Array,
  { purpose, network }: Context,
  box: Uint8Array,
): Uint8Array | undefined {
  const [, ephemeral, sealed] = decodeCbor(box) as unknown as [number, Uint8Array, Uint8Array];
  const own = x25519PrivateKey(createHash('sha512').update(recipientSeed).digest().subarray(0, 32));
  const hash = createHash('sha512')
    .update(`icn/sealed-box\0${purpose}\0${network}\0`)
    .update(concatBytes(ephemeral, senderKey, recipientKey))
    .update(agree(own, ephemeral))
    .update(agree(own, montgomeryOf(senderKey)))
    .digest();
  return openSecretbox(sealed, hash.subarray(32, 56), hash.subarray(0, 32));
}

/** u = (1 + y) / (1 − y), through the point. */
export function montgomeryOf(publicKey: Uint8Array): Uint8Array {
  const { y } = pointWithY(integerOf(publicKey) & (2n ** 255n - 1n))!;
  let inverse = 1n;
  for (let i = 254n; i >= 0n; i -= 1n) {
    inverse = (inverse * inverse) % fieldPrime;
    if (((fieldPrime - 2n) >> i) & 1n) inverse = (inverse * (1n - y + fieldPrime)) % fieldPrime;
  }
  const u = ((1n + y) * inverse) % fieldPrime;
  return Uint8Array.from({ length: 32 }, (_, i) => Number((u >> BigInt(8 * i)) & 0xffn));
}

function agree(own: ReturnType<typeof createPrivateKey>, publicKey: Uint8Array): Uint8Array {
  const x = Buffer.from(publicKey).toString('base64url');
  return diffieHellman({
    privateKey: own,
    publicKey: createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' }),
  });
}

function x25519PrivateKey(secret: Uint8Array): ReturnType<typeof createPrivateKey> {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), secret]);
  return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
}

/** XSalsa20-Poly1305: the first 32 bytes of the stream are the key of the tag, the text begins behind them. */
function openSecretbox(sealed: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array | undefined {
  const subkey = hsalsa20(key, nonce.subarray(0, 16));
  const [tag, cipher] = [sealed.subarray(0, 16), sealed.subarray(16)];
  const blocks = Array.from({ length: Math.ceil((32 + cipher.length) / 64) }, (_, i) =>
    salsa20(subkey, nonce.subarray(16, 24), i),
  );
  const stream = concatBytes(...blocks);
  if (!Buffer.from(poly1305(stream.subarray(0, 32), cipher)).equals(tag)) return undefined;
  return cipher.map((byte, i) => byte ^ stream[32 + i]!);
}

const sigma = wordsOf(new TextEncoder().encode('expand 32-byte k'));

function stateOf(key: Uint8Array, input: Uint8Array): Uint32Array {
  const [k, n] = [wordsOf(key), wordsOf(input)];
  return Uint32Array.from([
    ...[sigma[0]!, ...k.slice(0, 4)],
    ...[sigma[1]!, ...n],
    ...[sigma[2]!, ...k.slice(4)],
    sigma[3]!,
  ]);
}

function salsa20(key: Uint8Array, nonce: Uint8Array, block: number): Uint8Array {
  const counter = Uint8Array.from({ length: 8 }, (_, i) => (i < 4 ? (block >>> (8 * i)) & 0xff : 0));
  const state = stateOf(key, concatBytes(nonce, counter));
  const mixed = rounds(state);
  return bytesOf(mixed.map((word, i) => word + state[i]!));
}

function hsalsa20(key: Uint8Array, input: Uint8Array): Uint8Array {
  const mixed = rounds(stateOf(key, input));
  return bytesOf(Uint32Array.from([0, 5, 10, 15, 6, 7, 8, 9].map((i) => mixed[i]!)));
}

const columns = [
  [0, 4, 8, 12],
  [5, 9, 13, 1],
  [10, 14, 2, 6],
  [15, 3, 7, 11],
] as const;
const rows = [
  [0, 1, 2, 3],
  [5, 6, 7, 4],
  [10, 11, 8, 9],
  [15, 12, 13, 14],
] as const;

function rounds(state: Uint32Array): Uint32Array {
  const x = Uint32Array.from(state);
  for (let round = 0; round < 20; round += 1)
    for (const [a, b, c, d] of round % 2 === 0 ? columns : rows) {
      x[b]! ^= rotated(x[a]! + x[d]!, 7);
      x[c]! ^= rotated(x[b]! + x[a]!, 9);
      x[d]! ^= rotated(x[c]! + x[b]!, 13);
      x[a]! ^= rotated(x[d]! + x[c]!, 18);
    }
  return x;
}

function rotated(sum: number, bits: number): number {
  const word = sum >>> 0;
  return (word << bits) | (word >>> (32 - bits));
}

function poly1305(key: Uint8Array, message: Uint8Array): Uint8Array {
  const prime = 2n ** 130n - 5n;
  const r = integerOf(key.subarray(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  let sum = 0n;
  for (let at = 0; at < message.length; at += 16) {
    const part = message.subarray(at, at + 16);
    sum = ((sum + integerOf(part) + (1n << BigInt(8 * part.length))) * r) % prime;
  }
  const tag = sum + integerOf(key.subarray(16, 32));
  return Uint8Array.from({ length: 16 }, (_, i) => Number((tag >> BigInt(8 * i)) & 0xffn));
}

function wordsOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i, true));
}

function bytesOf(words: Uint32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * words.length));
  words.forEach((word, i) => {
    view.setUint32(4 * i, word, true);
  });
  return new Uint8Array(view.buffer);
}
