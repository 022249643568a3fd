import { didFromPublicKey, publicKeyFromDid, type Did } from './did.js';
import { IdentityError } from './identity-error.js';
import { formatMultikey, parseMultikey } from './multikey.js';
import { isPublicKey } from './validity.js';
import { x25519PublicKey } from './x25519.js';

/** A key in a DID document, as a Multikey of W3C Controlled Identifiers 1.0 §2.2.2. */
export interface VerificationMethod {
  readonly id: string;
  readonly type: 'Multikey';
  readonly controller: Did;
  /** `z6Mk…` or `z6LS…`. */
  readonly publicKeyMultibase: string;
}

/** What W3C DID Core 1.0 §4 calls a DID document, with the properties that ours have. */
export interface DidDocument {
  readonly '@context': readonly string[];
  readonly id: Did;
  /** The same key as a `did:key`, for those who know that method and not ours. */
  readonly alsoKnownAs: readonly string[];
  readonly verificationMethod: readonly VerificationMethod[];
  /** Ids of the Ed25519 key: it proves who somebody is, and signs what he says. */
  readonly authentication: readonly string[];
  readonly assertionMethod: readonly string[];
  /** The X25519 key, to which secrets are sealed. */
  readonly keyAgreement: readonly VerificationMethod[];
}

const contexts = ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'];

const didKeyPrefix = 'did:key:';

/**
 * The document of a DID, made of the DID alone: nothing is looked up, and there is one for each. It is data for
 * JSON; both contexts are named, so a reader of JSON-LD takes it too.
 *
 * @throws IdentityError `key-invalid` where the DID names no point of the curve, so nobody holds its key.
 */
export function didDocument(did: Did): DidDocument {
  const publicKey = publicKeyFromDid(did);
  const signing = verificationMethod(did, formatMultikey('ed25519', publicKey));
  return {
    '@context': contexts,
    id: did,
    alsoKnownAs: [didKeyFromDid(did)],
    verificationMethod: [signing],
    authentication: [signing.id],
    assertionMethod: [signing.id],
    keyAgreement: [verificationMethod(did, formatMultikey('x25519', x25519PublicKey(publicKey)))],
  };
}

/** The `did:key:z6Mk…` of the same key (the did:key method, v0.9, §3). */
export function didKeyFromDid(did: Did): string {
  return `${didKeyPrefix}${formatMultikey('ed25519', publicKeyFromDid(did))}`;
}

/**
 * The DID of the same key as a `did:key`, in its one spelling.
 *
 * @throws IdentityError `did-invalid` for anything that {@link didKeyFromDid} would not write: another type of key,
 *   another base, a fragment, a key that is not canonical or of small order.
 */
export function didFromDidKey(text: string): Did {
  const publicKey = text.startsWith(didKeyPrefix)
    ? parseMultikey('ed25519', text.slice(didKeyPrefix.length))
    : undefined;
  if (publicKey !== undefined && isPublicKey(publicKey)) return didFromPublicKey(publicKey);
  const quoted = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
  throw new IdentityError('did-invalid', `not a did:key of an Ed25519 key: ${quoted}`);
}

/** A key is named by itself, as in did:key, so that its name never means another. */
function verificationMethod(did: Did, publicKeyMultibase: string): VerificationMethod {
  return { id: `${did}#${publicKeyMultibase}`, type: 'Multikey', controller: did, publicKeyMultibase };
}
