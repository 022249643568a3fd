import type { Did } from '@icn/identity';
import type { TrustClass } from '@icn/identity/trust';
import { TokenBucket, type BucketLimits } from '@icn/net';

/** Messages that one peer may have taken, of gossip's control and of the exchange of peers: the numbers of the first ICN, in Rust. */
export const CONTROL_PER_SECOND: Readonly<Record<TrustClass, number>> = {
  isolated: 10,
  known: 50,
  partner: 100,
  federated: 200,
};

/** Answers to pulls, which are as many as this node asked for, if the peer is honest: so many times more. Guess. */
const BULK_FACTOR = 10;

/** What a silent peer saves up, so that an import of some thousand entries is not slowed. Guess. */
const BURST_SECONDS = 60;

/** Peers whose rates are remembered, connected or not: who comes again begins where it was. Four times those that may be connected. */
const PEERS_MAX = 1_024;

export type MessageKind = 'control' | 'bulk';

interface PeerRates {
  readonly trustClass: TrustClass;
  readonly buckets: Readonly<Record<MessageKind, TokenBucket>>;
}

/** How many messages a second of each peer are taken, by its trust class. */
export class MessageRates {
  readonly #classOf: (peer: Did) => TrustClass;
  /** The one used last is the last. */
  readonly #peers = new Map<Did, PeerRates>();

  constructor(classOf: (peer: Did) => TrustClass) {
    this.#classOf = classOf;
  }

  /** A message of a peer has come: for how many milliseconds it is to wait, and what comes after it. */
  waitMs(peer: Did, kind: MessageKind, nowMs: number): number {
    return this.#ratesOf(peer, nowMs).buckets[kind].takeLater(nowMs);
  }

  #ratesOf(peer: Did, nowMs: number): PeerRates {
    const trustClass = this.#classOf(peer);
    const known = this.#peers.get(peer);
    const rates = known?.trustClass === trustClass ? known : createRates(trustClass, nowMs);
    this.#peers.delete(peer);
    this.#peers.set(peer, rates);
    const [oldest] = this.#peers.keys();
    if (this.#peers.size > PEERS_MAX && oldest !== undefined) this.#peers.delete(oldest);
    return rates;
  }
}

function createRates(trustClass: TrustClass, nowMs: number): PeerRates {
  const limits = (perSecond: number): BucketLimits => ({ perSecond, burst: perSecond * BURST_SECONDS });
  const perSecond = CONTROL_PER_SECOND[trustClass];
  const buckets = {
    control: new TokenBucket(limits(perSecond), nowMs),
    bulk: new TokenBucket(limits(perSecond * BULK_FACTOR), nowMs),
  };
  return { trustClass, buckets };
}
