// A message that one DID seals for another: authenticated encryption to the X25519 key that follows from the DID.
//
// It is the shape of RFC 9180's Auth mode with the primitives of NaCl: two shared secrets, of an ephemeral key and of
// the sender's own key with the recipient's, are hashed with all that the box is bound to into the key and nonce of one
// XSalsa20-Poly1305 secretbox. docs/protocol/sealed-box.md has the bytes, what is promised and what is not;
// docs/decisions/0023-sealed-boxes.md why no signature is inside.

import nacl from 'tweetnacl';

import { concatBytes } from './bytes.js';
import { decodeCbor, encodeCbor } from './cbor.js';
import { publicKeyFromDid, type Did } from './did.js';
import { isLabel } from './envelope/envelope-body.js';
import { IdentityError } from './identity-error.js';
import type { KeyPair } from './key-pair.js';
import { randomBytes } from './random-bytes.js';
import { x25519PublicKey } from './x25519.js';
import { x25519Secret } from './x25519-secret.js';

/** What a box is made for; it opens for nothing else. Both are 1 to 64 visible ASCII characters. */
export interface BoxContext {
  /** Tells uses apart; those that begin with `icn/` are the protocol's. */
  readonly purpose: string;
  readonly network: string;
}

/**
 * Why bytes do not open, in the order of the checks:
 *
 * - `too-large`: more than {@link sealedBoxBytesMax}.
 * - `malformed`: not the shape of a box.
 * - `version-unknown`: made by a later version.
 * - `key-wrong`: its ephemeral key is of small order, so that its secret is zero for everybody, or the sender's is no
 *   point of the curve, so that nobody holds it.
 * - `box-wrong`: sealed by or for another, for another purpose or network, or changed since. Which, nobody can tell.
 */
export type BoxFault = 'too-large' | 'malformed' | 'version-unknown' | 'key-wrong' | 'box-wrong';

const version = 1;

/** As much as the payload of an entry, in which boxes travel. */
export const sealedBoxBytesMax = 65_536;

const keyBytes = 32;
const nonceBytes = 24;
const tagBytes = 16;

/** Three heads of CBOR and the version, at most. */
const framingBytesMax = 9;

export const sealedTextBytesMax = sealedBoxBytesMax - keyBytes - tagBytes - framingBytesMax;

const derivationTag = asciiZ('icn/sealed-box');

/**
 * Seals `text` so that only the recipient reads it, and knows that it is the sender's. The ephemeral secret lives as
 * long as the call, and is overwritten at its end, also where that is an error.
 *
 * @throws IdentityError `box-invalid` for a text above {@link sealedTextBytesMax} or a context that is no label;
 *   `did-invalid`; `key-invalid` for a recipient whose key is no point of the curve.
 */
export function sealBox(sender: KeyPair, recipient: Did, context: BoxContext, text: Uint8Array): Uint8Array {
  const ephemeralSecret = randomBytes(keyBytes);
  try {
    return sealBoxWith(ephemeralSecret, sender, recipient, context, text);
  } finally {
    wipe(ephemeralSecret);
  }
}

/** {@link sealBox} with a given ephemeral secret, for vectors: two boxes with one would lay open both texts. */
export function sealBoxWith(
  ephemeralSecret: Uint8Array,
  sender: KeyPair,
  recipient: Did,
  context: BoxContext,
  text: Uint8Array,
): Uint8Array {
  assertContext(context);
  if (text.length > sealedTextBytesMax)
    throw invalid(`the text has ${text.length} bytes, more than ${sealedTextBytesMax}`);
  const recipientKey = publicKeyFromDid(recipient);
  const theirs = x25519PublicKey(recipientKey);
  const ephemeral = nacl.box.keyPair.fromSecretKey(ephemeralSecret);
  const ownSecret = x25519Secret(sender.seed);
  const secrets = sharedSecrets([ephemeral.secretKey, theirs], [ownSecret, theirs]);
  wipe(ephemeral.secretKey, ownSecret);
  if (secrets === undefined) throw invalid('its ephemeral secret makes no key'); // a DID is not of small order
  const bound = {
    ephemeral: ephemeral.publicKey,
    sender: sender.publicKey,
    recipient: recipientKey,
    context,
  };
  return withKey(secrets, bound, (key, nonce) =>
    encodeCbor([version, ephemeral.publicKey, nacl.secretbox(text, nonce, key)]),
  );
}

