// What one node says to others beyond a proven connection: carried by hand, relayed, stored. So the signature
// covers all that a reader relies on, under a purpose of its own, and one envelope means one thing: said by this
// sender, to this recipient, in this network, for this purpose. docs/protocol/envelope.md has the bytes.

import { decodeCbor, encodeCbor } from '../cbor.js';
import { isDid, publicKeyFromDid, type Did } from '../did.js';
import { IdentityError } from '../identity-error.js';
import type { KeyPair } from '../key-pair.js';
import { envelopePurposes, sign, verify, type EnvelopePurpose } from '../signature.js';
import { signatureBytes } from '../validity.js';
import {
  decodeBody,
  encodeBody,
  envelopePayloadBytesMax,
  isLabel,
  isSequence,
  type EnvelopeBody,
} from './envelope-body.js';
import { signedEnvelope, type SignedEnvelope } from './signed-envelope.js';

/** What the caller of {@link createEnvelope} chooses; the sender is whose key pair it is. */
export type EnvelopeContent = Omit<EnvelopeBody, 'sender'>;

/** What a reader asks of an envelope; each is compared exactly. */
export interface EnvelopeExpectation {
  readonly purpose: EnvelopePurpose;
  readonly network: string;
  /** The reader's own DID for what is said to it, null for what is said to everybody: never both at once. */
  readonly recipient: Did | null;
}

/**
 * Why bytes are not an envelope that this reader may act on, in the order of the checks:
 *
 * - `too-large`: the bytes or the payload are above their limits.
 * - `malformed`: another shape than docs/protocol/envelope.md, or another encoding of it.
 * - `version-unknown`: made by a later version.
 * - `purpose-wrong`, `network-wrong`, `recipient-wrong`: made for something else.
 * - `signature-wrong`: not signed by its sender, or changed since.
 */
export type EnvelopeFault =
  | 'too-large'
  | 'malformed'
  | 'version-unknown'
  | 'purpose-wrong'
  | 'network-wrong'
  | 'recipient-wrong'
  | 'signature-wrong';

/** The payload's limit, 320 bytes for all known fields beside it, and room for later ones. */
export const envelopeBytesMax = envelopePayloadBytesMax + 1_024;

/**
 * Makes and signs an envelope. The payload is copied.
 *
 * @throws IdentityError `envelope-invalid` for fields that no reader would take.
 */
export function createEnvelope(keyPair: KeyPair, content: EnvelopeContent): SignedEnvelope {
  assertEnvelopeContent(content);
  const { purpose, network, recipient, sequence, timestampMs } = content;
  const payload = Uint8Array.from(content.payload);
  const fields = { purpose, network, sender: keyPair.did, recipient, sequence, timestampMs, payload };
  const body = encodeBody(fields);
  const bytes = encodeCbor([body, sign(keyPair, purpose, body)]);
  return signedEnvelope({ ...fields, bytes });
}

/**
 * Reads an envelope that anybody may have made, and says why if it is not one for this reader. Never throws,
 * whatever the bytes; what is cheap is checked first, the signature last. The result shares no memory with `bytes`.
 *
 * It says nothing of repetition: whoever acts on an envelope more than once asks a {@link ReplayGuard}, after this.
 */
export function openEnvelope(
  bytes: Uint8Array,
  expected: EnvelopeExpectation,
): SignedEnvelope | EnvelopeFault {
  if (bytes.length > envelopeBytesMax) return 'too-large';
  const parts = decodeParts(bytes);
  if (parts === undefined) return 'malformed';
  const body = decodeBody(parts.body);
  if (typeof body === 'string') return body;
  if (body.purpose !== expected.purpose) return 'purpose-wrong';
  if (body.network !== expected.network) return 'network-wrong';
  if (body.recipient !== expected.recipient) return 'recipient-wrong';
  if (!verify(publicKeyFromDid(body.sender), body.purpose, parts.body, parts.signature))
    return 'signature-wrong';
  return signedEnvelope({ ...body, bytes: Uint8Array.from(bytes) });
}

/** Exactly two byte strings: what may grow stands inside the body, where it is signed. */
function decodeParts(bytes: Uint8Array): { body: Uint8Array; signature: Uint8Array } | undefined {
  const parts = decodeCbor(bytes);
  if (!Array.isArray(parts) || parts.length !== 2) return undefined;
  const [body, signature] = parts as readonly unknown[];
  if (!(body instanceof Uint8Array) || !(signature instanceof Uint8Array)) return undefined;
  return signature.length === signatureBytes ? { body, signature } : undefined;
}

/** @throws IdentityError `envelope-invalid` for what {@link createEnvelope} refuses, before anything is signed. */
export function assertEnvelopeContent({
  purpose,
  network,
  recipient,
  sequence,
  timestampMs,
  payload,
}: EnvelopeContent): void {
  if (!(envelopePurposes as readonly string[]).includes(purpose))
    throw invalid('its purpose is none of an envelope');
  if (!isLabel(network)) throw invalid('its network is not 1 to 64 visible ASCII characters');
  if (recipient !== null && !isDid(recipient)) throw invalid('its recipient is no DID');
  if (!isSequence(sequence)) throw invalid(`its sequence is not a whole number from 1 to 2^53 − 1`);
  if (!Number.isSafeInteger(timestampMs) || timestampMs < 0)
    throw invalid('its time is not in whole milliseconds since 1970');
  if (payload.length > envelopePayloadBytesMax)
    throw invalid(
      `its payload has ${payload.length} bytes, more than the ${envelopePayloadBytesMax} of the protocol`,
    );
}

function invalid(why: string): IdentityError {
  return new IdentityError('envelope-invalid', `not an envelope that others would take: ${why}`);
}
