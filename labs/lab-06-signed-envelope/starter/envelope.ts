import type { Envelope, KeyPair, Letter, Receiver } from '@icn/labs/lab-06';

/** What the signature is over. Two letters, or one of two senders, never give the same bytes. */
export function bytesToSign(sender: string, letter: Letter): Uint8Array {
  throw new Error('TODO seal: envelope.ts, bytesToSign');
}

/** Signs a letter: Ed25519 over `bytesToSign`, by `tweetnacl` or `node:crypto`. */
export function seal(keyPair: KeyPair, letter: Letter): Envelope {
  throw new Error('TODO seal: envelope.ts, seal');
}

/** Says whether an envelope is what its sender signed, for this receiver. Never throws, whatever the envelope is. */
export function open(envelope: Envelope, receiver: Receiver): boolean {
  throw new Error('TODO open: envelope.ts, open');
}
