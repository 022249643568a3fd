export type GossipErrorCode =
  'topic-invalid' | 'payload-too-large' | 'not-joined' | 'topic-full' | 'access-not-yet';

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
