// The text of an identity file, and of a backup. docs/protocol/identity.md has the format.
//
// Version 1 keeps the seed in the clear and relies on the mode of its file, as an ssh host key does:
//
//   {"version": 1, "did": "did:icn:z…", "seed": "<64 hexadecimal digits>"}
//
// Version 2 keeps it under a passphrase:
//
//   {"version": 2, "did": "did:icn:z…", "scrypt": {"logN": 17, "r": 8, "p": 1, "salt": "<64 digits>"},
//    "secretbox": {"nonce": "<48 digits>", "box": "<96 digits>"}, "checksum": "<64 digits>"}
//
// `did` is redundant on purpose: it tells a damaged seed from another person's, and who it is without a
// passphrase. The checksum tells a damaged file from a wrong passphrase. It has no key: whoever can write the
// file can make it fit, and gains no more than by deleting the file.

import { fromHex, toHex } from '../../bytes.js';
import { encodeCbor } from '../../cbor.js';
import { isDid, type Did } from '../../did.js';
import { IdentityError } from '../../identity-error.js';
import { keyPairFromSeed, type KeyPair } from '../../key-pair.js';
import { sha256 } from '../../sha256.js';
import { seedBytes } from '../../validity.js';
import {
  boxBytes,
  isAffordable,
  nonceBytes,
  openSeed,
  saltBytes,
  sealSeed,
  type ScryptCost,
  type SealedSeed,
} from './passphrase-box.js';

/** Five times the longest text of version 2; what is larger is not read. */
export const identityTextBytesMax = 4_096;

/** Who an identity text is of, and what it takes to speak in that name. */
export type StoredIdentity =
  | { readonly type: 'plain'; readonly did: Did; readonly keyPair: KeyPair }
  | { readonly type: 'sealed'; readonly did: Did; readonly sealed: SealedSeed };

const plainVersion = 1;
const sealedVersion = 2;
const checksumTag = new TextEncoder().encode('icn/keystore\0');

/** The text of a key pair in the clear. */
export function plainText({ did, seed }: KeyPair): string {
  return `${JSON.stringify({ version: plainVersion, did, seed: toHex(seed) })}\n`;
}

/** The text of a key pair under a passphrase. */
export async function sealedText(
  { did, seed }: KeyPair,
  passphrase: string,
  cost: ScryptCost | undefined,
): Promise<string> {
  return formatSealed(did, await sealSeed(seed, passphrase, cost));
}

export function formatSealed(did: Did, sealed: SealedSeed): string {
  const { cost, salt, nonce, box } = sealed;
  const { logN, r, p } = cost;
  return `${JSON.stringify({
    version: sealedVersion,
    did,
    scrypt: { logN, r, p, salt: toHex(salt) },
    secretbox: { nonce: toHex(nonce), box: toHex(box) },
    checksum: toHex(checksumOf(did, sealed)),
  })}\n`;
}

/**
 * Reads an identity text; `where` names it in messages, which never quote it.
 *
 * @throws IdentityError `identity-corrupt`, `identity-version`, `identity-cost`.
 */
export function parseIdentityText(text: string, where: string): StoredIdentity {
  const record = fieldsOf(parseJson(text, where), where);
  switch (record['version']) {
    case plainVersion:
      return parsePlain(record, where);
    case sealedVersion:
      return parseSealed(record, where);
    default:
      throw unknownVersion(record['version'], where);
  }
}

/**
 * The key pair of what was read.
 *
 * @throws IdentityError `identity-locked` without a passphrase where one is needed, `passphrase-wrong`,
 *   `passphrase-invalid`; `identity-corrupt` where the seed inside is not that of the DID outside.
 */
export async function openIdentity(
  stored: StoredIdentity,
  passphrase: string | undefined,
  where: string,
): Promise<KeyPair> {
  if (stored.type === 'plain') return stored.keyPair;
  if (passphrase === undefined)
    throw new IdentityError('identity-locked', `${where} is encrypted: give its passphrase`);
  const seed = await openSeed(stored.sealed, passphrase);
  if (seed === undefined)
    throw new IdentityError(
      'passphrase-wrong',
      `the passphrase is not that of ${where}, which is whole and unchanged`,
    );
  return keyPairOf(seed, stored.did, where);
}

