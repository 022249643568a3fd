/** What two transports must agree on before a byte of gossip: names, close codes and limits of the wire. */

/** The ALPN of every ICN transport; another one fails the handshake. */
export const ALPN = 'icn/1';

/**
 * The closed set of reasons for which a connection ends, as the peer sees them (QUIC application error
 * codes; the same numbers on other transports).
 */
export const CLOSE_CODES = {
  /** The node stops or has no more use for the link. */
  done: 0x00,
  /** The certificate is missing, malformed, not self-signed Ed25519, or not of a valid DID. */
  'peer-unproven': 0x01,
  /** The peer is proven, but is not the DID that was dialled. */
  'peer-mismatch': 0x02,
  /** The peer is ourselves. */
  'own-did': 0x03,
  /** Another connection to the same peer serves; this one is the surplus. */
  duplicate: 0x04,
  /** The operator blocks this DID. */
  blocked: 0x05,
  /** A cap of this node is reached; try later. */
  'too-many': 0x06,
  /** The peer broke the framing or a limit of the protocol. */
  'protocol-error': 0x07,
  /** Not a code on the wire: the link went silent (idle timeout, or the network is gone). */
  timeout: 0xfe,
  /** Not a code on the wire: anything else, among it codes that this version does not know. */
  unknown: 0xff,
} as const;

/**
 * What each side sends first, on a unidirectional stream of its own that it then ends, once it has judged the
 * certificate of the other: the letters `ICN` and the version of everything that follows. A connection is
 * handed over when both have been seen: a TLS 1.3 client is "established" before the server has judged it, so
 * without this `dial` would succeed at peers that refuse us. Anything else in its place is a `protocol-error`.
 */
export const PREFACE: Uint8Array = Uint8Array.of(0x49, 0x43, 0x4e, 1);

/** RFC 9000 §2.1: the first unidirectional stream of a client and of a server. */
export const PREFACE_STREAM = { client: 2, server: 3 } as const;

/**
 * Over QUIC, the byte with which a stream ends: it always travels with the FIN, and the reader takes it off again.
 * quiche 0.18 loses a FIN of its own when all bytes before it are acknowledged before the FIN is (the stream then
 * counts as complete), so that about one short stream in a hundred would never end.
 */
export const STREAM_END: Uint8Array = Uint8Array.of(0);

/** The bound of a close text on the wire, in bytes of UTF-8. */
export const CLOSE_TEXT_BYTES_MAX = 200;

export type CloseCode = keyof typeof CLOSE_CODES;

/** Why exactly a peer was refused where its code covers several cases; the peer itself sees the code and the text. */
export const CLOSE_DETAILS = [
  /** It offered another protocol than ours, or none. */
  'alpn-mismatch',
  'certificate-missing',
  /** More than one. */
  'certificate-surplus',
  /** Not one X.509 certificate in DER of at most 2,048 bytes. */
  'certificate-malformed',
  /** Of an RSA key, for example, and not of an Ed25519 key. */
  'certificate-key-type',
  /** An Ed25519 key that may carry no DID. */
  'certificate-key-invalid',
  /** Signed by another key than its own. */
  'certificate-signature',
  /** Its last day is over. */
  'certificate-expired',
  /** The handshake went on, and was not over at the deadline. */
  'handshake-slow',
  /** It sent more than a handshake can need. */
  'handshake-endless',
  /** All places were taken, and it was the oldest. */
  'handshake-displaced',
] as const;

export type CloseDetail = (typeof CLOSE_DETAILS)[number];

export interface CloseReason {
  readonly code: CloseCode;
  /** On the side that refused. */
  readonly detail?: CloseDetail;
  /** Who ended it. */
  readonly by: 'us' | 'peer' | 'network';
  /** For people; at most 200 bytes on the wire; never parsed. */
  readonly text: string;
}
