import type { Did } from '@icn/identity';
import { formatAddress, type Address } from '../address.js';
import { TokenBucket } from '../token-bucket.js';
import { mayBeTold } from './address-scope.js';
import { ExchangeBudgets, type ExchangeBudget } from './exchange-budgets.js';
import { defaultExchangeLimits, type ExchangeLimits } from './exchange-limits.js';
import {
  decodeExchange,
  encodeAnswer,
  encodeRequest,
  type ExchangeMessage,
  type PeerAddress,
} from './peer-exchange-message.js';
import { SharedAddresses } from './shared-addresses.js';

/** Why something that a peer sent has no effect. */
export type ExchangeDrop =
  /** No message of the format, one of a later version, or from somebody who is not connected. */
  | 'malformed'
  | 'message-unknown'
  | 'stranger'
  /** A request above the rate: it gets no answer. */
  | 'asked-too-often'
  /** An answer that nobody asked for, or that came too late. */
  | 'unsolicited'
  /** Addresses of an answer: more than wanted, by unknown transports, of this node itself, that this peer may not tell. */
  | 'surplus'
  | 'transport-unknown'
  | 'own'
  | 'address-refused'
  /** Addresses of peers that are connected, or that were told a short time ago. */
  | 'known'
  | 'repeated'
  /** Addresses above what one peer, or all together, may make this node try. */
  | 'peer-cap'
  | 'total-cap';

export interface PeerExchangeOptions {
  readonly self: Did;
  /** Where this node listens: told to peers, and never a candidate, whatever DID is said to be there. */
  readonly ownAddresses: () => readonly Address[];
  /** Schemes that this node can dial. */
  readonly transports: readonly string[];
  /** 0 to 1, for the choice of peers that are shared. */
  readonly random: () => number;
  readonly limits?: Partial<ExchangeLimits>;
}

/** What to do about a message. */
export interface ExchangeOutcome {
  /** To be sent to the peer that sent it. */
  readonly reply: Uint8Array | undefined;
  /** Other peers, worth dialling as hints: each names the DID to expect. */
  readonly candidates: readonly PeerAddress[];
  /** Where the peer itself can be dialled, as it says, at the host that it is seen at. */
  readonly listening: readonly PeerAddress[];
}

const nothing: ExchangeOutcome = { reply: undefined, candidates: [], listening: [] };

/**
 * Peer exchange among proven peers, without sockets and clocks (docs/protocol/peer-exchange.md). `nowMs` never falls;
 * nothing throws on what a peer sent.
 *
 * 1. An address is shared only if this node dialled it and the DID was proven there, or the peer says that it listens there,
 *    and is seen at that host itself; while it is connected, and for `shareAgeMaxMs` after.
 * 2. An address is told to, and believed of, a peer only as `mayBeTold` allows for the host of its connection.
 * 3. Only an answer to a request counts, once; a candidate is never this node, and not told twice in `toldAgeMaxMs`.
 * 4. All that is kept is bounded, and so is what one peer, and all together, can make this node send or dial.
 */
export class PeerExchange {
  readonly counters: Record<ExchangeDrop, number> = {
    malformed: 0,
    'message-unknown': 0,
    stranger: 0,
    'asked-too-often': 0,
    unsolicited: 0,
    surplus: 0,
    'transport-unknown': 0,
    own: 0,
    'address-refused': 0,
    known: 0,
    repeated: 0,
    'peer-cap': 0,
    'total-cap': 0,
  };
  readonly #options: PeerExchangeOptions;
  readonly #limits: ExchangeLimits;
  readonly #ofAll: TokenBucket;
  /** Whether each connected peer was told where this node listens. */
  readonly #connected = new Map<Did, { isTold: boolean }>();
  readonly #budgets: ExchangeBudgets;
  readonly #shared: SharedAddresses;
  /** When each candidate was told, the oldest first. */
  readonly #told = new Map<string, number>();

  constructor(options: PeerExchangeOptions, nowMs: number) {
    this.#options = options;
    this.#limits = { ...defaultExchangeLimits, ...options.limits };
    this.#ofAll = new TokenBucket(this.#limits.candidatesOfAll, nowMs);
    this.#budgets = new ExchangeBudgets(this.#limits);
    this.#shared = new SharedAddresses(this.#limits);
  }

  /** Peers whose addresses may be shared with somebody. */
  get sharedPeerCount(): number {
    return this.#shared.peerCount;
  }

  get requestPauseMs(): number {
    return this.#limits.requestPauseMs;
  }

  /** A connection from `host` is up; `dialled` is the address that this node dialled for it, if it did. */
  connected(peer: Did, host: string, dialled: Address | undefined): void {
    this.#connected.set(peer, { isTold: false });
    this.#shared.connected(peer, host, dialled);
  }

  disconnected(peer: Did, nowMs: number): void {
    this.#connected.delete(peer);
    this.#shared.disconnected(peer, nowMs);
    this.#budgets.of(peer, nowMs).wanted = 0;
  }

