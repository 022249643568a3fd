import type { Did } from '@icn/identity';
import { judgePeer, type Expectation, type Proven, type Refused } from '../peer-proof.js';
import { ALPN } from '../protocol.js';
import type { DatagramFrame } from './datagram-frames.js';
import { EarlyExchange, type EarlyExchangeOptions } from './early-exchange.js';
import type { FrameQueue } from './frame-queue.js';
import type { NativeConnection } from './native.js';
import { PrefaceExchange } from './preface-exchange.js';

export interface IntroductionOptions {
  readonly native: NativeConnection;
  readonly role: 'client' | 'server';
  readonly expectation: Expectation;
  readonly frames: FrameQueue;
  readonly early: Pick<EarlyExchangeOptions, 'question' | 'answer' | 'onAnswered'>;
}

/** How two peers come to know each other: by certificate, by ticket, and by the preface with which each accepts the other. */
export class Introduction {
  readonly #options: IntroductionOptions;
  readonly #preface: PrefaceExchange;
  readonly #early: EarlyExchange;
  #did: Did | undefined;
  /** Whom the ticket of a resumed connection names, before the handshake is over. */
  #ticketDid: Did | undefined;

  constructor(options: IntroductionOptions) {
    this.#options = options;
    this.#preface = new PrefaceExchange(options.native, options.role);
    const { native, frames, early } = options;
    this.#early = new EarlyExchange({ native, frames, ...early });
  }

  /** Who the peer is, once this side has accepted it. */
  get did(): Did | undefined {
    return this.#did;
  }

  /** Judges the peer of a handshake that is over, and says so to it if it is accepted. */
  judge(): Proven | Refused {
    const verdict = this.#verdict();
    if ('code' in verdict) return verdict;
    this.#did = verdict.did;
    this.#preface.send();
    return verdict;
  }

  /** Whether the peer accepts this side. */
  hear(): 'waiting' | 'accepted' | 'violated' {
    return this.#preface.receive();
  }

  /** Asks early what is to be asked; not before the first packet, which makes the keys for it. Returns whether there is something to send. */
  ask(): boolean {
    return this.#early.ask();
  }

  /**
   * Whether the peer may have something to say early: of a dialler's peer an answer; of a server's, while the handshake goes on,
   * a question. A ticket proves its holder as the handshake did in which it was given (I14).
   */
  listensEarly(isOpen: boolean): boolean {
    const { role, native } = this.#options;
    if (!this.#early.isWaiting) return false;
    // What comes later is read with all other frames.
    if (isOpen) return role === 'server' && this.#early.end();
    if (role === 'client') return this.#did !== undefined;
    if (this.#did === undefined && this.#ticketDid === undefined && native.isInEarlyData()) {
      const verdict = this.#verdict();
      if ('code' in verdict) return this.#early.end();
      this.#ticketDid = verdict.did;
    }
    return (this.#did ?? this.#ticketDid) !== undefined;
  }

  received(frame: DatagramFrame): void {
    const from = this.#did ?? this.#ticketDid;
    if (from !== undefined) this.#early.received(frame, from);
  }

  #verdict(): Proven | Refused {
    const { native, expectation } = this.#options;
    const presented = {
      protocol: Buffer.from(native.applicationProto()).toString(),
      certificates: native.peerCertChain() ?? [],
    };
    return judgePeer(presented, ALPN, expectation);
  }
}
