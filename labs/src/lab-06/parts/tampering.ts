import type { CheckContext } from '../../check/check-context.js';
import { expect } from '../../check/step-failure.js';
import type { Part } from '../../course.js';
import type { Envelope } from '../contract.js';
import { changedOneByOne, loadEnvelope } from '../envelope-module.js';
import { ada, atBobs, bob, eve, letter } from '../people.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

async function checkCovered(context: CheckContext): Promise<void> {
  const { bytesToSign } = await loadEnvelope(context);
  const sent = letter();
  const signed = hex(bytesToSign(ada.did, sent));
  expect(
    hex(bytesToSign(ada.did, letter())) === signed,
    'bytesToSign gives other bytes for the same letter: nobody could verify it',
  );
  for (const [field, changed] of changedOneByOne(sent, eve.did))
    expect(
      hex(bytesToSign(ada.did, changed)) !== signed,
      `two letters that differ in their ${field} are signed as the same bytes: whoever carries one can change it into the other`,
    );
  expect(
    hex(bytesToSign(eve.did, sent)) !== signed,
    'a letter of Ada and one of Eve are signed as the same bytes: the signature leaves out the sender. With Ed25519 alone that goes well by luck; with other schemes a second key can be found under which a signature is valid too, and its owner claims the letter',
  );
}

async function checkUnambiguous(context: CheckContext): Promise<void> {
  const { bytesToSign } = await loadEnvelope(context);
  const bytes = (text: string) => new TextEncoder().encode(text);
  const pairs = [
    ['purpose and network', letter({ purpose: 'ab', network: 'c' }), letter({ purpose: 'a', network: 'bc' })],
    [
      'purpose and network, with a separator',
      letter({ purpose: 'a|b', network: 'c' }),
      letter({ purpose: 'a', network: 'b|c' }),
    ],
    [
      'purpose and network, with a zero byte',
      letter({ purpose: 'a\0b', network: 'c' }),
      letter({ purpose: 'a', network: 'b\0c' }),
    ],
    [
      'purpose and network, with a quote',
      letter({ purpose: 'a","b', network: 'c' }),
      letter({ purpose: 'a', network: 'b","c' }),
    ],
    [
      'recipient and payload',
      letter({ recipient: `${bob.did}x`, payload: bytes('y') }),
      letter({ recipient: bob.did, payload: bytes('xy') }),
    ],
    ['no recipient and an empty one', letter({ recipient: null }), letter({ recipient: '' })],
    ['no recipient and one named null', letter({ recipient: null }), letter({ recipient: 'null' })],
    [
      'sequence and payload',
      letter({ sequence: 1, payload: bytes('23') }),
      letter({ sequence: 12, payload: bytes('3') }),
    ],
  ] as const;
  for (const [what, one, other] of pairs)
    expect(
      hex(bytesToSign(ada.did, one)) !== hex(bytesToSign(ada.did, other)),
      `two different letters are signed as the same bytes, because it cannot be told where one field ends: ${what}`,
    );
}

async function checkAltered(context: CheckContext): Promise<void> {
  const { seal, open } = await loadEnvelope(context);
  const sent = letter({ recipient: null });
  const envelope = seal(ada, sent);
  const accepts = (changed: Envelope) => open(changed, atBobs);
  for (const [field, changed] of changedOneByOne(sent, bob.did)) {
    const isSame = JSON.stringify(changed) === JSON.stringify(sent);
    if (!isSame)
      expect(
        !accepts({ ...envelope, ...changed }),
        `somebody changed the ${field} on the way, and Bob takes it`,
      );
  }
  for (const index of [0, 31, 32, 63]) {
    const signature = Uint8Array.from(envelope.signature);
    signature[index] = signature[index]! ^ 4;
    expect(
      !accepts({ ...envelope, signature }),
      `somebody changed byte ${index} of the signature, and Bob takes it`,
    );
  }
  expect(accepts(envelope), 'nobody changed anything, and Bob refuses it');
}

