import type { Lab } from '../course.js';
import { did } from './parts/did.js';
import { replay } from './parts/replay.js';
import { sign } from './parts/sign.js';
import { tampering } from './parts/tampering.js';
import { wrongKey } from './parts/wrong-key.js';

export const lab06: Lab = {
  number: '06',
  id: 'lab-06-signed-envelope',
  title: 'Signed envelope',
  about:
    'A letter that says who wrote it, to whom and what for, that nobody can change, and that counts once.',
  parts: [did, sign, tampering, wrongKey, replay],
  wrong: [
    {
      id: 'two-spellings',
      mistake: 'a DID is decoded and never compared with its one spelling',
      caughtBy: 'did',
    },
    { id: 'payload-forgotten', mistake: 'the payload is cut to 32 bytes on the way', caughtBy: 'sign' },
    { id: 'sender-not-signed', mistake: 'the signature leaves out the sender', caughtBy: 'tampering' },
    {
      id: 'glued-fields',
      mistake: 'fields are put one after another without their lengths',
      caughtBy: 'tampering',
    },
    {
      id: 'any-recipient',
      mistake: 'nobody looks whether the envelope is for this node',
      caughtBy: 'wrong-key',
    },
    { id: 'zero-refused', mistake: 'sequence zero is refused for ever', caughtBy: 'replay' },
    { id: 'only-ascending', mistake: 'what comes out of order is refused', caughtBy: 'replay' },
    { id: 'guard-before-signature', mistake: 'a forged envelope moves the window', caughtBy: 'replay' },
    { id: 'remembers-all', mistake: 'all sequences are remembered for ever', caughtBy: 'replay' },
  ],
  production: [
    {
      path: 'packages/icn-identity/src/did.ts',
      beyond: 'refuses keys of small order, and bounds the work before it decodes.',
    },
    {
      path: 'packages/icn-identity/src/validity.ts',
      beyond: 'one rule of validity, the same in node:crypto and tweetnacl, which differ without it.',
    },
    {
      path: 'packages/icn-identity/src/envelope/envelope.ts',
      beyond: 'the envelope as it goes over the wire: one encoding, a time, and names for what is wrong.',
    },
    {
      path: 'packages/icn-identity/src/replay/replay-guard.ts',
      beyond: 'survives a restart: nothing is accepted before it is durable.',
    },
  ],
};
