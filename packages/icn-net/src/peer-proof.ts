import type { Did } from '@icn/identity';
import { judgeCertificate, type CertificateFlaw } from './certificate.js';
import type { CloseCode, CloseDetail } from './protocol.js';

export interface Proven {
  readonly did: Did;
}

export interface Refused {
  readonly code: CloseCode;
  readonly detail?: CloseDetail;
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
    return { code: 'protocol-error', detail: 'alpn-mismatch', text: `the peer does not speak ${protocol}` };
  }
  const [certificate] = presented.certificates;
  if (certificate === undefined) return unproven('certificate-missing');
  if (presented.certificates.length > 1) return unproven('certificate-surplus');
  const judged = judgeCertificate(certificate, Date.now());
  if ('flaw' in judged) return unproven(judged.flaw);
  return judged.did;
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

const flaws: Record<CertificateFlaw, string> = {
  'certificate-missing': 'no certificate',
  'certificate-surplus': 'more than one certificate',
  'certificate-malformed': 'not an X.509 certificate',
  'certificate-key-type': 'not the certificate of an Ed25519 key',
  'certificate-key-invalid': 'the certificate of a key that is no DID',
  'certificate-signature': 'not a self-signed certificate',
  'certificate-expired': 'the certificate has expired',
};

function unproven(detail: CertificateFlaw): Refused {
  return { code: 'peer-unproven', detail, text: flaws[detail] };
}
