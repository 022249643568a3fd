import { fromHex, toHex } from '../src/bytes.js';
import { keyPairFromSeed } from '../src/key-pair.js';
import { formatSealed } from '../src/node/keystore/identity-text.js';
import { sealSeed } from '../src/node/keystore/passphrase-box.js';
import { seeds } from './key-vectors.js';

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
