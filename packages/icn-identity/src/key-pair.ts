import { backend } from '#crypto';

import { didFromPublicKey, type Did } from './did.js';
import { IdentityError } from './identity-error.js';
import { randomBytes } from './random-bytes.js';
import { seedBytes } from './validity.js';

/**
 * Somebody who can sign. The secret is `seed`; it is not enumerable, so that logging, serialising or
 * spreading a pair leaves it behind.
 */
export interface KeyPair {
  readonly did: Did;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The 32 bytes of RFC 8032 §5.1.5 from which everything else is derived. */
  readonly seed: Uint8Array;
}

/** Makes a key pair that nobody else has. */
export function generateKeyPair(): KeyPair {
  return keyPairFromSeed(randomBytes(seedBytes));
}

/**
 * Makes the key pair of a seed, which is copied.
 *
 * @throws IdentityError `key-invalid` unless the seed is 32 bytes.
 */
export function keyPairFromSeed(seed: Uint8Array): KeyPair {
  if (seed.length !== seedBytes) {
    throw new IdentityError('key-invalid', `a seed is ${seedBytes} bytes, got ${seed.length}`);
  }
  const publicKey = backend.publicKeyFromSeed(seed);
  const visible = { did: didFromPublicKey(publicKey), publicKey };
  return Object.freeze(Object.defineProperty(visible, 'seed', { value: Uint8Array.from(seed) }) as KeyPair);
}
