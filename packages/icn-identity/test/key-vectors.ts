import { fromHex, toHex } from '../src/bytes.js';
import { didDocument, didKeyFromDid } from '../src/did-document.js';
import { keyPairFromSeed } from '../src/key-pair.js';
import { x25519PublicKey } from '../src/x25519.js';

/** Seeds of RFC 8032 §7.1 (tests 1 to 3), and of nothing but zeros. */
export const seeds = [
  '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
  '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
  'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
  '00'.repeat(32),
];

export function didVectors() {
  return seeds.map((seed) => {
    const { did, publicKey } = keyPairFromSeed(fromHex(seed));
    return {
      seed,
      publicKey: toHex(publicKey),
      x25519PublicKey: toHex(x25519PublicKey(publicKey)),
      did,
      didKey: didKeyFromDid(did),
      document: didDocument(did),
    };
  });
}
