import type { EnvelopeBody } from './envelope-body.js';

declare const envelopeBrand: unique symbol;

/**
 * An envelope whose signature is valid: {@link createEnvelope} and {@link openEnvelope} are its only makers. A literal of
 * the same shape is of another type, and a {@link ReplayGuard} refuses it; so is a copy of one, spread or parsed.
 */
export interface SignedEnvelope extends EnvelopeBody {
  readonly [envelopeBrand]: true;
  /** Exactly what travels, to be stored and passed on as it is. */
  readonly bytes: Uint8Array;
}

const made = new WeakSet<object>();

/** Marks what was signed or verified a moment ago; no other file but envelope.ts may call it. */
export function signedEnvelope(fields: EnvelopeBody & { readonly bytes: Uint8Array }): SignedEnvelope {
  const envelope = Object.freeze({ ...fields }) as SignedEnvelope;
  made.add(envelope);
  return envelope;
}

/** Whether this package made it; types can be talked out of what they say. */
export function isSignedEnvelope(value: object): value is SignedEnvelope {
  return made.has(value);
}
