import { encodeCbor } from '../../src/cbor.js';
import { didFromPublicKey, type Did } from '../../src/did.js';
import { sha256 } from '../../src/sha256.js';
import type { TrustStatement } from '../../src/trust/index.js';

/** A DID that nobody can sign for, the same for one name: graphs do not check signatures. */
export function didOf(name: string | number): Did {
  return didFromPublicKey(sha256(encodeCbor(name)));
}

export const me = didOf('me');

/** What a statement says, in thousandths; it ends at 1,000,000 unless it says otherwise. */
export interface Said {
  readonly sequence?: number;
  readonly expiresMs?: number;
}

export function statement(issuer: Did, subject: Did, score: number | null, said: Said = {}): TrustStatement {
  const { sequence = 1, expiresMs = 1_000_000 } = said;
  const bytes = encodeCbor([issuer, subject, sequence, score, expiresMs]);
  return { issuer, subject, score, expiresMs: score === null ? null : expiresMs, sequence, bytes };
}
