/** The DID of a public key of 32 bytes: `did:icn:z` and its base58. */
export function didOf(publicKey: Uint8Array): string {
  throw new Error('TODO name: did.ts, didOf'); // `base58` of '@scure/base' encodes and decodes
}

/** The public key that a DID names; undefined for every text that is not the one spelling of a DID. */
export function publicKeyOf(did: string): Uint8Array | undefined {
  throw new Error('TODO read: did.ts, publicKeyOf');
}
