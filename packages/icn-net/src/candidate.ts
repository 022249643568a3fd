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
  /** When the timer fires, on the clock of `performance.now()`. */
  dialAtMs: number;
  /** Set while a dial is under way or waits for its turn. */
  dialling: AbortController | undefined;
  isForgotten: boolean;
  /** Somebody waits for this peer: each of its addresses is tried without pause, then it is unreachable. */
  reach: { attemptsLeft: number; readonly done: (isReached: boolean) => void } | undefined;
}

/** Somebody worth dialling who is not connected. */
export interface SoughtPeer {
  readonly did: Did | undefined;
  /** The newest first. */
  readonly addresses: readonly Address[];
  readonly isDialling: boolean;
  /** Until the next dial; 0 while one is under way, or waits for its turn. */
  readonly nextDialInMs: number;
  /** Dials that failed since the peer was up. */
  readonly failureCount: number;
  /** The operator named it. */
  readonly isKept: boolean;
}

/** What there is to say of a candidate to people. */
export function soughtPeer(candidate: Candidate, nowMs: number): SoughtPeer {
  const { peer, addresses, dialling, dialAtMs, failureCount, kept } = candidate;
  const isDialling = dialling !== undefined;
  const nextDialInMs = isDialling ? 0 : Math.max(0, dialAtMs - nowMs);
  return {
    did: peer,
    addresses: [...addresses.values()],
    isDialling,
    nextDialInMs,
    failureCount,
    isKept: kept.size > 0,
  };
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
    dialAtMs: 0,
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
