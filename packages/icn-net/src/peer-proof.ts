import type { Did } from '@icn/identity';
import { didFromCertificate } from './certificate.js';
import type { CloseCode } from './protocol.js';

export interface Proven {
  readonly did: Did;
}

export interface Refused {
  readonly code: CloseCode;
  readonly text: string;
}

/** Who we are, whom we want, and who else has a say. */
export interface Expectation {
  readonly own: Did;
  readonly expect: Did | undefined;
  /** The last word of this node about a proven peer: a close code to refuse it. */
  readonly admit: (did: Did) => CloseCode | undefined;
}

/** What TLS says of a peer when the handshake is over. */
export interface Presented {
  /** The protocol agreed on by ALPN; empty where the peer offered none. */
  readonly protocol: string;
  /** Certificates of the peer in DER, its own first; TLS has proven possession of the first one's key. */
  readonly certificates: readonly Uint8Array[];
}

/** Judges the peer of an established TLS connection by what it presented; `protocol` is the one that must be spoken. */
export function judgePeer(
  presented: Presented,
  protocol: string,
  expectation: Expectation,
): Proven | Refused {
  const did = presentedDid(presented, protocol);
  return typeof did === 'string' ? judgeDid(did, expectation) : did;
}

/** Who the peer of an established TLS connection has proven to be, or why it has not. */
export function presentedDid(presented: Presented, protocol: string): Did | Refused {
  // TLS refuses a client that offers other protocols, and lets through one that offers none (RFC 7301 §3.2).
  if (presented.protocol !== protocol) {
    return { code: 'protocol-error', text: `the peer does not speak ${protocol}` };
  }
  const [certificate] = presented.certificates;
  if (certificate === undefined) return { code: 'peer-unproven', text: 'no certificate' };
  if (presented.certificates.length > 1) return { code: 'peer-unproven', text: 'more than one certificate' };
  const did = didFromCertificate(certificate);
  return did ?? { code: 'peer-unproven', text: 'not a self-signed certificate of a valid Ed25519 key' };
}

/** What this node thinks of a peer whose DID is proven. */
export function judgeDid(did: Did, expectation: Expectation): Proven | Refused {
  if (did === expectation.own) return { code: 'own-did', text: 'both sides have the same DID' };
  if (expectation.expect !== undefined && did !== expectation.expect) {
    return { code: 'peer-mismatch', text: `expected ${expectation.expect}` };
  }
  const code = expectation.admit(did);
  return code === undefined ? { did } : { code, text: '' };
}
