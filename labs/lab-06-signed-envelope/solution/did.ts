import { base58 } from '@scure/base';

const prefix = 'did:icn:z';
const keyBytes = 32;
/** Base58 of 32 bytes has 32 to 44 characters. Looked at first: decoding takes time quadratic in the length. */
const encodedLengthMax = 44;

/** The DID of a public key of 32 bytes. */
export function didOf(publicKey: Uint8Array): string {
  if (publicKey.length !== keyBytes) throw new RangeError('an Ed25519 public key has 32 bytes');
  return prefix + base58.encode(publicKey);
}

/** The public key that a DID names; undefined for every other text. */
export function publicKeyOf(did: string): Uint8Array | undefined {
  if (!did.startsWith(prefix) || did.length > prefix.length + encodedLengthMax) return undefined;
  try {
    const publicKey = base58.decode(did.slice(prefix.length));
    return publicKey.length === keyBytes && didOf(publicKey) === did ? publicKey : undefined;
  } catch {
    return undefined;
  }
}
