import { type Did, didFromPublicKey, publicKeyFromDid, toHex } from '@icn/identity';

/** Enough for the authors of a large topic: a miss costs some 20 µs of base58, a hit one lookup. */
const CACHED_MAX = 16_384;
const didOf = new Map<string, Did>();
const keyOf = new Map<Did, Uint8Array>();

/** The DID of a raw public key from the wire, or undefined where the key is none. Remembers the last few thousand. */
export function didOfKey(publicKey: Uint8Array): Did | undefined {
  const hex = toHex(publicKey);
  const known = didOf.get(hex);
  if (known !== undefined) return known;
  try {
    return remember(didOf, hex, didFromPublicKey(publicKey));
  } catch {
    return undefined;
  }
}

/** The raw public key that a DID names, shared: not to be written to. Remembers the last few thousand. */
export function keyOfDid(did: Did): Uint8Array {
  return keyOf.get(did) ?? remember(keyOf, did, publicKeyFromDid(did));
}

function remember<Key, Value>(cache: Map<Key, Value>, key: Key, value: Value): Value {
  if (cache.size >= CACHED_MAX) cache.clear();
  cache.set(key, value);
  return value;
}
