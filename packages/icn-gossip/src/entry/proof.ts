import { BatchVerifier, sign, signBatch, verify, type BatchSignature, type KeyPair } from '@icn/identity';
import type { Cbor } from '@icn/identity/cbor';
import { z } from 'zod';
import { keyOfDid } from '../wire/dids.js';
import * as wire from '../wire/fields.js';
import { byteStringLength, headLength } from '../wire/lengths.js';
import { entryIdToBytes, type EntryId, type EntryName } from './entry-name.js';

/**
 * What shows that the author made the entry: a signature of its id, or of the root of a tree in which its id stands
 * beside those of others that were published with it. Never part of an id, so one entry may have proofs of both forms.
 */
export type Proof =
  | { readonly type: 'signature'; readonly signature: Uint8Array }
  | ({ readonly type: 'batch' } & BatchSignature);

/** Proofs of entries by one author, for their ids in order: one signature for all of them. */
export function proofsOf(keyPair: KeyPair, ids: readonly EntryId[]): readonly Proof[] {
  const messages = ids.map(entryIdToBytes);
  const [first] = messages;
  if (first !== undefined && messages.length === 1)
    return [{ type: 'signature', signature: sign(keyPair, 'icn/entry', first) }];
  return signBatch(keyPair, 'icn/entry', messages).map((proof) => ({ type: 'batch', ...proof }));
}

/** Checks proofs, of one node: at most one signature check an entry, and one for all of a batch (I2). */
export class ProofVerifier {
  readonly #verifySignature: typeof verify;
  readonly #batches: BatchVerifier;

  constructor(verifySignature = verify) {
    this.#verifySignature = verifySignature;
    this.#batches = new BatchVerifier(verifySignature);
  }

  isGenuine({ author, id }: EntryName, proof: Proof): boolean {
    const key = keyOfDid(author);
    const message = entryIdToBytes(id);
    return proof.type === 'signature'
      ? this.#verifySignature(key, 'icn/entry', message, proof.signature)
      : this.#batches.verify(key, 'icn/entry', message, proof);
  }
}

const SIGNATURE_PROOF = 0;
const BATCH_PROOF = 1;

export function proofToCbor(proof: Proof): Cbor {
  return proof.type === 'signature'
    ? [SIGNATURE_PROOF, proof.signature]
    : [BATCH_PROOF, proof.signature, proof.index, proof.path];
}

/** The shape of `proofToCbor` as it comes from outside; whether it proves anything is for `ProofVerifier`. */
export const proofSchema = z.union([
  z
    .tuple([z.literal(SIGNATURE_PROOF), wire.bytes])
    .transform(([, signature]): Proof => ({ type: 'signature', signature })),
  z
    .tuple([z.literal(BATCH_PROOF), wire.bytes, wire.uint, wire.bytes])
    .transform(([, signature, index, path]): Proof => ({ type: 'batch', signature, index, path })),
]);

/** Bytes that a proof takes in a message, exactly. */
export function proofByteCount(proof: Proof): number {
  const signatureBytes = 2 + byteStringLength(proof.signature); // the head of the array, and the form
  return proof.type === 'signature'
    ? signatureBytes
    : signatureBytes + headLength(proof.index) + byteStringLength(proof.path);
}