/**
 * Opens what {@link sealBox} made for this recipient, by this sender, in this context; else says why not. Never throws
 * on what the bytes are.
 *
 * @throws IdentityError `box-invalid` for a context that is no label; `did-invalid`.
 */
export function openBox(
  recipient: KeyPair,
  sender: Did,
  context: BoxContext,
  bytes: Uint8Array,
): { readonly text: Uint8Array } | BoxFault {
  assertContext(context);
  const senderKey = publicKeyFromDid(sender);
  if (bytes.length > sealedBoxBytesMax) return 'too-large';
  const parts = decodeParts(bytes);
  if (typeof parts === 'string') return parts;
  const { ephemeral, sealed } = parts;
  const theirs = agreementKey(senderKey);
  if (theirs === undefined) return 'key-wrong';
  const ownSecret = x25519Secret(recipient.seed);
  const secrets = sharedSecrets([ownSecret, ephemeral], [ownSecret, theirs]);
  wipe(ownSecret);
  if (secrets === undefined) return 'key-wrong';
  const bound = { ephemeral, sender: senderKey, recipient: recipient.publicKey, context };
  const text = withKey(secrets, bound, (key, nonce) => nacl.secretbox.open(sealed, nonce, key));
  return text === null ? 'box-wrong' : { text };
}

function decodeParts(bytes: Uint8Array): { ephemeral: Uint8Array; sealed: Uint8Array } | BoxFault {
  const fields = decodeCbor(bytes);
  if (!Array.isArray(fields)) return 'malformed';
  const [first, ephemeral, sealed] = fields as readonly unknown[];
  if (typeof first === 'number' && first !== version) return 'version-unknown';
  if (
    first !== version ||
    fields.length !== 3 ||
    !(ephemeral instanceof Uint8Array && ephemeral.length === keyBytes) ||
    !(sealed instanceof Uint8Array && sealed.length >= tagBytes)
  )
    return 'malformed';
  return { ephemeral, sealed };
}

/** A sender is a stranger, whose key may be no point of the curve. */
function agreementKey(publicKey: Uint8Array): Uint8Array | undefined {
  try {
    return x25519PublicKey(publicKey);
  } catch {
    return undefined;
  }
}

type Agreement = readonly [secret: Uint8Array, publicKey: Uint8Array];

/** Both secrets, joined; undefined where one is zero (RFC 7748 §6.1), and with that no secret. */
function sharedSecrets(...agreements: readonly Agreement[]): Uint8Array | undefined {
  const secrets = agreements.map(([secret, publicKey]) => nacl.scalarMult(secret, publicKey));
  const isZero = secrets.some((secret) => secret.reduce((bits, byte) => bits | byte, 0) === 0);
  const joined = concatBytes(...secrets);
  wipe(...secrets);
  return isZero ? undefined : joined;
}

interface Bound {
  readonly ephemeral: Uint8Array;
  readonly sender: Uint8Array;
  readonly recipient: Uint8Array;
  readonly context: BoxContext;
}

/**
 * SHA-512 over parts that each have one length or end with a zero byte, so that no two boxes are bound to the same
 * bytes: 32 bytes are the key, 24 the nonce. Key and nonce are wiped when `use` returns.
 */
function withKey<Result>(
  secrets: Uint8Array,
  { ephemeral, sender, recipient, context }: Bound,
  use: (key: Uint8Array, nonce: Uint8Array) => Result,
): Result {
  const input = concatBytes(
    derivationTag,
    asciiZ(context.purpose),
    asciiZ(context.network),
    ephemeral,
    sender,
    recipient,
    secrets,
  );
  const derived = nacl.hash(input);
  try {
    return use(derived.subarray(0, keyBytes), derived.subarray(keyBytes, keyBytes + nonceBytes));
  } finally {
    wipe(derived, input, secrets);
  }
}

/** As far as the language lets us: tweetnacl's own copies stay until they are collected. */
function wipe(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0);
}

function assertContext({ purpose, network }: BoxContext): void {
  if (!isLabel(purpose) || !isLabel(network))
    throw invalid('purpose and network are 1 to 64 visible ASCII characters');
}

function invalid(why: string): IdentityError {
  return new IdentityError('box-invalid', `cannot seal or open this box: ${why}`);
}

function asciiZ(text: string): Uint8Array {
  return Uint8Array.from(`${text}\0`, (character) => character.charCodeAt(0));
}
