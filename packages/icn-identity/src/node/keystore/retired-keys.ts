import type { KeyPair } from '../../key-pair.js';
import type { Disk } from './disk.js';
import { replaceFile } from './durable-file.js';
import { identityTextBytesMax, parseIdentityText } from './identity-text.js';
import { retiredIn } from './rotation-files.js';

/**
 * Puts the old keys that lie in the clear under a passphrase: who has one can fork its identity, and with that end it.
 * What cannot be read stays as it is.
 */
export async function sealRetired(
  disk: Disk,
  folder: string,
  seal: (keyPair: KeyPair) => Promise<Uint8Array>,
): Promise<void> {
  for (const path of await retiredIn(disk, folder)) {
    const { bytes } = await disk.read(path, identityTextBytesMax);
    const keyPair = plainKeyPair(bytes);
    if (keyPair !== undefined) {
      await replaceFile(disk, path, bytes, await seal(keyPair));
      keyPair.seed.fill(0);
    }
    bytes.fill(0);
  }
}

function plainKeyPair(bytes: Uint8Array): KeyPair | undefined {
  try {
    const stored = parseIdentityText(new TextDecoder().decode(bytes), 'it');
    return stored.type === 'plain' ? stored.keyPair : undefined;
  } catch {
    return undefined;
  }
}
