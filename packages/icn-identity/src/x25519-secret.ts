import nacl from 'tweetnacl';

/**
 * The X25519 secret of an Ed25519 seed: the first half of its SHA-512, clamped, which is the scalar that signs (RFC 8032
 * §5.1.5). The array is the caller's to wipe. That one key may do both, is shown in Thormarker, "On using the same key
 * pair for Ed25519 and an X25519 based KEM" (2021).
 */
export function x25519Secret(seed: Uint8Array): Uint8Array {
  const hash = nacl.hash(seed);
  const secret = hash.slice(0, 32);
  hash.fill(0);
  secret[0]! &= 248;
  secret[31] = (secret[31]! & 127) | 64;
  return secret;
}
