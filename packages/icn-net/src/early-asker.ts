import type { Did } from '@icn/identity';
import type { Address } from './address.js';
import type { EarlyQuestion } from './transport.js';

export interface EarlyAskerOptions {
  /** What to ask peers while a connection to them is made; asked anew for each dial. */
  readonly question: () => Uint8Array | undefined;
  /** A peer has answered; its connection is up. */
  readonly onAnswer: (peer: Did, answer: Uint8Array) => void;
}

/** Asks early, and keeps answers until the connections are up that they came before. */
export class EarlyAsker {
  readonly #options: EarlyAskerOptions;
  /** Of dials that are under way, which bounds it. */
  readonly #early = new Map<Did, Uint8Array>();

  constructor(options: EarlyAskerOptions) {
    this.#options = options;
  }

  /** The question for a dial; `undefined` where it is not known who is there, or there is nothing to ask. */
  questionFor({ did }: Address, isUp: (peer: Did) => boolean): EarlyQuestion | undefined {
    const bytes = did === undefined ? undefined : this.#options.question();
    if (did === undefined || bytes === undefined) return undefined;
    return {
      bytes,
      onAnswer: (answer) => {
        if (isUp(did)) this.#options.onAnswer(did, answer);
        else this.#early.set(did, answer);
      },
    };
  }

  /** The connection to the peer is up. */
  peerUp(peer: Did): void {
    const answer = this.#early.get(peer);
    this.#early.delete(peer);
    if (answer !== undefined) this.#options.onAnswer(peer, answer);
  }

  /** The dial has come to nothing. */
  dialFailed({ did }: Address): void {
    if (did !== undefined) this.#early.delete(did);
  }
}
