import type { CheckContext } from '../../check/check-context.js';
import { expect } from '../../check/step-failure.js';
import type { Part } from '../../course.js';
import { loadEnvelope } from '../envelope-module.js';
import { ada, atBobs, bob, eve, letter } from '../people.js';

async function checkForeign(context: CheckContext): Promise<void> {
  const { seal, open } = await loadEnvelope(context);
  expect(
    !open({ ...seal(eve, letter()), sender: ada.did }, atBobs),
    'Eve seals a letter and writes Ada’s name on it, and Bob takes it',
  );
  const withKey = { ...seal(eve, letter()), sender: ada.did, publicKey: eve.publicKey };
  expect(!open(withKey, atBobs), 'Eve writes Ada’s name and puts her own key beside it, and Bob takes it');
  const { signature } = seal(eve, letter({ sequence: 8 }));
  expect(
    !open({ ...seal(ada, letter()), signature }, atBobs),
    'a signature of Eve on a letter of Ada, and Bob takes it',
  );
  expect(
    open(seal(eve, letter()), atBobs),
    'Eve writes under her own name, and Bob refuses it: who may write is for him to ask, not for the envelope',
  );
}

async function checkAddressed(context: CheckContext): Promise<void> {
  const { seal, open } = await loadEnvelope(context);
  expect(
    !open(seal(ada, letter({ recipient: eve.did })), atBobs),
    'a letter to Eve, which Eve passed on to Bob, and he takes it as one to him',
  );
  expect(
    !open(seal(ada, letter({ recipient: '' })), atBobs),
    'a letter to nobody by an empty name, and Bob takes it',
  );
  expect(open(seal(ada, letter({ recipient: bob.did })), atBobs), 'a letter to Bob, and he refuses it');
  expect(open(seal(ada, letter({ recipient: null })), atBobs), 'a letter to all, and Bob refuses it');
}

async function checkNetwork(context: CheckContext): Promise<void> {
  const { seal, open } = await loadEnvelope(context);
  expect(
    !open(seal(ada, letter({ network: 'work' })), atBobs),
    'a letter of the network "work", and Bob takes it at "home"',
  );
  expect(
    open(seal(ada, letter({ network: 'work' })), { ...atBobs, network: 'work' }),
    'a letter of the network "work", and Bob refuses it there',
  );
}

export const wrongKey: Part = {
  id: 'wrong-key',
  title: 'Wrong key, wrong address',
  goal: 'A genuine signature is not enough: it has to be by the sender’s key, to this receiver, in this network.',
  file: 'envelope.ts',
  read: [{ path: 'docs/invariants.md', lookFor: 'which of the numbered rules are about who speaks.' }],
  question:
    'Ada invites Eve; Eve shows the invitation to Bob. What in the envelope tells Bob that it is none of his business?',
  steps: [
    {
      id: 'foreign',
      title: 'The key is the one that the sender’s DID names',
      hints: [
        'Who says which key is Ada’s: the envelope, or her name?',
        'The DID is the key. Verify with `publicKeyOf(envelope.sender)`, whatever else is in the envelope.',
        'Take no key from anywhere else, and look for no list of members here.',
      ],
      check: checkForeign,
    },
    {
      id: 'addressed',
      title: 'Only what is for this receiver',
      hints: [
        'The recipient is signed; has anybody read it?',
        'Take an envelope whose recipient is null (for all) or the receiver’s own DID.',
        '`if (envelope.recipient !== null && envelope.recipient !== receiver.did) return false;`',
      ],
      check: checkAddressed,
    },
    {
      id: 'network',
      title: 'Only what is of this network',
      hints: [
        'Two networks, one key. May what was said in one count in the other?',
        'Compare the network of the envelope with the receiver’s.',
        '`if (envelope.network !== receiver.network) return false;`',
      ],
      check: checkNetwork,
    },
  ],
};
