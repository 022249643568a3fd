import { performance } from 'node:perf_hooks';
import type { Did } from '@icn/identity';
import type { Address } from '../address.js';
import type { Connection } from '../transport.js';
import { PeerExchange, type PeerExchangeOptions } from './peer-exchange.js';
import type { PeerAddress } from './peer-exchange-message.js';

export interface ExchangeRoundsOptions extends Omit<PeerExchangeOptions, 'random'> {
  /** Sends a message to a connected peer; what is lost is not missed. */
  readonly send: (peer: Did, message: Uint8Array) => void;
  /** A peer says that another may be here, which is worth a dial. */
  readonly onTold: (address: PeerAddress) => void;
  /** A peer that is connected says where it can be dialled. */
  readonly onListening: (address: PeerAddress) => void;
}

/** Of the pause between requests, so much is drawn at random on top, so that peers do not ask all at once. Guess. */
const pauseJitter = 0.5;

/** Peer exchange with the connections of a node: asks each peer when it comes, and then every few minutes, and answers. */
export class ExchangeRounds {
  readonly #options: ExchangeRoundsOptions;
  readonly #exchange: PeerExchange;
  readonly #connections = new Map<Did, { readonly connection: Connection; timer: NodeJS.Timeout }>();

  constructor(options: ExchangeRoundsOptions) {
    this.#options = options;
    this.#exchange = new PeerExchange({ ...options, random: Math.random }, performance.now());
  }

  /** What was passed over, by name. */
  get counters(): Readonly<Record<string, number>> {
    const counters = Object.entries(this.#exchange.counters);
    return Object.fromEntries(counters.map(([name, count]) => [`exchange-${name}`, count]));
  }

  /** A peer is connected, by this connection alone. */
  peerUp(connection: Connection): void {
    const { remote, remoteAddress, direction } = connection;
    const dialled: Address | undefined = direction === 'outbound' ? remoteAddress : undefined;
    this.#exchange.connected(remote, remoteAddress.host, dialled);
    this.#connections.set(remote, { connection, timer: this.#ask(remote) });
  }

  peerDown(peer: Did): void {
    clearTimeout(this.#connections.get(peer)?.timer);
    this.#connections.delete(peer);
    this.#exchange.disconnected(peer, performance.now());
  }

  /** Takes a message of a connected peer. */
  received(peer: Did, message: Uint8Array): void {
    const vantage = this.#connections.get(peer)?.connection.remoteAddress.host ?? '';
    const outcome = this.#exchange.received(peer, vantage, message, performance.now());
    if (outcome.reply !== undefined) this.#options.send(peer, outcome.reply);
    for (const address of outcome.listening) this.#options.onListening(address);
    for (const address of outcome.candidates) this.#options.onTold(address);
  }

  /** Asks nobody any more. Idempotent. */
  close(): void {
    for (const { timer } of this.#connections.values()) clearTimeout(timer);
    this.#connections.clear();
  }

  #ask(peer: Did): NodeJS.Timeout {
    const request = this.#exchange.request(peer, performance.now());
    if (request !== undefined) this.#options.send(peer, request);
    const pauseMs = this.#exchange.requestPauseMs * (1 + Math.random() * pauseJitter);
    const timer = setTimeout(() => {
      const entry = this.#connections.get(peer);
      if (entry !== undefined) entry.timer = this.#ask(peer);
    }, pauseMs);
    return timer.unref();
  }
}