/** Whose key a text holds, undefined where that cannot be told. */
export function didOfText(bytes: Uint8Array): Did | undefined {
  try {
    return parseIdentityText(new TextDecoder().decode(bytes), 'it').did;
  } catch {
    return undefined;
  }
}

function parsePlain({ did, seed }: Fields, where: string): StoredIdentity {
  const keyPair = keyPairOf(parseHex(seed, seedBytes, 'seed', where), did, where);
  return { type: 'plain', did: keyPair.did, keyPair };
}

function parseSealed({ did, scrypt, secretbox, checksum }: Fields, where: string): StoredIdentity {
  if (typeof did !== 'string' || !isDid(did)) throw corruptIdentity(where, 'it names no DID');
  const { logN, r, p, salt } = fieldsOf(scrypt, where);
  const { nonce, box } = fieldsOf(secretbox, where);
  const sealed = {
    cost: {
      logN: parseCount(logN, 'logN', where),
      r: parseCount(r, 'r', where),
      p: parseCount(p, 'p', where),
    },
    salt: parseHex(salt, saltBytes, 'salt', where),
    nonce: parseHex(nonce, nonceBytes, 'nonce', where),
    box: parseHex(box, boxBytes, 'box', where),
  };
  if (checksum !== toHex(checksumOf(did, sealed)))
    throw corruptIdentity(where, 'its checksum is not that of its content');
  if (!isAffordable(sealed.cost)) {
    throw new IdentityError(
      'identity-cost',
      `${where} asks for more memory or work than any that this release writes: it was not made by icn`,
    );
  }
  return { type: 'sealed', did, sealed };
}

/** Covers all that is outside the box, and the box. */
function checksumOf(did: Did, { cost: { logN, r, p }, salt, nonce, box }: SealedSeed): Uint8Array {
  return sha256(checksumTag, encodeCbor([sealedVersion, did, logN, r, p, salt, nonce, box]));
}

/** The pair of a seed, which is wiped. */
function keyPairOf(seed: Uint8Array, did: unknown, where: string): KeyPair {
  const keyPair = keyPairFromSeed(seed);
  seed.fill(0);
  if (did === keyPair.did) return keyPair;
  keyPair.seed.fill(0);
  throw corruptIdentity(where, 'its seed is not that of its DID');
}

type Fields = Readonly<Record<string, unknown>>;

/** Drops the error of JSON.parse, which quotes the text and with it the seed. */
function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw corruptIdentity(where, 'it is not JSON');
  }
}

function fieldsOf(value: unknown, where: string): Fields {
  if (typeof value === 'object' && value !== null) return value as Fields;
  throw corruptIdentity(where, 'an object of the format is missing');
}

function parseCount(value: unknown, name: string, where: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
  throw corruptIdentity(where, `its ${name} is not a whole number from 1`);
}

function parseHex(value: unknown, byteCount: number, name: string, where: string): Uint8Array {
  if (typeof value === 'string' && value.length === 2 * byteCount && /^[0-9a-f]+$/.test(value))
    return fromHex(value);
  throw corruptIdentity(where, `its ${name} is not ${2 * byteCount} hexadecimal digits`);
}

function unknownVersion(version: unknown, where: string): IdentityError {
  if (typeof version !== 'number' || version <= sealedVersion)
    return corruptIdentity(where, 'it names no version');
  return new IdentityError(
    'identity-version',
    `${where} has version ${version}, newer than ${sealedVersion}: use a newer release of icn`,
  );
}

/** The error of what is damaged. */
export function corruptIdentity(where: string, why: string): IdentityError {
  return new IdentityError(
    'identity-corrupt',
    `${where} is damaged: ${why}. It was left as it is: restore it from a backup, ` +
      'or move it away to start with a new identity',
  );
}
