import { createHash } from 'node:crypto';
import { base58 } from '@scure/base';
import { exported, type CheckContext } from '../../check/check-context.js';
import { expect, expectSame, shown } from '../../check/step-failure.js';
import type { Part } from '../../course.js';
import { person } from '../people.js';

type DidOf = (publicKey: Uint8Array) => string;
type PublicKeyOf = (did: string) => Uint8Array | undefined;

const people = Array.from({ length: 20 }, (_, index) => person(index + 1));

async function checkName(context: CheckContext): Promise<void> {
  const didOf = await exported<DidOf>(context, 'did', 'didOf');
  for (const { publicKey, did } of people)
    expectSame(didOf(publicKey), did, `the DID of the key ${Buffer.from(publicKey).toString('hex')}`);
  const zeros = new Uint8Array(32);
  zeros[31] = 9;
  expectSame(
    didOf(zeros),
    `did:icn:z${base58.encode(zeros)}`,
    'a key that begins with zero bytes keeps them: each is a `1` in base58',
  );
}

async function checkRead(context: CheckContext): Promise<void> {
  const publicKeyOf = await exported<PublicKeyOf>(context, 'did', 'publicKeyOf');
  for (const { publicKey, did } of people)
    expectSame(
      Buffer.from(publicKeyOf(did) ?? []).toString('hex'),
      Buffer.from(publicKey).toString('hex'),
      `the key of ${did}`,
    );
}

async function checkSpelling(context: CheckContext): Promise<void> {
  const publicKeyOf = await exported<PublicKeyOf>(context, 'did', 'publicKeyOf');
  const { did, publicKey } = people[0]!;
  const encoded = did.slice('did:icn:z'.length);
  const others: readonly (readonly [string, string])[] = [
    ['nothing', ''],
    ['another method', did.replace('icn', 'key')],
    ['capitals', did.replace('did:icn', 'DID:ICN')],
    ['no z, which says that base58 follows', `did:icn:${encoded}`],
    ['hexadecimal', `did:icn:f${Buffer.from(publicKey).toString('hex')}`],
    ['a space before', ` ${did}`],
    ['a space after', `${did} `],
    ['a line end', `${did}\n`],
    ['a letter that base58 leaves out', `did:icn:z${encoded.slice(0, -1)}0`],
    ['31 bytes', `did:icn:z${base58.encode(publicKey.slice(1))}`],
    ['33 bytes', `did:icn:z${base58.encode(Uint8Array.of(1, ...publicKey))}`],
    ['a leading zero byte more', `did:icn:z1${encoded}`],
    ['a fragment', `${did}#key-1`],
    ['the key of a hash', `did:icn:z${createHash('sha256').update(publicKey).digest('base64')}`],
  ];
  for (const [what, text] of others) {
    let key: Uint8Array | undefined;
    try {
      key = publicKeyOf(text);
    } catch (error) {
      expect(false, `${what}: ${shown(text)} is no DID, and publicKeyOf throws: ${String(error)}`);
    }
    expect(key === undefined, `${what}: ${shown(text)} is no DID, and is read as a key`);
  }
}

async function checkLong(context: CheckContext): Promise<void> {
  const publicKeyOf = await exported<PublicKeyOf>(context, 'did', 'publicKeyOf');
  const startedMs = performance.now();
  expect(
    publicKeyOf(`did:icn:z${'z'.repeat(200_000)}`) === undefined,
    'a text of 200,000 characters is read as a key',
  );
  const tookMs = performance.now() - startedMs;
  expect(
    tookMs < 1_000,
    `a text of 200,000 characters kept the node busy for ${Math.round(tookMs)} ms: decoding base58 takes time quadratic in the length, and anybody may send you such a text`,
  );
}

export const did: Part = {
  id: 'did',
  title: 'One spelling of a DID',
  goal: 'A DID is `did:icn:z` and the base58 of a 32-byte Ed25519 public key. Each key has exactly one spelling, so two DIDs can be compared as texts.',
  file: 'did.ts',
  read: [
    {
      path: 'packages/icn-identity/src/did.ts',
      lookFor: 'what is checked before anything is decoded.',
      isAfter: true,
    },
  ],
  question: 'A list of members is kept as texts. What can somebody do whose key has 23 spellings?',
  steps: [
    {
      id: 'name',
      title: 'didOf: the name of a key',
      hints: [
        'A prefix and an encoding. Which encoding has neither 0 nor O, neither l nor I?',
        '`base58` of `@scure/base` has `encode`, from bytes to text.',
        '`return `did:icn:z${base58.encode(publicKey)}`;`',
      ],
      check: checkName,
    },
    {
      id: 'read',
      title: 'publicKeyOf: the key of a name',
      hints: [
        'The way back: what has to be taken off before you decode?',
        '`base58.decode(did.slice(prefix.length))` gives the bytes.',
        'Return the bytes if there are 32 of them, else undefined.',
      ],
      check: checkRead,
    },
    {
      id: 'spelling',
      title: 'Every other spelling is refused',
      hints: [
        'You could list what is wrong with each of these texts. There is a way to refuse them all at once.',
        'Read the text, then write the key again: if that gives another text, it was not the one spelling. What the decoder throws at is no DID either.',
        '`try { const key = base58.decode(…); return key.length === 32 && didOf(key) === did ? key : undefined; } catch { return undefined; }` behind `if (!did.startsWith(prefix)) return undefined;`',
      ],
      check: checkSpelling,
    },
    {
      id: 'long',
      title: 'A long text costs nothing',
      hints: [
        'Who chooses how long the text is that you decode?',
        '32 bytes are at most 44 characters in base58. What is longer need not be decoded to know that it is wrong.',
        '`if (did.length > prefix.length + 44) return undefined;` before anything is decoded.',
      ],
      check: checkLong,
    },
  ],
};
