import { backend } from '#crypto';

import { concatBytes } from './bytes.js';
import type { Signer } from './crypto/crypto-backend.js';
import type { KeyPair } from './key-pair.js';
import { isValidSignature } from './validity.js';

/**
 * What a signature was made for. A signature for one purpose is never valid for another, so nobody can be
 * made to sign one thing and be quoted with another.
 */
export type Purpose = keyof typeof purposePrefixes;

/** A purpose is ASCII without NUL, so that no purpose with its terminator is a prefix of another. */
export const purposePrefixes = {
  'icn/entry': asciiZ('icn/entry'),
  /** The root of a batch of messages, whatever their purpose, which stands in each leaf: `batch-signature.ts`. */
  'icn/batch': asciiZ('icn/batch'),
  /** That the peer at the other end of a link without TLS holds its key: @icn/net, docs/writing-an-adapter.md. */
  'icn/peer-proof': asciiZ('icn/peer-proof'),
  'icn/invitation': asciiZ('icn/invitation'),
  'icn/trust': asciiZ('icn/trust'),
  'icn/rotation': asciiZ('icn/rotation'),
  /** That a new key agrees to succeed an old one: rotation/rotation.ts. */
  'icn/rotation-accepted': asciiZ('icn/rotation-accepted'),
  'icn/peer-record': asciiZ('icn/peer-record'),
};

/** The purposes of envelopes (envelope/envelope.ts). A closed set: a new one is a new row of docs/protocol/envelope.md. */
export const envelopePurposes = [
  'icn/invitation',
  'icn/trust',
  'icn/rotation',
  'icn/peer-record',
] as const satisfies readonly Purpose[];

export type EnvelopePurpose = (typeof envelopePurposes)[number];

/** Signers by their key pair, so that a secret lives no longer than its owner. */
const signers = new WeakMap<KeyPair, Signer>();

/**
 * Signs a message for a purpose, deterministically, into 64 new bytes.
 *
 * Protocol rule: the bytes that Ed25519 (RFC 8032 §5.1, without prehash or context) signs are
 * `ascii(purpose) ‖ 0x00 ‖ message`.
 */
export function sign(keyPair: KeyPair, purpose: Purpose, message: Uint8Array): Uint8Array {
  let signer = signers.get(keyPair);
  if (signer === undefined) {
    signer = backend.signer(keyPair.seed);
    signers.set(keyPair, signer);
  }
  return signer(concatBytes(purposePrefixes[purpose], message));
}

/**
 * Says whether a signature over a purpose and a message is valid for a public key, by the one rule of
 * `validity.ts`. Any bytes may be given, of any length: what is not valid is `false`, never an exception.
 */
export function verify(
  publicKey: Uint8Array,
  purpose: Purpose,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  return isValidSignature(backend, publicKey, concatBytes(purposePrefixes[purpose], message), signature);
}

function asciiZ(text: string): Uint8Array {
  return Uint8Array.from(`${text}\0`, (character) => character.charCodeAt(0));
}
