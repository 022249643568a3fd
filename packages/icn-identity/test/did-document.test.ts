import { base58 } from '@scure/base';
import { describe, expect, it } from '@jest/globals';

import {
  didDocument,
  didFromDidKey,
  didKeyFromDid,
  IdentityError,
  keyPairFromSeed,
  parseDid,
} from '../src/index.js';

const { did, publicKey } = keyPairFromSeed(new Uint8Array(32).fill(7));

/** The example of the specification of did:key. */
const exampleDidKey = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK';

const multikey = (...bytes: readonly number[]) => `did:key:z${base58.encode(Uint8Array.of(...bytes))}`;

describe('did:key', () => {
  it('names the same key both ways', () => {
    const didKey = didKeyFromDid(did);
    expect(didKey).toMatch(/^did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}$/);
    expect(didKey).toBe(multikey(0xed, 0x01, ...publicKey));
    expect(didFromDidKey(didKey)).toBe(did);
    expect(didKeyFromDid(didFromDidKey(exampleDidKey))).toBe(exampleDidKey);
  });

  it.each([
    ['our own method', did],
    ['nothing', ''],
    ['no key', 'did:key:'],
    ['a fragment', `${exampleDidKey}#${exampleDidKey.slice(8)}`],
    ['a space', ` ${exampleDidKey}`],
    ['a newline', `${exampleDidKey}\n`],
    ['upper case', exampleDidKey.toUpperCase()],
    ['another base', `did:key:fed01${'07'.repeat(32)}`],
    ['a digit that base58 does not have', exampleDidKey.replace('h', '0')],
    ['a leading zero', exampleDidKey.replace('z6', 'z16')],
    ['an X25519 key', multikey(0xec, 0x01, ...publicKey)],
    ['a secp256k1 key', multikey(0xe7, 0x01, ...publicKey)],
    ['another spelling of the code', multikey(0xed, 0x81, 0x00, ...publicKey)],
    ['31 bytes', multikey(0xed, 0x01, ...publicKey.subarray(1))],
    ['33 bytes', multikey(0xed, 0x01, ...publicKey, 1)],
    ['a key of small order', multikey(0xed, 0x01, 1, ...new Uint8Array(31))],
    ['a key that is not canonical', multikey(0xed, 0x01, 0xee, ...new Uint8Array(30).fill(0xff), 0x7f)],
    ['a megabyte', `did:key:z6Mk${'1'.repeat(1_000_000)}`],
  ])('is refused with %s', (_, text) => {
    expect(() => didFromDidKey(text)).toThrow(
      expect.objectContaining({ name: 'IdentityError', code: 'did-invalid' }),
    );
  });

  it('is quoted in the error, cut', () => {
    expect(() => didFromDidKey('x'.repeat(1_000))).toThrow(/"x{80}…"$/);
  });
});

describe('didDocument', () => {
  it('has the key to verify with, and the key to seal to, each named by itself', () => {
    const document = didDocument(did);
    const signing = didKeyFromDid(did).slice('did:key:'.length);
    const agreement = document.keyAgreement[0]?.publicKeyMultibase ?? '';
    expect(agreement).toMatch(/^z6LS/);
    expect(document).toEqual({
      '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'],
      id: did,
      alsoKnownAs: [didKeyFromDid(did)],
      verificationMethod: [
        { id: `${did}#${signing}`, type: 'Multikey', controller: did, publicKeyMultibase: signing },
      ],
      authentication: [`${did}#${signing}`],
      assertionMethod: [`${did}#${signing}`],
      keyAgreement: [
        { id: `${did}#${agreement}`, type: 'Multikey', controller: did, publicKeyMultibase: agreement },
      ],
    });
  });

  it('has for the example of the did:key method the X25519 key that stands there', () => {
    const { keyAgreement } = didDocument(didFromDidKey(exampleDidKey));
    expect(keyAgreement[0]?.publicKeyMultibase).toBe('z6LSj72tK8brWgZja8NLRwPigth2T9QRiG1uH9oKZuKjdh9p');
  });

  it('does not exist where nobody holds the key', () => {
    const offCurve = parseDid(`did:icn:z${base58.encode(Uint8Array.of(2, ...new Uint8Array(31)))}`);
    expect(() => didDocument(offCurve)).toThrow(IdentityError);
  });
});
