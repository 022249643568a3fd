// What the files of lab 06 agree on. All of the cryptography is yours to call: node:crypto or tweetnacl signs and
// verifies Ed25519, @scure/base has base58.

/** An Ed25519 key pair: a 32-byte seed, and the 32-byte public key that follows from it. */
export interface KeyPair {
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** What a sender wants to say, before it is signed. */
export interface Letter {
  /** What it is for, as `invitation`: a letter for one purpose must never pass for another. */
  readonly purpose: string;
  /** The network that it is for, as `home`. */
  readonly network: string;
  /** The DID of the only node that may take it; null: whoever receives it. */
  readonly recipient: string | null;
  /** Counts the sender's envelopes: 0, 1, 2… They may arrive in another order. */
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** A letter with who says so, and the proof of it. */
export interface Envelope extends Letter {
  /** The DID of the sender. */
  readonly sender: string;
  /** 64 bytes: Ed25519 over what `bytesToSign` gives. */
  readonly signature: Uint8Array;
}

/** What a receiver is: an envelope for somebody else is not for it. */
export interface Receiver {
  readonly did: string;
  readonly network: string;
}
