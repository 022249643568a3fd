import { keyPairFromSeed } from '@icn/identity';
import type { KeyPair, Letter } from './contract.js';

export interface Person extends KeyPair {
  /** In the spelling of `@icn/identity`. */
  readonly did: string;
}

/** Somebody with a key of their own, always the same for one number. */
export function person(number: number): Person {
  const seed = new Uint8Array(32).fill(number);
  const { publicKey, did } = keyPairFromSeed(seed);
  return { seed, publicKey, did };
}

export const [ada, bob, eve] = [person(1), person(2), person(3)] as const;

export function letter(changes: Partial<Letter> = {}): Letter {
  const payload = new TextEncoder().encode(
    'Bread at six, in the yard of the mill, and bring the big basket.',
  );
  return { purpose: 'invitation', network: 'home', recipient: bob.did, sequence: 7, payload, ...changes };
}

export const atBobs = { did: bob.did, network: 'home' };
