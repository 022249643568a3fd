import { exported, type CheckContext } from '../check/check-context.js';
import type { Envelope, KeyPair, Letter, Receiver } from './contract.js';

/** `envelope.ts`, as the starter declares it. */
export interface EnvelopeModule {
  readonly bytesToSign: (sender: string, letter: Letter) => Uint8Array;
  readonly seal: (keyPair: KeyPair, letter: Letter) => Envelope;
  readonly open: (envelope: Envelope, receiver: Receiver) => boolean;
}

export async function loadEnvelope(context: CheckContext): Promise<EnvelopeModule> {
  return {
    bytesToSign: await exported(context, 'envelope', 'bytesToSign'),
    seal: await exported(context, 'envelope', 'seal'),
    open: await exported(context, 'envelope', 'open'),
  };
}

/** Letters that differ from each other in one field. */
export function changedOneByOne(letter: Letter, stranger: string): readonly (readonly [string, Letter])[] {
  const flipped = Uint8Array.from(letter.payload);
  flipped[40] = flipped[40]! ^ 1;
  return [
    ['purpose', { ...letter, purpose: `${letter.purpose}s` }],
    ['network', { ...letter, network: 'work' }],
    ['recipient', { ...letter, recipient: stranger }],
    ['recipient, to nobody in particular', { ...letter, recipient: null }],
    ['sequence', { ...letter, sequence: letter.sequence + 1 }],
    ['sequence, by 2 to the 32', { ...letter, sequence: letter.sequence + 2 ** 32 }],
    ['payload, one bit', { ...letter, payload: flipped }],
    ['payload, one byte less', { ...letter, payload: letter.payload.slice(0, -1) }],
    ['payload, one byte more', { ...letter, payload: Uint8Array.of(...letter.payload, 0) }],
  ];
}
