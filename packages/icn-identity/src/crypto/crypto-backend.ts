/** Signs a message with the key it was made for: 64 bytes, deterministic (RFC 8032 §5.1.6). */
export type Signer = (message: Uint8Array) => Uint8Array;

/**
 * The primitives that differ by platform. A backend computes and judges nothing: lengths, and which keys and
 * signatures are acceptable, are settled in `validity.ts` before it is asked. Returned arrays belong to the
 * caller.
 */
export interface CryptoBackend {
  /**
   * Makes the signer of a 32-byte seed, from the seed alone: a public key that does not match would leak it.
   */
  signer(seed: Uint8Array): Signer;
  /** Derives the 32-byte public key of a 32-byte seed. */
  publicKeyFromSeed(seed: Uint8Array): Uint8Array;
  /** Checks the equation without cofactor for a key and signature that passed `validity.ts`; does not throw. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  sha256(bytes: Uint8Array): Uint8Array;
  /** Fresh bytes from the system's generator. */
  randomBytes(count: number): Uint8Array;
}
