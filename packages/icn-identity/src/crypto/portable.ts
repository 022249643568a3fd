import { sha256 } from '@noble/hashes/sha2.js';
import nacl from 'tweetnacl';

import type { CryptoBackend } from './crypto-backend.js';

/** What every browser and Node offer as a global; this package compiles without the types of either. */
declare const crypto: { getRandomValues(bytes: Uint8Array): Uint8Array };

/** The most that `getRandomValues` fills at once (Web Cryptography API, §10.1.1). */
const randomBytesMax = 65_536;

/** The backend that runs everywhere: tweetnacl and @noble/hashes, a hundredth of the speed of node:crypto. */
export const backend: CryptoBackend = {
  signer(seed) {
    const { secretKey } = nacl.sign.keyPair.fromSeed(seed);
    return (message) => nacl.sign.detached(message, secretKey);
  },
  publicKeyFromSeed: (seed) => nacl.sign.keyPair.fromSeed(seed).publicKey,
  verify: (publicKey, message, signature) => nacl.sign.detached.verify(message, signature, publicKey),
  sha256,
  randomBytes(count) {
    const bytes = new Uint8Array(count);
    for (let i = 0; i < count; i += randomBytesMax)
      crypto.getRandomValues(bytes.subarray(i, i + randomBytesMax));
    return bytes;
  },
};
