import { equalBytes, sha256, type KeyPair } from '@icn/identity';
import { z } from 'zod';
import {
  DATA_KIND,
  decodeHeader,
  encodeHeader,
  type Dep,
  type EntryHeader,
  type HeaderFault,
} from './entry-header.js';
import { entryIdOf, type EntryName } from './entry-name.js';
import { proofByteCount, proofSchema, proofsOf, proofToCbor, ProofVerifier, type Proof } from './proof.js';
import { decodeCbor, encodeCbor, type Cbor } from '@icn/identity/cbor';
import * as wire from '../wire/fields.js';
import { byteStringLength } from '../wire/lengths.js';

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

/** Checks payload and proof: what an entry costs a node once (I2). */
export function verifyEntry(entry: DecodedEntry, proofs = new ProofVerifier()): VerifiedEntry | EntryFault {
  const { header, parts } = entry;
  if (parts.payload === undefined) return 'payload-missing';
  if (parts.payload.length !== header.payloadLength) return 'payload-wrong';
  if (!equalBytes(sha256(parts.payload), header.payloadHash)) return 'payload-wrong';
  const proven = verifyEvidence(entry, proofs);
  return typeof proven === 'string' ? proven : (entry as VerifiedEntry);
}

/** A header whose proof was checked on this node, whatever became of its payload: enough to prove a fork. */
export interface VerifiedHeader extends DecodedEntry {
  readonly [verifiedHeader]: true;
}

/** Checks the proof of a header alone: evidence carries no payload. Nobody but its author can make one. */
export function verifyEvidence(
  entry: DecodedEntry,
  proofs = new ProofVerifier(),
): VerifiedHeader | 'signature-wrong' {
  return proofs.isGenuine(entry.name, entry.parts.proof) ? (entry as VerifiedHeader) : 'signature-wrong';
}

/** What an author says of an entry besides its payload, which holds to `PROTOCOL.payloadBytesMax`. */
export type EntryFields = Omit<EntryHeader, 'author' | 'kind' | 'payloadLength' | 'payloadHash'>;

/** What differs between entries of our own that follow each other. */
export interface Draft {
  readonly deps: readonly Dep[];
  readonly payload: Uint8Array;
}

/** Makes and signs an entry of our own. */
export function createEntry(keyPair: KeyPair, fields: EntryFields, payload: Uint8Array): VerifiedEntry {
  const [entry] = createEntries(keyPair, fields, [{ deps: fields.deps, payload }]);
  return entry as VerifiedEntry;
}

/** Makes entries of our own, one after another in the log from `first` on, at most 1,024; signs once for all of them. */
export function createEntries(
  keyPair: KeyPair,
  first: Omit<EntryFields, 'deps'>,
  drafts: readonly Draft[],
): readonly VerifiedEntry[] {
  let { seq, prev } = first;
  const unproven = drafts.map(({ deps, payload }) => {
    const unsigned = withoutProof(keyPair, { ...first, seq, prev, deps }, payload);
    seq += 1;
    prev = unsigned.name.id;
    return unsigned;
  });
  const proofs = proofsOf(
    keyPair,
    unproven.map(({ name }) => name.id),
  );
  return unproven.map(({ name, header, parts }, index) => {
    return { name, header, parts: { ...parts, proof: proofs[index]! } } as VerifiedEntry;
  });
}

function withoutProof(keyPair: KeyPair, fields: EntryFields, payload: Uint8Array) {
  const author = keyPair.did;
  const header: EntryHeader = {
    ...fields,
    kind: DATA_KIND,
    author,
    payloadLength: payload.length,
    payloadHash: sha256(payload),
  };
  const bytes = encodeHeader(header);
  const name = { author, lane: fields.lane, seq: fields.seq, id: entryIdOf(bytes) };
  return { name, header, parts: { header: bytes, payload } };
}

export function partsToCbor({ header, payload, proof }: EntryParts): Cbor {
  return [header, payload ?? null, proofToCbor(proof)];
}

/** The shape of `partsToCbor` as it comes from outside. */
export const partsSchema = z
  .tuple([wire.bytes, wire.bytes.nullable(), proofSchema])
  .transform(([header, payload, proof]): EntryParts => ({ header, payload: payload ?? undefined, proof }));

/** Bytes that an entry takes in a message, to within the few bytes of CBOR heads. */
export function entryByteCount({ header, payload, proof }: EntryParts): number {
  return header.length + (payload?.length ?? 0) + 16 + proofByteCount(proof);
}

/** Bytes that entries take in a message, exactly. */
export function encodedByteCount(entries: readonly EntryParts[]): number {
  return entries.reduce((sum, { header, payload, proof }) => {
    const payloadBytes = payload === undefined ? 1 : byteStringLength(payload);
    return sum + 1 + byteStringLength(header) + payloadBytes + proofByteCount(proof);
  }, 0);
}

/** An entry as bytes of their own, for stores: the form it has in messages. Decoded by `decodeParts`. */
export function encodeParts(parts: EntryParts): Uint8Array {
  return encodeCbor(partsToCbor(parts));
}

/** Undefined where the bytes are no entry. Proves nothing about what is in it: see `verifyEntry`. */
export function decodeParts(bytes: Uint8Array): EntryParts | undefined {
  return partsSchema.safeParse(decodeCbor(bytes)).data;
}
