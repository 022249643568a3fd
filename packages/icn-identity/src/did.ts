import { base58 } from '@scure/base';

import { IdentityError } from './identity-error.js';
import { isPublicKey } from './validity.js';

declare const didBrand: unique symbol;

/**
 * Who somebody is: `did:icn:z` and the base58btc of a raw 32-byte Ed25519 public key. A key has exactly one
 * spelling (invariant I3), so two DIDs name the same key if and only if they are `===`.
 */
export type Did = string & { readonly [didBrand]: true };

const didPrefix = 'did:icn:z';

/**
 * 32 bytes in base58: a character a byte when all are zero, at most ⌈32 · log 256 / log 58⌉. Checked first,
 * since decoding takes time quadratic in the length.
 */
const base58Length = { min: 32, max: 44 };

/**
 * Reads a DID in its one spelling.
 *
 * A key that is no point of the curve is not told apart here: nobody can sign for it, so it is only a name
 * without an owner.
 *
 * @throws IdentityError `did-invalid` for anything else, and for a key that {@link isPublicKey} refuses.
 */
export function parseDid(text: string): Did {
  if (isDid(text)) return text;
  throw invalid(text);
}

/** Says whether {@link parseDid} accepts a text. */
export function isDid(text: string): text is Did {
  return decode(text) !== undefined;
}

/**
 * Names a public key.
 *
 * @throws IdentityError `key-invalid` when {@link isPublicKey} refuses the bytes.
 */
export function didFromPublicKey(publicKey: Uint8Array): Did {
  if (!isPublicKey(publicKey)) {
    throw new IdentityError(
      'key-invalid',
      'not an Ed25519 public key: 32 bytes, canonical, not of small order',
    );
  }
  return `${didPrefix}${base58.encode(publicKey)}` as Did;
}

/** Gives the 32-byte public key that a DID names, in a new array. */
export function publicKeyFromDid(did: Did): Uint8Array {
  const publicKey = decode(did);
  if (publicKey === undefined) throw invalid(did);
  return publicKey;
}

function decode(text: string): Uint8Array | undefined {
  if (!text.startsWith(didPrefix)) return undefined;
  const encoded = text.slice(didPrefix.length);
  if (encoded.length < base58Length.min || encoded.length > base58Length.max) return undefined;
  let publicKey: Uint8Array;
  try {
    publicKey = base58.decode(encoded);
  } catch {
    return undefined;
  }
  return isPublicKey(publicKey) && base58.encode(publicKey) === encoded ? publicKey : undefined;
}

/** The text is a stranger's: it is cut and quoted, to be fit for a message. */
function invalid(text: string): IdentityError {
  const quoted = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
  return new IdentityError('did-invalid', `not a DID of the form ${didPrefix}…: ${quoted}`);
}
