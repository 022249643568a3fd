import { equalBytes, sha256, sign, verify, type KeyPair } from '@icn/identity';
import { z } from 'zod';
import { DATA_KIND, decodeHeader, encodeHeader, type EntryHeader, type HeaderFault } from './entry-header.js';
import { entryIdOf, entryIdToBytes, type EntryName } from './entry-name.js';
import { decodeCbor, encodeCbor, type Cbor } from '@icn/identity/cbor';
import { keyOfDid } from '../wire/dids.js';

/** What shows that the author made the entry. Never part of an id, so proofs of other forms can be added. */
export interface Proof {
  readonly type: 'signature';
  readonly signature: Uint8Array;
}

/**
 * An entry as it travels and is stored: exactly the bytes its author made (I5). The payload may be absent,
 * where it was pruned; header and proof alone still link the log and prove forks.
 */
export interface EntryParts {
  readonly header: Uint8Array;
  readonly payload: Uint8Array | undefined;
  readonly proof: Proof;
}

declare const verified: unique symbol;
declare const verifiedHeader: unique symbol;

/** An entry whose id, payload and proof were checked on this node; the only kind the topics accept. */
export interface VerifiedEntry {
  readonly [verified]: true;
  readonly name: EntryName;
  readonly header: EntryHeader;
  readonly parts: EntryParts;
}

/** Why an entry is refused: each is a fault of the entry alone, the same for every node of the network. */
export type EntryFault =
  | HeaderFault
  | 'network-wrong'
  | 'topic-wrong'
  | 'name-wrong'
  | 'payload-missing'
  | 'payload-wrong'
  | 'signature-wrong';

/** An entry whose bytes are well formed, of which nothing is proven yet. Decoding costs no signature check. */
export interface DecodedEntry {
  readonly name: EntryName;
  readonly header: EntryHeader;
  readonly parts: EntryParts;
}

export function decodeEntry(parts: EntryParts): DecodedEntry | HeaderFault {
  const header = decodeHeader(parts.header);
  if (typeof header === 'string') return header;
  const { author, lane, seq } = header;
  return { name: { author, lane, seq, id: entryIdOf(parts.header) }, header, parts };
}

/** Checks payload and proof: the one signature check that an entry costs a node (I2). */
export function verifyEntry(entry: DecodedEntry, verifySignature = verify): VerifiedEntry | EntryFault {
  const { header, parts } = entry;
  if (parts.payload === undefined) return 'payload-missing';
  if (parts.payload.length !== header.payloadLength) return 'payload-wrong';
  if (!equalBytes(sha256(parts.payload), header.payloadHash)) return 'payload-wrong';
  const proven = verifyEvidence(entry, verifySignature);
  return typeof proven === 'string' ? proven : (entry as VerifiedEntry);
}

/** A header whose proof was checked on this node, whatever became of its payload: enough to prove a fork. */
export interface VerifiedHeader extends DecodedEntry {
  readonly [verifiedHeader]: true;
}

/** Checks the proof of a header alone: evidence carries no payload. Nobody but its author can make one. */
export function verifyEvidence(
  entry: DecodedEntry,
  verifySignature = verify,
): VerifiedHeader | 'signature-wrong' {
  const { header, name, parts } = entry;
  const key = keyOfDid(header.author);
  const isGenuine = verifySignature(key, 'icn/entry', entryIdToBytes(name.id), parts.proof.signature);
  return isGenuine ? (entry as VerifiedHeader) : 'signature-wrong';
}

/** Makes and signs an entry of our own, whose payload holds to `PROTOCOL.payloadBytesMax`. */
export function createEntry(
  keyPair: KeyPair,
  fields: Omit<EntryHeader, 'author' | 'kind' | 'payloadLength' | 'payloadHash'>,
  payload: Uint8Array,
): VerifiedEntry {
  const header: EntryHeader = {
    ...fields,
    kind: DATA_KIND,
    author: keyPair.did,
    payloadLength: payload.length,
    payloadHash: sha256(payload),
  };
  const headerBytes = encodeHeader(header);
  const id = entryIdOf(headerBytes);
  const signature = sign(keyPair, 'icn/entry', entryIdToBytes(id));
  const parts: EntryParts = { header: headerBytes, payload, proof: { type: 'signature', signature } };
  const name = { author: keyPair.did, lane: fields.lane, seq: fields.seq, id };
  return { name, header, parts } as VerifiedEntry;
}

const SIGNATURE_PROOF = 0;

export function partsToCbor({ header, payload, proof }: EntryParts): Cbor {
  return [header, payload ?? null, [SIGNATURE_PROOF, proof.signature]];
}

/** The shape of `partsToCbor` as it comes from outside. */
export const partsSchema = z
  .tuple([
    z.instanceof(Uint8Array),
    z.instanceof(Uint8Array).nullable(),
    z.tuple([z.literal(SIGNATURE_PROOF), z.instanceof(Uint8Array)]),
  ])
  .transform(([header, payload, [, signature]]): EntryParts => {
    return { header, payload: payload ?? undefined, proof: { type: 'signature', signature } };
  });

/** Bytes that an entry takes in a message, to within the few bytes of CBOR heads. */
export function entryByteCount({ header, payload }: EntryParts): number {
  return header.length + (payload?.length ?? 0) + 80;
}

/** Bytes that entries take in a message, exactly. */
export function encodedByteCount(entries: readonly EntryParts[]): number {
  return entries.reduce((sum, { header, payload, proof }) => {
    const parts = bytesLength(header) + (payload === undefined ? 1 : bytesLength(payload));
    return sum + 3 + parts + bytesLength(proof.signature); // two array heads and the form of the proof
  }, 0);
}

/** A byte string with its CBOR head. */
function bytesLength({ length }: Uint8Array): number {
  return length + (length < 24 ? 1 : length < 0x100 ? 2 : length < 0x1_0000 ? 3 : 5);
}

/** An entry as bytes of their own, for stores: the form it has in messages. Decoded by `decodeParts`. */
export function encodeParts(parts: EntryParts): Uint8Array {
  return encodeCbor(partsToCbor(parts));
}

/** Undefined where the bytes are no entry. Proves nothing about what is in it: see `verifyEntry`. */
export function decodeParts(bytes: Uint8Array): EntryParts | undefined {
  return partsSchema.safeParse(decodeCbor(bytes)).data;
}
