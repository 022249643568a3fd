import { backend } from '#crypto';

import { concatBytes } from './bytes.js';

/** Hashes the concatenation of the parts with SHA-256 (FIPS 180-4) into 32 new bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  return backend.sha256(first !== undefined && parts.length === 1 ? first : concatBytes(...parts));
}
