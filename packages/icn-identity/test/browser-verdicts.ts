// What `pnpm browser` asks a browser, and Node, with the same code: what this package makes of everything that its
// vectors say, and its verdicts on signatures that were changed.

import { backend } from '#crypto';

import { mutated } from './mutations.js';
import { rfc8032 } from './signature-cases.js';
import { fromHex } from '../src/bytes.js';
import { BatchVerifier } from '../src/batch-signature.js';
import { isValidSignature } from '../src/validity.js';
import { buildVectors } from './vectors.js';

export interface Verdicts {
  /** Made anew, file by file; to be compared with what is stored. */
  readonly vectors: Readonly<Record<string, unknown>>;
  /** Of the rows of `signatures.json`, one digit each: 1 is valid. */
  readonly signatures: string;
  /** Of the proofs of `batch-signatures.json`, each with its own message and with the next one's. */
  readonly batches: string;
  /** Of `mutated(…)`, likewise. */
  readonly mutations: string;
  /** Signatures of RFC 8032 that were made again, byte for byte. */
  readonly signed: string;
}

interface StoredSignature {
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
}

interface StoredBatch {
  readonly publicKey: string;
  readonly messages: readonly string[];
  readonly signature: string;
  readonly proofs: readonly { readonly index: number; readonly path: string }[];
}

/** Judges what is stored, and `mutationCount` changed signatures, with whichever backend this code was bundled for. */
export function verdicts(
  stored: Readonly<Record<string, unknown>>,
  mutationCount: number,
  seed: number,
): Verdicts {
  const signatures = stored['signatures.json'] as readonly StoredSignature[];
  const batches = stored['batch-signatures.json'] as readonly StoredBatch[];
  return {
    vectors: buildVectors(),
    signatures: digits(
      signatures.map(({ publicKey, message, signature }) =>
        isValidSignature(backend, fromHex(publicKey), fromHex(message), fromHex(signature)),
      ),
    ),
    batches: digits(batches.flatMap(batchVerdicts)),
    mutations: digits(
      Array.from(mutated(backend, seed, mutationCount), ({ publicKey, message, signature }) =>
        isValidSignature(backend, publicKey, message, signature),
      ),
    ),
    signed: digits(
      rfc8032.map((row) => {
        const signature = backend.signer(fromHex(row.seed))(fromHex(row.message));
        return signature.join() === fromHex(row.signature).join();
      }),
    ),
  };
}

function batchVerdicts({ publicKey, messages, signature, proofs }: StoredBatch): boolean[] {
  const verifier = new BatchVerifier();
  return proofs.flatMap(({ index, path }, at) =>
    [messages[at], messages[(at + 1) % messages.length]].map((message) => {
      const proof = { signature: fromHex(signature), index, path: fromHex(path) };
      return verifier.verify(fromHex(publicKey), 'icn/entry', fromHex(message as string), proof);
    }),
  );
}

function digits(verdicts: readonly boolean[]): string {
  return verdicts.map(Number).join('');
}
