import type { Did } from '@icn/identity';
import { formatAddress, type Address } from './address.js';

/** Somebody worth dialling: a peer, or before its DID is known an address. */
export interface Candidate {
  /** The newest first. */
  readonly addresses: Map<string, Address>;
  /** Those of them that the operator named: while there is one, it is never given up. */
  readonly kept: Set<string>;
  peer: Did | undefined;
  /** Only other peers said that it is there: it is dialled while this node knows few. */
  isRumour: boolean;
  failureCount: number;
  /** What the last dial took that succeeded; `Infinity` before there was one. */
  dialTookMs: number;
  /** The last dial that succeeded did so by a transport that is not the best, because the best said nothing. */
  isBestSilent: boolean;
  lastUpAtMs: number;
  timer: NodeJS.Timeout | undefined;
  /** Set while a dial is under way or waits for its turn. */
  dialling: AbortController | undefined;
  isForgotten: boolean;
  /** Somebody waits for this peer: each of its addresses is tried without pause, then it is unreachable. */
  reach: { attemptsLeft: number; readonly done: (isReached: boolean) => void } | undefined;
}

export function createCandidate(peer: Did | undefined): Candidate {
  return {
    addresses: new Map(),
    kept: new Set(),
    peer,
    isRumour: true,
    failureCount: 0,
    dialTookMs: Infinity,
    isBestSilent: false,
    lastUpAtMs: -Infinity,
    timer: undefined,
    dialling: undefined,
    isForgotten: false,
    reach: undefined,
  };
}

/** The newest address comes first; of too many, the oldest that the operator did not name is forgotten. */
export function rememberAddress(
  { addresses, kept }: Candidate,
  address: Address,
  keep: boolean,
  countMax: number,
): void {
  const text = formatAddress(address);
  if (keep) kept.add(text);
  const others = [...addresses].filter(([known]) => known !== text);
  addresses.clear();
  for (const [key, value] of [[text, address] as const, ...others]) addresses.set(key, value);
  const spare = others.filter(([key]) => !kept.has(key)).toReversed();
  const surplus = Math.max(0, addresses.size - countMax);
  for (const [key] of spare.slice(0, surplus)) addresses.delete(key);
}

/** Tells who waits for the peer, if anybody does. */
export function settleReach(candidate: Candidate, isReached: boolean): void {
  const { reach } = candidate;
  candidate.reach = undefined;
  reach?.done(isReached);
}
