/** Bounds and waits of dialling. */
export interface DiallerLimits {
  /** Peers and addresses worth dialling that are remembered. */
  readonly candidatesMax: number;
  readonly addressesPerCandidateMax: number;
  /** Dials under way at once; more wait their turn. */
  readonly dialsMax: number;
  /** A hint that failed so often in a row is forgotten; discovery brings it back if it lives. */
  readonly hintFailuresMax: number;
  /** The first wait after a failure; it doubles with each, and half of it is drawn at random. */
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  /** The longest wait for a peer that was up a short time ago, so that the end of a cut is noticed soon. */
  readonly backoffRecentMaxMs: number;
  readonly recentMs: number;
  /** How long a peer's preferred transport has before the next one is dialled beside it, and each other address after that. */
  readonly fallbackDelayMs: number;
  readonly attemptDelayMs: number;
  /** How long a dial to a peer that was up a short time ago may take, besides three times what it took before. */
  readonly recentDialMs: number;
  /** Of two that find each other, the one with the larger DID waits so long, so that one connection is made and not two. */
  readonly yieldMs: number;
}

/**
 * `backoffRecentMaxMs` follows from the goal of meeting again within a second of the end of a cut, and with it `recentDialMs`: a
 * dial that began in the cut asks again after 1, 2 and 4 s only. `fallbackDelayMs` lets one lost first datagram be sent again
 * (after 999 ms: RFC 9002 §6.2.2) and answered; `attemptDelayMs` is that of RFC 8305 §5. The rest are guesses.
 */
export const defaultDiallerLimits: DiallerLimits = {
  candidatesMax: 1_024,
  addressesPerCandidateMax: 8,
  dialsMax: 32,
  hintFailuresMax: 8,
  backoffFirstMs: 250,
  backoffMaxMs: 15_000,
  backoffRecentMaxMs: 900,
  recentMs: 300_000,
  fallbackDelayMs: 1_500,
  attemptDelayMs: 250,
  recentDialMs: 600,
  yieldMs: 400,
};
