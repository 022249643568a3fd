import { base58 } from '@scure/base';

import { concatBytes, equalBytes } from './bytes.js';

/**
 * The keys that a multikey of ours names, by their code in the multicodec table, as a varint: `ed25519-pub` is 0xed
 * and `x25519-pub` 0xec. Source: W3C Controlled Identifiers 1.0 §2.2.2 (Multikey) and §2.4 (Multibase).
 */
const codes = {
  ed25519: Uint8Array.of(0xed, 0x01),
  x25519: Uint8Array.of(0xec, 0x01),
};

export type MultikeyType = keyof typeof codes;

/** 34 bytes of which the first is not zero have 46 or 47 digits in base 58. */
const digits = { min: 46, max: 47 };

/** Writes a 32-byte public key as multibase text: `z6Mk…` for Ed25519, `z6LS…` for X25519. */
export function formatMultikey(type: MultikeyType, publicKey: Uint8Array): string {
  return `z${base58.encode(concatBytes(codes[type], publicKey))}`;
}

/**
 * Reads the 32 bytes of what {@link formatMultikey} writes for that type, and of nothing else. The length is looked at
 * first, since decoding takes time quadratic in it.
 */
export function parseMultikey(type: MultikeyType, text: string): Uint8Array | undefined {
  if (!/^z[1-9A-HJ-NP-Za-km-z]+$/.test(text)) return undefined;
  if (text.length - 1 < digits.min || text.length - 1 > digits.max) return undefined;
  const bytes = base58.decode(text.slice(1));
  return bytes.length === 34 && equalBytes(bytes.subarray(0, 2), codes[type]) ? bytes.slice(2) : undefined;
}
