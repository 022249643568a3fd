// The vectors by other arithmetic than the code's: what Node's backend made is checked by tweetnacl, @noble/hashes
// and the plain integers of curve.ts, and the reverse.

import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { describe, expect, it } from '@jest/globals';
import { scrypt } from '@noble/hashes/scrypt.js';
import { base58 } from '@scure/base';
import nacl from 'tweetnacl';

import { concatBytes, fromHex, sha256, toHex } from '../src/index.js';
import { encodeCbor } from '../src/cbor.js';
import { littleEndian, secretScalar } from './curve.js';

function stored<Vector>(file: string): Vector[] {
  return JSON.parse(readFileSync(new URL(`../vectors/${file}`, import.meta.url), 'utf8')) as Vector[];
}

interface DidVector {
  readonly seed: string;
  readonly publicKey: string;
  readonly x25519PublicKey: string;
  readonly did: string;
  readonly didKey: string;
}

describe.each(stored<DidVector>('dids.json'))('dids.json, $did', (vector) => {
  const seed = fromHex(vector.seed);

  it('has the key of its seed, by tweetnacl and by node:crypto', () => {
    expect(toHex(nacl.sign.keyPair.fromSeed(seed).publicKey)).toBe(vector.publicKey);
    const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
    const key = createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }));
    expect(key.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex')).toBe(vector.publicKey);
  });

  it('has the X25519 key of the secret scalar of its seed', () => {
    const secret = littleEndian(secretScalar(seed));
    expect(toHex(nacl.scalarMult.base(secret))).toBe(vector.x25519PublicKey);
  });

  it('has names that are the base58 of the key', () => {
    const publicKey = fromHex(vector.publicKey);
    expect(vector.did).toBe(`did:icn:z${base58.encode(publicKey)}`);
    expect(vector.didKey).toBe(`did:key:z${base58.encode(concatBytes(Uint8Array.of(0xed, 1), publicKey))}`);
  });
});

interface KeystoreVector {
  readonly passphrase: string;
  readonly seed: string;
  readonly file: string;
}

interface SealedFile {
  readonly version: number;
  readonly did: string;
  readonly scrypt: { readonly logN: number; readonly r: number; readonly p: number; readonly salt: string };
  readonly secretbox: { readonly nonce: string; readonly box: string };
  readonly checksum: string;
}

describe.each(stored<KeystoreVector>('keystore.json'))('keystore.json, $passphrase', (vector) => {
  const file = JSON.parse(vector.file) as SealedFile;
  const { logN, r, p, salt } = file.scrypt;
  const { nonce, box } = file.secretbox;

  it('opens by the scrypt of @noble/hashes and the secretbox of tweetnacl', () => {
    const passphrase = new TextEncoder().encode(vector.passphrase.normalize('NFC'));
    const key = scrypt(passphrase, fromHex(salt), { N: 2 ** logN, r, p, dkLen: 32 });
    const seed = nacl.secretbox.open(fromHex(box), fromHex(nonce), Uint8Array.from(key));
    expect(seed === null ? null : toHex(seed)).toBe(vector.seed);
    expect(`did:icn:z${base58.encode(nacl.sign.keyPair.fromSeed(fromHex(vector.seed)).publicKey)}`).toBe(
      file.did,
    );
  });

  it('has the checksum that the page says', () => {
    const covered = encodeCbor([2, file.did, logN, r, p, ...[salt, nonce, box].map(fromHex)]);
    expect(toHex(sha256(new TextEncoder().encode('icn/keystore\0'), covered))).toBe(file.checksum);
  });
});
