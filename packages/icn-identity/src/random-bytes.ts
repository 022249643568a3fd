import { backend } from '#crypto';

/** Draws fresh bytes from the system's cryptographic generator. */
export function randomBytes(count: number): Uint8Array {
  return backend.randomBytes(count);
}
