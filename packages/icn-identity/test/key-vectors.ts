import { fromHex, toHex } from '../src/bytes.js';
import { didDocument, didKeyFromDid } from '../src/did-document.js';
import { keyPairFromSeed } from '../src/key-pair.js';
import { formatSealed } from '../src/node/keystore/identity-text.js';
import { sealSeed } from '../src/node/keystore/passphrase-box.js';
import { x25519PublicKey } from '../src/x25519.js';

/** Seeds of RFC 8032 §7.1 (tests 1 to 3), and of nothing but zeros. */
const seeds = [
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

/** At a cost that takes no time; a passphrase of two normal forms. */
export async function keystoreVectors() {
  const cost = { logN: 10, r: 8, p: 2 };
  const passphrases = ['correct horse battery staple', 'Zu\u0308rich am See'];
  return Promise.all(
    passphrases.map(async (passphrase, index) => {
      const seed = fromHex(seeds[index] ?? '');
      const salt = Uint8Array.from({ length: 32 }, (_, i) => i);
      const nonce = Uint8Array.from({ length: 24 }, (_, i) => 0xff - i);
      const { did } = keyPairFromSeed(seed);
      const file = formatSealed(did, await sealSeed(seed, passphrase, cost, salt, nonce));
      return { passphrase, seed: toHex(seed), file };
    }),
  );
}
