import { X509Certificate, createHash, createPrivateKey, sign } from 'node:crypto';
import { didFromPublicKey, isPublicKey, type Did, type KeyPair } from '@icn/identity';
import type { CloseDetail } from './protocol.js';

/**
 * Self-signed X.509 certificates (RFC 5280, Ed25519 by RFC 8410) of an identity key itself: the DID of a peer is the
 * key in its certificate, and TLS 1.3 proves that the peer holds it. Of all else only the last day of its validity counts.
 */
export interface Certificate {
  readonly certDer: Uint8Array;
  readonly certPem: string;
  /** PKCS #8; as secret as the seed. */
  readonly keyPem: string;
}

/** Ours are 220 bytes; a multiple of it bounds what a stranger can have parsed. */
const certificateBytesMax = 2048;
const pkcs8Ed25519Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const spkiEd25519Prefix = Buffer.from('302a300506032b6570032100', 'hex');

/** The certificate of a key pair: always the same for the same key, valid from the year 2000 to the end of 9999. */
export function certificateOf(keyPair: KeyPair): Certificate {
  const key = createPrivateKey({
    key: Buffer.concat([pkcs8Ed25519Prefix, keyPair.seed]),
    format: 'der',
    type: 'pkcs8',
  });
  // Positive and never 0 (RFC 5280 §4.1.2.2): the top bits are 01.
  const serial = createHash('sha256').update(keyPair.publicKey).digest().subarray(0, 16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;

  const ed25519 = sequence(der(0x06, [0x2b, 0x65, 0x70]));
  const commonName = sequence(der(0x06, [0x55, 0x04, 0x03]), der(0x0c, Buffer.from('icn')));
  const name = sequence(der(0x31, commonName));
  const validity = sequence(
    der(0x17, Buffer.from('000101000000Z')),
    der(0x18, Buffer.from('99991231235959Z')),
  );
  const version3 = der(0xa0, der(0x02, [2]));
  const publicKey = Buffer.concat([spkiEd25519Prefix, keyPair.publicKey]);
  const toBeSigned = sequence(version3, der(0x02, serial), ed25519, name, validity, name, publicKey);
  const signature = der(0x03, [0], sign(null, toBeSigned, key));
  const certDer = sequence(toBeSigned, ed25519, signature);

  const lines = certDer.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    certDer,
    certPem: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'),
    keyPem: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
}

/** What is wrong with a certificate. */
export type CertificateFlaw = Extract<CloseDetail, `certificate-${string}`>;

/**
 * The DID that a certificate shows, if it is one DER certificate of an Ed25519 key with a valid signature by that very
 * key, the key is one that may carry a DID, and its last day is not over. Total: `undefined` for anything else, however it was made.
 */
export function didFromCertificate(certDer: Uint8Array): Did | undefined {
  const judged = judgeCertificate(certDer, Date.now());
  return 'did' in judged ? judged.did : undefined;
}

/** What stays true of a certificate for ever: whose it is, and its last day. */
interface Shown {
  readonly did: Did;
  readonly lastMs: number;
}

/** Certificates that were read and found good, by their bytes: peers come back, and reading one costs 0.4 ms. */
const shown = new Map<string, Shown>();
/** 1,024: as many as a transport has connections. Ours are 220 bytes, the largest 2 KiB, so this is 2 MiB at most. */
const shownMax = 1_024;

/**
 * The DID that a certificate shows, or what is wrong with it. The first day of its validity is not looked at: ours begin in 2000,
 * and machines without a battery for their clock begin in 1970.
 */
export function judgeCertificate(
  certDer: Uint8Array,
  nowMs: number,
): { readonly did: Did } | { readonly flaw: CertificateFlaw } {
  if (certDer.length > certificateBytesMax) return { flaw: 'certificate-malformed' };
  const key = Buffer.from(certDer.buffer, certDer.byteOffset, certDer.length).toString('latin1');
  const found = shown.get(key) ?? readCertificate(certDer);
  if ('flaw' in found) return found;
  if (!shown.has(key)) remember(key, found);
  return found.lastMs < nowMs ? { flaw: 'certificate-expired' } : { did: found.did };
}

/** The one that came first makes room; it is read again when it comes again. */
function remember(key: string, found: Shown): void {
  if (shown.size >= shownMax) {
    const [first = key] = shown.keys();
    shown.delete(first);
  }
  shown.set(key, found);
}

function readCertificate(certDer: Uint8Array): Shown | { readonly flaw: CertificateFlaw } {
  // 0x30: a DER SEQUENCE; X509Certificate would read PEM too.
  if (certDer[0] !== 0x30) return { flaw: 'certificate-malformed' };
  try {
    const certificate = new X509Certificate(certDer);
    const { publicKey } = certificate;
    const lastMs = Date.parse(certificate.validTo);
    if (certificate.raw.length !== certDer.length || Number.isNaN(lastMs))
      return { flaw: 'certificate-malformed' };
    if (publicKey.asymmetricKeyType !== 'ed25519') return { flaw: 'certificate-key-type' };
    if (!certificate.verify(publicKey)) return { flaw: 'certificate-signature' };
    const { x = '' } = publicKey.export({ format: 'jwk' });
    const key = Buffer.from(x, 'base64url');
    return isPublicKey(key) ? { did: didFromPublicKey(key), lastMs } : { flaw: 'certificate-key-invalid' };
  } catch {
    return { flaw: 'certificate-malformed' };
  }
}

/** One DER element (X.690 §8.1): tag, definite length, contents of less than 256 bytes. */
function der(tag: number, ...contents: readonly (Uint8Array | readonly number[])[]): Buffer {
  const content = Buffer.concat(contents.map((part) => Uint8Array.from(part)));
  const length = content.length < 0x80 ? [content.length] : [0x81, content.length];
  return Buffer.concat([Uint8Array.of(tag, ...length), content]);
}

function sequence(...contents: readonly Uint8Array[]): Buffer {
  return der(0x30, ...contents);
}
