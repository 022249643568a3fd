import { createPublicKey, verify } from 'node:crypto';
import type { CheckContext } from '../../check/check-context.js';
import { expect, expectSame } from '../../check/step-failure.js';
import type { Part } from '../../course.js';
import { loadEnvelope } from '../envelope-module.js';
import { ada, atBobs, letter, type Person } from '../people.js';

async function checkSeal(context: CheckContext): Promise<void> {
  const { seal } = await loadEnvelope(context);
  const sent = letter();
  const envelope = seal(ada, sent);
  expectSame(envelope.sender, ada.did, 'the sender of what Ada seals');
  for (const field of ['purpose', 'network', 'recipient', 'sequence', 'payload'] as const)
    expectSame(envelope[field], sent[field], `the ${field} of the envelope is that of the letter`);
  expect(
    envelope.signature instanceof Uint8Array && envelope.signature.length === 64,
    'the signature is 64 bytes',
  );
}

async function checkSignature(context: CheckContext): Promise<void> {
  const { seal, bytesToSign } = await loadEnvelope(context);
  for (const sequence of [0, 1, 2 ** 40]) {
    const envelope = seal(ada, letter({ sequence }));
    const isValid = verify(null, bytesToSign(envelope.sender, envelope), keyObject(ada), envelope.signature);
    expect(
      isValid,
      `the signature of the letter with sequence ${sequence} is not one of Ada’s over what bytesToSign gives, says node:crypto`,
    );
  }
}

async function checkOpen(context: CheckContext): Promise<void> {
  const { seal, open } = await loadEnvelope(context);
  for (const changes of [
    {},
    { sequence: 0 },
    { recipient: null },
    { payload: new Uint8Array() },
    { payload: new Uint8Array(5_000).fill(7) },
  ]) {
    const envelope = seal(ada, letter(changes));
    expectSame(
      open(envelope, atBobs),
      true,
      `Bob opens what Ada sealed, with ${JSON.stringify(Object.keys(changes))} changed from the usual letter`,
    );
  }
}

function keyObject({ publicKey }: Person) {
  const x = Buffer.from(publicKey).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}

export const sign: Part = {
  id: 'sign',
  title: 'Sign and verify',
  goal: 'Ada seals a letter, and Bob can tell that it is hers.',
  file: 'envelope.ts',
  read: [
    {
      path: 'packages/icn-identity/src/signature.ts',
      lookFor: 'what stands in front of every message that is signed, and why.',
    },
    { path: 'labs/src/lab-06/contract.ts', lookFor: 'the fields of a letter and of an envelope.' },
  ],
  question: 'The envelope carries no key. Where does Bob get the one to verify with?',
  steps: [
    {
      id: 'seal',
      title: 'seal keeps the letter, and says who sends it',
      hints: [
        'An envelope is the letter with two fields more.',
        'The sender is the DID of the key pair’s public key (part 1). For the signature, make bytes of the letter first: that is `bytesToSign`.',
        '`return { ...letter, sender, signature: nacl.sign.detached(bytesToSign(sender, letter), secretKey) };` with `secretKey` of `nacl.sign.keyPair.fromSeed(seed)`.',
      ],
      check: checkSeal,
    },
    {
      id: 'signature',
      title: 'The signature is Ed25519 over bytesToSign',
      hints: [
        'Another implementation looks at your signature here. Do both sign the same bytes?',
        'Sign the bytes themselves, not a hash or hex of them, and call `bytesToSign` again when you verify instead of keeping what you had.',
        '`bytesToSign` must handle sequences above 2 to the 32: `new DataView(bytes.buffer).setBigUint64(0, BigInt(letter.sequence))`.',
      ],
      check: checkSignature,
    },
    {
      id: 'open',
      title: 'open accepts what was sealed',
      hints: [
        'Which key made the signature? The envelope names it.',
        '`publicKeyOf(envelope.sender)`, then verify over `bytesToSign(envelope.sender, envelope)`.',
        '`nacl.sign.detached.verify(bytesToSign(envelope.sender, envelope), envelope.signature, publicKey)` where publicKey is not undefined.',
      ],
      check: checkOpen,
    },
  ],
};
