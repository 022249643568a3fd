// One identity goes on under another key. The old key says so in an envelope to everybody, and the new key says in it
// that it agrees: without the second nobody could be kept from claiming another's DID as his own later name.

import { decodeCbor, encodeCbor } from '../cbor.js';
import { didFromPublicKey, publicKeyFromDid, type Did } from '../did.js';
import {
  assertEnvelopeContent,
  createEnvelope,
  openEnvelope,
  type EnvelopeFault,
} from '../envelope/envelope.js';
import type { SignedEnvelope } from '../envelope/signed-envelope.js';
import { IdentityError } from '../identity-error.js';
import type { KeyPair } from '../key-pair.js';
import { sign, verify } from '../signature.js';
import { isPublicKey, signatureBytes } from '../validity.js';

declare const rotationBrand: unique symbol;

/**
 * That `predecessor` goes on as `successor`, signed by both: {@link createRotation} and {@link openRotation} are its only
 * makers. A literal of the same shape is of another type, and a {@link RotationSet} refuses it.
 */
export interface Rotation {
  readonly [rotationBrand]: true;
  readonly network: string;
  readonly predecessor: Did;
  readonly successor: Did;
  readonly sequence: number;
  /** A claim of whoever holds the old key. Nothing is decided by it. */
  readonly timestampMs: number;
  /** Exactly what travels. */
  readonly bytes: Uint8Array;
}

/**
 * Why bytes are no rotation: those of an envelope to everybody, then
 *
 * - `payload-malformed`: the payload names no successor.
 * - `successor-same`: a DID was to succeed itself.
 * - `acceptance-wrong`: the new key did not sign.
 */
export type RotationFault = EnvelopeFault | 'payload-malformed' | 'successor-same' | 'acceptance-wrong';

const purpose = 'icn/rotation';

/**
 * Lets `predecessor` go on as `successor`: sign once, keep the bytes, never sign another. Two rotations of one DID make
 * it nobody's ({@link RotationSet}).
 *
 * @throws IdentityError `envelope-invalid` for fields that no reader would take, also when both keys are one. Neither key
 *   has signed anything then.
 */
export function createRotation(
  predecessor: KeyPair,
  successor: KeyPair,
  { network, sequence, timestampMs }: Pick<Rotation, 'network' | 'sequence' | 'timestampMs'>,
): Rotation {
  if (predecessor.did === successor.did)
    throw new IdentityError('envelope-invalid', 'not a rotation: the new key is the old one');
  const content = { purpose, network, recipient: null, sequence, timestampMs } as const;
  assertEnvelopeContent({ ...content, payload: new Uint8Array() });
  const accepted = acceptedBytes(network, predecessor.publicKey, successor.publicKey);
  const payload = encodeCbor([successor.publicKey, sign(successor, 'icn/rotation-accepted', accepted)]);
  return rotationOf(createEnvelope(predecessor, { ...content, payload }), successor.did);
}

/** Reads a rotation that anybody may have made, and checks both signatures. Never throws, whatever the bytes. */
export function openRotation(bytes: Uint8Array, network: string): Rotation | RotationFault {
  const envelope = openEnvelope(bytes, { purpose, network, recipient: null });
  if (typeof envelope === 'string') return envelope;
  const fields = decodeCbor(envelope.payload);
  if (!Array.isArray(fields)) return 'payload-malformed';
  const [successor, acceptance] = fields as readonly unknown[];
  if (
    !(successor instanceof Uint8Array && isPublicKey(successor)) ||
    !(acceptance instanceof Uint8Array && acceptance.length === signatureBytes)
  )
    return 'payload-malformed';
  const did = didFromPublicKey(successor);
  if (did === envelope.sender) return 'successor-same';
  const accepted = acceptedBytes(network, publicKeyFromDid(envelope.sender), successor);
  if (!verify(successor, 'icn/rotation-accepted', accepted, acceptance)) return 'acceptance-wrong';
  return rotationOf(envelope, did);
}

/** What the new key signs: this DID, and no other, may name it as its successor, in this network. */
function acceptedBytes(network: string, predecessor: Uint8Array, successor: Uint8Array): Uint8Array {
  return encodeCbor([network, predecessor, successor]);
}

const made = new WeakSet<object>();

function rotationOf(envelope: SignedEnvelope, successor: Did): Rotation {
  const { network, sender, sequence, timestampMs, bytes } = envelope;
  const fields = { network, predecessor: sender, successor, sequence, timestampMs, bytes };
  const rotation = Object.freeze(fields) as unknown as Rotation;
  made.add(rotation);
  return rotation;
}

/** Whether this package made it; types can be talked out of what they say. */
export function isRotation(value: object): value is Rotation {
  return made.has(value);
}
