import { decodeCbor, encodeCbor, type Cbor } from '../cbor.js';
import { didFromPublicKey, publicKeyFromDid, type Did } from '../did.js';
import { envelopePurposes, type EnvelopePurpose } from '../signature.js';
import { isPublicKey } from '../validity.js';

/** What a sender says and signs: everything of an envelope but the signature. */
export interface EnvelopeBody {
  readonly purpose: EnvelopePurpose;
  /** The network it is said in, 1 to 64 characters of 0x21 … 0x7e. */
  readonly network: string;
  readonly sender: Did;
  /** Whom it is said to; null: everybody. */
  readonly recipient: Did | null;
  /** 1 … 2^53 − 1; a sender counts up and gives each number once, whatever the purpose. It may skip some. */
  readonly sequence: number;
  /** The sender's clock, milliseconds since 1970: a claim. */
  readonly timestampMs: number;
  readonly payload: Uint8Array;
}

/** Why the bytes of a body are refused by everybody alike. */
export type BodyFault = 'malformed' | 'version-unknown' | 'too-large' | 'purpose-wrong';

const version = 1;

/**
 * Ten times what the largest payload of today needs, an invitation with a dozen addresses: a guess. It belongs
 * to the version, so that no envelope is too large for one reader and not for another.
 */
export const envelopePayloadBytesMax = 4_096;

/** The only encoding of a body. Field order is the protocol's: docs/protocol/envelope.md. */
export function encodeBody(body: EnvelopeBody): Uint8Array {
  const fields: Cbor[] = [
    version,
    body.purpose,
    body.network,
    publicKeyFromDid(body.sender),
    body.recipient === null ? null : publicKeyFromDid(body.recipient),
    body.sequence,
    body.timestampMs,
    body.payload,
  ];
  return encodeCbor(fields);
}

/** Reads a body that anybody may have written. Never throws; fields after the last known one are allowed. */
export function decodeBody(bytes: Uint8Array): EnvelopeBody | BodyFault {
  const fields = decodeCbor(bytes);
  if (!Array.isArray(fields)) return 'malformed';
  const [first, purpose, network, sender, recipient, sequence, timestampMs, payload] =
    fields as readonly unknown[];
  if (typeof first === 'number' && first !== version) return 'version-unknown';
  if (
    first !== version ||
    !isLabel(purpose) ||
    !isLabel(network) ||
    !isKey(sender) ||
    !(recipient === null || isKey(recipient)) ||
    !isSequence(sequence) ||
    typeof timestampMs !== 'number' ||
    !(payload instanceof Uint8Array)
  )
    return 'malformed';
  if (payload.length > envelopePayloadBytesMax) return 'too-large';
  if (!isEnvelopePurpose(purpose)) return 'purpose-wrong';
  return {
    purpose,
    network,
    sender: didFromPublicKey(sender),
    recipient: recipient === null ? null : didFromPublicKey(recipient),
    sequence,
    timestampMs,
    payload,
  };
}

/** `label` of docs/protocol: text of 1 to 64 visible ASCII characters. */
export function isLabel(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{1,64}$/.test(value);
}

export function isSequence(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function isKey(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && isPublicKey(value);
}

function isEnvelopePurpose(label: string): label is EnvelopePurpose {
  return (envelopePurposes as readonly string[]).includes(label);
}
