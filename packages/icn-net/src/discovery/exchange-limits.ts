import type { BucketLimits } from '../token-bucket.js';
import type { SharedAddressesLimits } from './shared-addresses.js';

/** Bounds of peer exchange. */
export interface ExchangeLimits extends SharedAddressesLimits {
  /** Addresses in one answer, and wanted by one request; at most 32. */
  readonly answerAddressesMax: number;
  /** Answers that one peer gets. */
  readonly answers: BucketLimits;
  /** Candidates that one peer yields, and all of them. */
  readonly candidatesOfPeer: BucketLimits;
  readonly candidatesOfAll: BucketLimits;
  /** Between two requests to one peer. */
  readonly requestPauseMs: number;
  /** How long an answer may take. */
  readonly answerTimeoutMs: number;
  /** Peers whose rates are remembered, connected or not: who comes again begins where it was. */
  readonly budgetsMax: number;
  /** Candidates that are not told twice, for so long; of too many the oldest is forgotten first. */
  readonly toldMax: number;
  readonly toldAgeMaxMs: number;
}

/**
 * All guesses. 16 addresses are three times the neighbours that a topic keeps (5); two requests at once and one a minute are
 * ten times what an honest peer sends; 32 and then 32 an hour is one answer each half hour that is all new; 128 are four
 * such peers at once, half of the connections that a node holds (256).
 */
export const defaultExchangeLimits: ExchangeLimits = {
  answerAddressesMax: 16,
  answers: { burst: 2, perSecond: 1 / 60 },
  candidatesOfPeer: { burst: 32, perSecond: 32 / 3_600 },
  candidatesOfAll: { burst: 128, perSecond: 128 / 3_600 },
  requestPauseMs: 300_000,
  answerTimeoutMs: 30_000,
  sharedPeersMax: 256,
  shareAgeMaxMs: 3_600_000,
  budgetsMax: 1_024,
  toldMax: 1_024,
  toldAgeMaxMs: 3_600_000,
};
