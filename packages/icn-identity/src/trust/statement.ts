import { compareBytes } from '../bytes.js';
import { decodeCbor, encodeCbor } from '../cbor.js';
import { didFromPublicKey, publicKeyFromDid, type Did } from '../did.js';
import { createEnvelope, openEnvelope, type EnvelopeFault } from '../envelope/envelope.js';
import { IdentityError } from '../identity-error.js';
import type { KeyPair } from '../key-pair.js';
import { isPublicKey } from '../validity.js';
import { isScore } from './trust-score.js';

/**
 * How far one DID trusts another, in its own words. {@link signStatement} and {@link openStatement} make it; a
 * graph believes it without checking the signature again.
 */
export interface TrustStatement {
  readonly issuer: Did;
  readonly subject: Did;
  /** In thousandths; null takes back what the issuer said before. */
  readonly score: number | null;
  /** From when on it counts no more, in milliseconds since 1970; null where there is no score to end. */
  readonly expiresMs: number | null;
  /** Of two statements of one issuer the one with the higher sequence is the newer. */
  readonly sequence: number;
  /** The envelope that carries it, as it travels. */
  readonly bytes: Uint8Array;
}

/** What an issuer chooses. */
export interface StatementContent {
  readonly network: string;
  readonly subject: Did;
  /** In thousandths; null takes back. */
  readonly score: number | null;
  readonly sequence: number;
  readonly timestampMs: number;
  /** At most {@link lifetimeMaxMs} after `timestampMs`; null with a score of null, and only then. */
  readonly expiresMs: number | null;
}

/**
 * Why an envelope is no statement for anybody, besides what is wrong with the envelope itself:
 *
 * - `statement-malformed`: the payload has another shape than docs/protocol/trust.md.
 * - `about-itself`: nobody vouches for himself.
 * - `lifetime-too-long`: it would count for longer than {@link lifetimeMaxMs}.
 */
export type StatementFault = EnvelopeFault | 'statement-malformed' | 'about-itself' | 'lifetime-too-long';

/** Two years, each with a leap day: trust that nobody renews fades. The number is a guess. */
export const lifetimeDaysMax = 732;
export const lifetimeMaxMs = lifetimeDaysMax * 24 * 3_600_000;

/**
 * Makes and signs a statement.
 *
 * @throws IdentityError `statement-invalid` for what no reader would take, `envelope-invalid` for a network,
 *   sequence or time that no envelope has.
 */
export function signStatement(keyPair: KeyPair, content: StatementContent): TrustStatement {
  const { network, subject, score, expiresMs, sequence, timestampMs } = content;
  if (score !== null && !isScore(score))
    throw invalid('its score is not in whole thousandths from 0 to 1,000');
  const fault = faultOf(keyPair.did, timestampMs, { subject, score, expiresMs });
  if (fault !== undefined) throw invalid(fault);
  const payload = encodeCbor([publicKeyFromDid(subject), score, expiresMs]);
  const envelope = {
    purpose: 'icn/trust',
    network,
    recipient: null,
    sequence,
    timestampMs,
    payload,
  } as const;
  const { bytes } = createEnvelope(keyPair, envelope);
  return Object.freeze({ issuer: keyPair.did, subject, score, expiresMs, sequence, bytes });
}

/** Reads a statement that anybody may have made, signature included, or says what is wrong with it. Never throws. */
export function openStatement(bytes: Uint8Array, network: string): TrustStatement | StatementFault {
  const envelope = openEnvelope(bytes, { purpose: 'icn/trust', network, recipient: null });
  if (typeof envelope === 'string') return envelope;
  const said = decodePayload(envelope.payload);
  if (said === undefined) return 'statement-malformed';
  const fault = faultOf(envelope.sender, envelope.timestampMs, said);
  if (fault !== undefined) return fault;
  return Object.freeze({
    issuer: envelope.sender,
    ...said,
    sequence: envelope.sequence,
    bytes: envelope.bytes,
  });
}

/**
 * Orders the statements of one issuer by age, older first: by sequence and, where he gave one twice, by bytes, so
 * that all nodes choose alike. Zero only for the same envelope.
 */
export function compareAge(a: TrustStatement, b: TrustStatement): number {
  return a.sequence - b.sequence || compareBytes(a.bytes, b.bytes);
}

type Said = Pick<TrustStatement, 'subject' | 'score' | 'expiresMs'>;

function decodePayload(payload: Uint8Array): Said | undefined {
  const fields = decodeCbor(payload);
  if (!Array.isArray(fields)) return undefined;
  const [subject, score, expiresMs] = fields as readonly unknown[];
  if (!(subject instanceof Uint8Array) || !isPublicKey(subject)) return undefined;
  if (score !== null && !isScore(score)) return undefined;
  if (expiresMs !== null && typeof expiresMs !== 'number') return undefined;
  return { subject: didFromPublicKey(subject), score, expiresMs };
}

function faultOf(
  issuer: Did,
  timestampMs: number,
  said: Said,
): Exclude<StatementFault, EnvelopeFault> | undefined {
  const { subject, score, expiresMs } = said;
  if ((score === null) !== (expiresMs === null)) return 'statement-malformed';
  if (subject === issuer) return 'about-itself';
  if (expiresMs !== null && expiresMs - timestampMs > lifetimeMaxMs) return 'lifetime-too-long';
  return undefined;
}

function invalid(why: string): IdentityError {
  return new IdentityError('statement-invalid', `not a statement that others would take: ${why}`);
}