  /**
   * A request to send to a connected peer now; the first of a connection wants nothing where it is too soon to ask, a later
   * one is `undefined` then.
   */
  request(peer: Did, nowMs: number): Uint8Array | undefined {
    const connected = this.#connected.get(peer);
    if (connected === undefined) return undefined;
    const budget = this.#budgets.of(peer, nowMs);
    const isTooSoon = nowMs - budget.askedAtMs < this.#limits.requestPauseMs;
    if (isTooSoon && connected.isTold) return undefined;
    connected.isTold = true;
    const wanted = isTooSoon ? 0 : this.#limits.answerAddressesMax;
    if (!isTooSoon) Object.assign(budget, { wanted, askedAtMs: nowMs });
    // A listener on any address has the same port on each of them.
    const places = new Map(
      this.#options.ownAddresses().map(({ scheme, port }) => [`${scheme} ${port}`, { scheme, port }]),
    );
    return encodeRequest(wanted, [...places.values()]);
  }

  /** Takes the payload of one frame from a proven peer, whose connection comes from the host `vantage` at this time. */
  received(peer: Did, vantage: string, bytes: Uint8Array, nowMs: number): ExchangeOutcome {
    if (!this.#connected.has(peer)) return this.#drop('stranger');
    const message = decodeExchange(bytes);
    if (message === undefined) return this.#drop('malformed');
    const budget = this.#budgets.of(peer, nowMs);
    switch (message.type) {
      case 'unknown':
        return this.#drop('message-unknown');
      case 'request':
        return this.#onRequest(peer, vantage, message, budget, nowMs);
      case 'answer':
        return this.#onAnswer(vantage, message, budget, nowMs);
    }
  }

  #onRequest(
    peer: Did,
    vantage: string,
    { wanted, listening: places }: Extract<ExchangeMessage, { type: 'request' }>,
    budget: ExchangeBudget,
    nowMs: number,
  ): ExchangeOutcome {
    const said = this.#shared.listening(peer, vantage, places);
    const listening = said.filter((address) => this.#isDialable(address) && mayBeTold(address.host, vantage));
    if (wanted === 0) return { ...nothing, listening };
    if (!budget.answers.take(nowMs)) return { ...this.#drop('asked-too-often'), listening };
    return { ...nothing, reply: encodeAnswer(this.#sharesFor(peer, vantage, wanted, nowMs)), listening };
  }

  #onAnswer(
    vantage: string,
    { addresses, skippedCount }: Extract<ExchangeMessage, { type: 'answer' }>,
    budget: ExchangeBudget,
    nowMs: number,
  ): ExchangeOutcome {
    const { wanted, askedAtMs } = budget;
    budget.wanted = 0;
    if (wanted === 0 || nowMs - askedAtMs > this.#limits.answerTimeoutMs) return this.#drop('unsolicited');
    this.counters['transport-unknown'] += skippedCount;
    this.counters.surplus += Math.max(0, addresses.length - wanted);
    const candidates = addresses.slice(0, wanted).filter((address) => {
      const why = this.#refusalOf(address, vantage, budget, nowMs);
      if (why !== undefined) this.counters[why] += 1;
      return why === undefined;
    });
    return { ...nothing, candidates };
  }

  #drop(why: ExchangeDrop): ExchangeOutcome {
    this.counters[why] += 1;
    return nothing;
  }

  #refusalOf(
    address: PeerAddress,
    vantage: string,
    budget: ExchangeBudget,
    nowMs: number,
  ): ExchangeDrop | undefined {
    if (address.did === this.#options.self || this.#isOwn(address)) return 'own';
    if (!mayBeTold(address.host, vantage)) return 'address-refused';
    if (!this.#isDialable(address)) return 'transport-unknown';
    if (this.#connected.has(address.did)) return 'known';
    const text = formatAddress(address);
    if (nowMs - (this.#told.get(text) ?? -Infinity) < this.#limits.toldAgeMaxMs) return 'repeated';
    if (!budget.candidates.take(nowMs)) return 'peer-cap';
    if (!this.#ofAll.take(nowMs)) return 'total-cap';
    this.#told.delete(text);
    this.#told.set(text, nowMs);
    const [oldest] = this.#told.keys();
    if (this.#told.size > this.#limits.toldMax && oldest !== undefined) this.#told.delete(oldest);
    return undefined;
  }

  #isDialable({ scheme }: Address): boolean {
    return this.#options.transports.includes(scheme);
  }

  #isOwn({ scheme, host, port }: Address): boolean {
    return this.#options
      .ownAddresses()
      .some((own) => own.scheme === scheme && own.host === host && own.port === port);
  }

  /** All that may be told of some peers, which are drawn at random, so that answers do not all name the same. */
  #sharesFor(asker: Did, vantage: string, wanted: number, nowMs: number): readonly PeerAddress[] {
    const drawn = this.#shared
      .list(nowMs)
      .map((ofPeer) => ofPeer.filter(({ did, host }) => did !== asker && mayBeTold(host, vantage)))
      .map((ofPeer) => ({ ofPeer, lot: this.#options.random() }))
      .toSorted((a, b) => a.lot - b.lot);
    const countMax = Math.min(wanted, this.#limits.answerAddressesMax);
    return drawn.flatMap(({ ofPeer }) => ofPeer).slice(0, countMax);
  }
}
