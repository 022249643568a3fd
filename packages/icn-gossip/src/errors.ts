export type GossipErrorCode =
  | 'topic-invalid'
  | 'payload-too-large'
  /** No payload, or more than `submissionEntriesMax` in one submission. */
  | 'submission-invalid'
  | 'not-joined'
  | 'topic-full'
  | 'access-not-yet'
  /** This node's own log of the topic is closed: it forked too often (I9). It stays so. */
  | 'log-closed'
  /** Another live node publishes with this node's DID. Stop one of the two, then start this one again (I8). */
  | 'own-did-elsewhere'
  /** Too much waits for what peers hold of the own log; try again in `ownHeadWaitMs`. */
  | 'submissions-full';

/**
 * What a caller of `@icn/gossip` did that cannot be done. With each code the operation surely did not happen.
 * What a *peer* does wrong is never an error here: it is a counted drop (see `counters`).
 */
export class GossipError extends Error {
  override readonly name = 'GossipError';
  readonly code: GossipErrorCode;

  constructor(code: GossipErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