async function checkHostile(context: CheckContext): Promise<void> {
  const { seal, open } = await loadEnvelope(context);
  const envelope = seal(ada, letter());
  const hostile: readonly (readonly [string, Envelope])[] = [
    ['no signature', { ...envelope, signature: new Uint8Array() }],
    ['a signature of 63 bytes', { ...envelope, signature: envelope.signature.slice(0, 63) }],
    ['a signature of 65 bytes', { ...envelope, signature: Uint8Array.of(...envelope.signature, 0) }],
    ['a sender that is no DID', { ...envelope, sender: 'Ada' }],
    ['an empty sender', { ...envelope, sender: '' }],
    ['a sequence below zero', { ...envelope, sequence: -1 }],
    ['half a sequence', { ...envelope, sequence: 0.5 }],
    ['a sequence that is no number', { ...envelope, sequence: Number.NaN }],
    ['a sequence without end', { ...envelope, sequence: Number.POSITIVE_INFINITY }],
  ];
  for (const [what, changed] of hostile) {
    let isTaken: boolean;
    try {
      isTaken = open(changed, atBobs);
    } catch (error) {
      return expect(
        false,
        `open throws at ${what}: ${String(error)}. What a stranger sends must never throw`,
      );
    }
    expect(!isTaken, `open takes an envelope with ${what}`);
  }
}

export const tampering: Part = {
  id: 'tampering',
  title: 'Tampering',
  goal: 'Nothing of an envelope can be changed on the way: what is signed covers every field, and no two letters are signed as the same bytes.',
  file: 'envelope.ts',
  read: [
    {
      path: 'docs/protocol/entry.md',
      lookFor: 'how the header of an entry becomes bytes: one encoding, and no other is accepted.',
    },
  ],
  question:
    'You could sign JSON.stringify of the letter. What would another implementation, in another language, have to do exactly as yours?',
  steps: [
    {
      id: 'covered',
      title: 'Every field is signed, the sender too',
      hints: [
        'Six things make this envelope what it is. Count the ones that you put into the bytes.',
        'Purpose, network, sender, recipient, sequence, payload: each has to change the bytes.',
        'Make a list of byte arrays, `encoder.encode(letter.purpose)`, `encoder.encode(sender)` and so on; the sequence as 8 bytes; then join them.',
      ],
      check: checkCovered,
    },
    {
      id: 'unambiguous',
      title: 'No two letters give the same bytes',
      hints: [
        'Put `ab` and `c` one after another, then `a` and `bc`. Who can tell which it was?',
        'A separator does not help when it may be part of a field. Put the length of each field in front of it; and a byte that says whether there is a recipient.',
        '`fields.flatMap((field) => [lengthOf(field), field])` joined by `Buffer.concat`, where `lengthOf` is 4 bytes from `DataView.setUint32`; and the field `Uint8Array.of(letter.recipient === null ? 0 : 1)`.',
      ],
      check: checkUnambiguous,
    },
    {
      id: 'altered',
      title: 'What was altered is refused',
      hints: [
        'If every field is in the bytes, verifying is all it takes. What do you verify over: what came, or what you remember?',
        'Call `bytesToSign` with the fields of the envelope that came.',
        '`nacl.sign.detached.verify(bytesToSign(envelope.sender, envelope), envelope.signature, publicKey)` and nothing that returns true before it.',
      ],
      check: checkAltered,
    },
    {
      id: 'hostile',
      title: 'Nothing that a stranger sends throws',
      hints: [
        'Libraries throw at what they cannot work with. Which of these arguments may they never see?',
        'tweetnacl throws at a signature that has not 64 bytes, and BigInt at what is no whole number. Check before you call.',
        '`if (envelope.signature.length !== 64) return false;` and `if (!Number.isSafeInteger(envelope.sequence) || envelope.sequence < 0) return false;`, both before verifying.',
      ],
      check: checkHostile,
    },
  ],
};
