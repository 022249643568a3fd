import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { generateKeyPair } from '@icn/identity';
import fc from 'fast-check';
import { certificateOf, didFromCertificate } from '../src/index.js';
import { judgeCertificate } from '../src/certificate.js';
import { makeCertificate, newKey } from './certificates.js';

describe('the certificate of a key pair', () => {
  const keyPair = generateKeyPair();
  const { certDer, certPem } = certificateOf(keyPair);

  it('shows the DID of the key pair', () => {
    expect(didFromCertificate(certDer)).toBe(keyPair.did);
    expect(didFromCertificate(new X509Certificate(certPem).raw)).toBe(keyPair.did);
  });

  it('is the same every time, and small', () => {
    expect(certificateOf(keyPair).certPem).toBe(certPem);
    expect(certDer.length).toBeLessThan(256);
  });

  it('is valid now and for as long as X.509 can say', () => {
    const { validFrom, validTo } = new X509Certificate(certDer);
    expect(new Date(validFrom).getUTCFullYear()).toBe(2000);
    expect(new Date(validTo).getUTCFullYear()).toBe(9999);
  });
});

describe('a certificate of a peer', () => {
  const key = newKey('ed25519');
  const rsa = newKey('rsa');
  const good = makeCertificate('ed25519', key, key).der;

  it('may be made by others, and be of tomorrow: the key is what counts', () => {
    expect(didFromCertificate(good)).toMatch(/^did:icn:z/);
    const early = makeCertificate('ed25519', key, key, ['480101000000Z', '491231235959Z']).der;
    expect(didFromCertificate(early)).toBe(didFromCertificate(good));
  });

  it.each([
    [
      'another key signed it',
      makeCertificate('ed25519', key, newKey('ed25519')).der,
      'certificate-signature',
    ],
    ['it is of an RSA key', makeCertificate('rsa', rsa, rsa).der, 'certificate-key-type'],
    [
      'its last day is over',
      makeCertificate('ed25519', key, key, ['000101000000Z', '010101000000Z']).der,
      'certificate-expired',
    ],
    ['it is something else', Buffer.from([0x30, 0]), 'certificate-malformed'],
  ])('is refused when %s', (_why, der, flaw) => {
    expect(didFromCertificate(der)).toBeUndefined();
    expect(judgeCertificate(der, Date.now())).toEqual({ flaw });
  });

  it('is good to the last second of its last day', () => {
    const lastMs = Date.UTC(2049, 11, 31, 23, 59, 59);
    expect(judgeCertificate(good, lastMs)).toHaveProperty('did');
    expect(judgeCertificate(good, lastMs + 1000)).toEqual({ flaw: 'certificate-expired' });
  });

  it('is refused as PEM, with bytes after it, cut, empty or huge', () => {
    const { certPem } = certificateOf(generateKeyPair());
    expect(didFromCertificate(Buffer.from(certPem))).toBeUndefined();
    expect(didFromCertificate(Buffer.concat([good, Uint8Array.of(0)]))).toBeUndefined();
    expect(didFromCertificate(Buffer.concat([good, good]))).toBeUndefined();
    expect(didFromCertificate(good.subarray(0, -1))).toBeUndefined();
    expect(didFromCertificate(new Uint8Array(0))).toBeUndefined();
    expect(didFromCertificate(new Uint8Array(1 << 20).fill(0x30))).toBeUndefined();
  });

  it('with a byte changed shows the same DID or none, and never throws', () => {
    const did = didFromCertificate(good);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const mutated = Buffer.from(good);
        mutated[at] = (mutated[at] ?? 0) ^ change;
        expect([did, undefined]).toContain(didFromCertificate(mutated));
      }),
      { numRuns: 500 },
    );
  });
});
