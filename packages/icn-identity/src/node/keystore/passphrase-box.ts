// A seed under a passphrase: scrypt (RFC 7914) makes a key of the passphrase, and secretbox (XSalsa20-Poly1305)
// seals the seed with it. The cost is kept beside the box, so that it can grow with the years and old boxes open.

import { scrypt } from 'node:crypto';
import nacl from 'tweetnacl';

import { IdentityError } from '../../identity-error.js';
import { randomBytes } from '../../random-bytes.js';
import { seedBytes } from '../../validity.js';

/** What a guess at the passphrase costs: 2^logN · r · p rounds over 128 · r · (2^logN + p) bytes of memory. */
export interface ScryptCost {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

/** A sealed seed, and all but the passphrase that it takes to open it. */
export interface SealedSeed {
  readonly cost: ScryptCost;
  /** 32 bytes. */
  readonly salt: Uint8Array;
  /** 24 bytes. */
  readonly nonce: Uint8Array;
  /** The 16 bytes of Poly1305, and the 32 of the seed encrypted. */
  readonly box: Uint8Array;
}

/** 128 MiB and half a second: the first choice of the OWASP Password Storage Cheat Sheet for scrypt. */
export const defaultCost: ScryptCost = { logN: 17, r: 8, p: 1 };

/** Twice what the default takes: a hostile file must not make a small machine swap. */
const scryptMemoryBytesMax = 268_435_456;

/** Four times the default, in 2^logN · r · p: two seconds. */
const scryptWorkMax = 4_194_304;

/** What {@link SealedSeed} is made of, in bytes. */
export const saltBytes = 32;
export const nonceBytes = nacl.secretbox.nonceLength;
export const boxBytes = nacl.secretbox.overheadLength + seedBytes;

/** A whole paragraph; a guess. Longer texts are rather a file that was named by mistake. */
const passphraseBytesMax = 1_024;

/** Of a new passphrase, in characters: NIST SP 800-63B §5.1.1.1. Old ones are taken as they are. */
const newPassphraseLengthMin = 8;

/**
 * Says whether a cost is one that scrypt has (RFC 7914 §2 and §6), and that {@link openSeed} grants. What it has not
 * must not reach OpenSSL, whose error then stays with the thread and is thrown by the next import of a key.
 */
export function isAffordable({ logN, r, p }: ScryptCost): boolean {
  if (![logN, r, p].every((value) => Number.isInteger(value) && value >= 1)) return false;
  if (logN > 30 || logN >= 16 * r) return false;
  const N = 2 ** logN;
  return 128 * r * (N + p) <= scryptMemoryBytesMax && N * r * p <= scryptWorkMax;
}

/**
 * Says why a text cannot become somebody's passphrase.
 *
 * @throws IdentityError `passphrase-invalid` below 8 characters, above 1,024 bytes, or with lone surrogates.
 */
export function assertNewPassphrase(passphrase: string): void {
  passphraseBytes(passphrase).fill(0);
  if (Array.from(passphrase).length < newPassphraseLengthMin) {
    throw new IdentityError(
      'passphrase-invalid',
      `a new passphrase has at least ${newPassphraseLengthMin} characters; several words are better than one`,
    );
  }
}

/** Seals a seed under a passphrase; salt and nonce are fresh unless given, which is for test vectors alone. */
export async function sealSeed(
  seed: Uint8Array,
  passphrase: string,
  cost: ScryptCost = defaultCost,
  salt: Uint8Array = randomBytes(saltBytes),
  nonce: Uint8Array = randomBytes(nonceBytes),
): Promise<SealedSeed> {
  const key = await deriveKey(passphrase, cost, salt);
  try {
    return { cost, salt, nonce, box: nacl.secretbox(seed, nonce, key) };
  } finally {
    key.fill(0);
  }
}

/** Opens a box into 32 bytes that are the caller's to wipe; undefined where the passphrase is another. */
export async function openSeed(
  { cost, salt, nonce, box }: SealedSeed,
  passphrase: string,
): Promise<Uint8Array | undefined> {
  const key = await deriveKey(passphrase, cost, salt);
  try {
    return nacl.secretbox.open(box, nonce, key) ?? undefined;
  } finally {
    key.fill(0);
  }
}

async function deriveKey(passphrase: string, cost: ScryptCost, salt: Uint8Array): Promise<Uint8Array> {
  if (!isAffordable(cost)) throw new IdentityError('identity-cost', 'scrypt would take too much');
  const secret = passphraseBytes(passphrase);
  const { r, p } = cost;
  const N = 2 ** cost.logN;
  // OpenSSL counts two blocks beside those of RFC 7914.
  const options = { N, r, p, maxmem: 128 * r * (N + p + 2) };
  try {
    return await new Promise((resolve, reject) => {
      scrypt(secret, salt, nacl.secretbox.keyLength, options, (error, key) => {
        if (error === null) resolve(new Uint8Array(key.buffer, key.byteOffset, key.length));
        else reject(error);
      });
    });
  } catch (cause) {
    const why = (cause as Error).message;
    throw new IdentityError('identity-cost', `this machine does not grant what scrypt takes: ${why}`, {
      cause,
    });
  } finally {
    secret.fill(0);
  }
}

/** UTF-8 in normal form C, so that a passphrase is the same from every keyboard (RFC 8265 §4.2.2). */
function passphraseBytes(passphrase: string): Uint8Array {
  if (passphrase.length > passphraseBytesMax || /\p{Surrogate}/u.test(passphrase)) throw notAPassphrase();
  const bytes = new TextEncoder().encode(passphrase.normalize('NFC'));
  if (bytes.length > 0 && bytes.length <= passphraseBytesMax) return bytes;
  bytes.fill(0);
  throw notAPassphrase();
}

function notAPassphrase(): IdentityError {
  return new IdentityError('passphrase-invalid', `a passphrase is 1 to ${passphraseBytesMax} bytes of text`);
}
