// Wrong on purpose: the signature leaves out the sender.

import type { Envelope, KeyPair, Letter, Receiver } from '@icn/labs/lab-06';
import nacl from 'tweetnacl';
import { didOf, publicKeyOf } from './did.js';

const encoder = new TextEncoder();
const signatureBytes = 64;

/** What the signature is over: every field, each with its length, so that no two letters give the same bytes. */
export function bytesToSign(_sender: string, letter: Letter): Uint8Array {
  const sequence = new Uint8Array(8);
  new DataView(sequence.buffer).setBigUint64(0, BigInt(letter.sequence));
  const fields = [
    encoder.encode('lab/envelope'),
    encoder.encode(letter.purpose),
    encoder.encode(letter.network),
    Uint8Array.of(letter.recipient === null ? 0 : 1),
    encoder.encode(letter.recipient ?? ''),
    sequence,
    letter.payload,
  ];
  return Buffer.concat(fields.flatMap((field) => [lengthOf(field), field]));
}

/** Signs a letter. */
export function seal({ seed, publicKey }: KeyPair, letter: Letter): Envelope {
  const sender = didOf(publicKey);
  const { secretKey } = nacl.sign.keyPair.fromSeed(seed);
  return { ...letter, sender, signature: nacl.sign.detached(bytesToSign(sender, letter), secretKey) };
}

/** Says whether an envelope is what its sender signed, for this receiver. Never throws. */
export function open(envelope: Envelope, receiver: Receiver): boolean {
  if (envelope.network !== receiver.network) return false;
  if (envelope.recipient !== null && envelope.recipient !== receiver.did) return false;
  if (!Number.isSafeInteger(envelope.sequence) || envelope.sequence < 0) return false;
  const publicKey = publicKeyOf(envelope.sender);
  if (publicKey === undefined || envelope.signature.length !== signatureBytes) return false;
  return nacl.sign.detached.verify(bytesToSign(envelope.sender, envelope), envelope.signature, publicKey);
}

function lengthOf({ length }: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, length);
  return bytes;
}
