// That the vectors of envelopes, rotations and boxes are what docs/protocol says, by code that has nothing of ours: CBOR
// read by hand, signatures by tweetnacl (ours are made by node:crypto), boxes by node:crypto (ours by tweetnacl).

import { readFileSync } from 'node:fs';

import { describe, expect, it } from '@jest/globals';
import nacl from 'tweetnacl';

import { openByNode } from './box-by-node.js';

interface Envelope {
  readonly purpose: string;
  readonly network: string;
  readonly sender: string;
  readonly recipient: string | null;
  readonly sequence: number;
  readonly timestampMs: number;
  readonly payload: string;
  readonly seed: string;
  readonly bytes: string;
}
interface Judged {
  readonly what: string;
  readonly fault: string | null;
  readonly bytes: string;
}
interface Box {
  readonly purpose: string;
  readonly network: string;
  readonly senderSeed: string;
  readonly recipientSeed: string;
  readonly ephemeralSecret: string;
  readonly text: string;
  readonly bytes: string;
}
interface Files {
  readonly envelopes: { readonly valid: readonly Envelope[]; readonly judged: readonly Judged[] };
  readonly rotations: {
    readonly network: string;
    readonly statements: readonly (Judged & { readonly predecessor: string; readonly successor: string })[];
    readonly refused: readonly Judged[];
  };
  readonly 'sealed-boxes': { readonly valid: readonly Box[] };
}

function vectors<Name extends keyof Files>(name: Name): Files[Name] {
  const file = new URL(`../vectors/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as Files[Name];
}

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

/** Reads the items of CBOR from the heads alone (RFC 8949 §3). */
function items(bytes: Uint8Array): unknown[] {
  let at = 0;
  const next = (): unknown => {
    const head = bytes[at++]!;
    const width = (head & 31) < 24 ? 0 : 1 << ((head & 31) - 24);
    let value = width === 0 ? head & 31 : 0;
    for (let i = 0; i < width; i += 1) value = value * 256 + bytes[at++]!;
    if (head >> 5 === 0) return value;
    if (head >> 5 === 4) return Array.from({ length: value }, next);
    if (head === 0xf6) return null;
    const content = bytes.subarray(at, (at += value));
    return head >> 5 === 2 ? content : Buffer.from(content).toString();
  };
  return next() as unknown[];
}

function signed(purpose: string, message: Uint8Array): Uint8Array {
  return Uint8Array.from(Buffer.concat([Buffer.from(`${purpose}\0`), message]));
}

function keyOf(seed: string): Uint8Array {
  return nacl.sign.keyPair.fromSeed(hex(seed)).publicKey;
}

/** base58btc of a DID, by hand. */
function keyOfDid(did: string): Uint8Array {
  const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
  const value = Array.from(did.slice('did:icn:z'.length)).reduce(
    (sum, digit) => sum * 58n + BigInt(alphabet.indexOf(digit)),
    0n,
  );
  return hex(value.toString(16).padStart(64, '0'));
}

function keyOrNull(did: string | null): Uint8Array | null {
  return did === null ? null : keyOfDid(did);
}

describe('the vectors elsewhere', () => {
  it.each(vectors('envelopes').valid)('envelope of $purpose $sequence', (vector) => {
    const [body, signature] = items(hex(vector.bytes)) as [Uint8Array, Uint8Array];
    const { purpose, network, sender, recipient, sequence, timestampMs, payload } = vector;
    expect(items(body)).toEqual([
      ...[1, purpose, network, keyOfDid(sender), keyOrNull(recipient)],
      ...[sequence, timestampMs, hex(payload)],
    ]);
    expect(keyOfDid(sender)).toEqual(keyOf(vector.seed));
    expect(nacl.sign.detached.verify(signed(purpose, body), signature, keyOfDid(sender))).toBe(true);
    const { secretKey } = nacl.sign.keyPair.fromSeed(hex(vector.seed));
    expect(nacl.sign.detached(signed(purpose, body), secretKey)).toEqual(signature);
  });

  it('envelopes that are refused for their signature alone', () => {
    for (const { fault, bytes } of vectors('envelopes').judged.filter(
      ({ what }) => what !== 'a byte behind',
    )) {
      const [body, signature] = items(hex(bytes)) as [Uint8Array, Uint8Array];
      const [, purpose, , sender] = items(body) as [number, string, string, Uint8Array];
      const isGenuine = nacl.sign.detached.verify(signed('icn/invitation', body), signature, sender);
      if (fault === 'signature-wrong') expect(isGenuine).toBe(false);
      if (fault === null) expect([isGenuine, purpose]).toEqual([true, 'icn/invitation']);
    }
  });

  it.each(vectors('rotations').statements)('rotation $what', ({ bytes, predecessor, successor }) => {
    const { network } = vectors('rotations');
    expect(acceptanceOf(bytes, network)).toEqual([true, true]);
    const [body] = items(hex(bytes)) as [Uint8Array];
    const [, , , old, , , , payload] = items(body) as Uint8Array[];
    expect([old, items(payload!)[0]]).toEqual([keyOfDid(predecessor), keyOfDid(successor)]);
  });

  it('rotations that only one key signed', () => {
    const refused = vectors('rotations').refused.filter(({ fault }) => fault === 'acceptance-wrong');
    expect(refused).toHaveLength(3);
    for (const { bytes } of refused)
      expect(acceptanceOf(bytes, vectors('rotations').network)).toEqual([true, false]);
  });

  it.each(vectors('sealed-boxes').valid)('box %#', (vector) => {
    const [sender, recipient] = [keyOf(vector.senderSeed), keyOf(vector.recipientSeed)];
    const text = openByNode(hex(vector.recipientSeed), sender, recipient, vector, hex(vector.bytes));
    expect(Buffer.from(text!).toString()).toBe(vector.text);
    const [, ephemeral] = items(hex(vector.bytes));
    expect(ephemeral).toEqual(nacl.scalarMult.base(hex(vector.ephemeralSecret)));
  });
});

/** Whether the old key signed, and whether the new one did. */
function acceptanceOf(bytes: string, network: string): boolean[] {
  const [body, signature] = items(hex(bytes)) as [Uint8Array, Uint8Array];
  const [, , , old, , , , payload] = items(body) as Uint8Array[];
  const [successor, acceptance] = items(payload!) as [Uint8Array, Uint8Array];
  const name = Buffer.from(network);
  const head = Buffer.from([0x83, 0x60 + name.length]);
  const key = Buffer.from([0x58, 0x20]);
  const accepted = Buffer.concat([head, name, key, old!, key, successor]);
  return [
    nacl.sign.detached.verify(signed('icn/rotation', body), signature, old!),
    nacl.sign.detached.verify(signed('icn/rotation-accepted', accepted), acceptance, successor),
  ];
}
