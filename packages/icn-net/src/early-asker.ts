import type { Did } from '@icn/identity';
import type { Address } from './address.js';
import type { EarlyQuestion } from './transport.js';

export interface EarlyAskerOptions {
  /** What to ask peers while a connection to them is made; asked anew for each. */
  readonly question: () => Uint8Array | undefined;
  /** A peer has answered; its connection is up. */
  readonly onAnswer: (peer: Did, answer: Uint8Array) => void;
}

/** Asks early, and keeps answers until the connections are up that they came before. */
export class EarlyAsker {
  readonly #options: EarlyAskerOptions;
  /** Of dials that are under way, which bounds it. */
  readonly #early = new Map<Did, { readonly question: EarlyQuestion; readonly answer: Uint8Array }>();

  constructor(options: EarlyAskerOptions) {
    this.#options = options;
  }

  /** The question for a dial; `undefined` where it is not known who is there. */
  questionFor({ did }: Address, isUp: (peer: Did) => boolean): EarlyQuestion | undefined {
    if (did === undefined) return undefined;
    const question: EarlyQuestion = {
      ask: () => this.#options.question(),
      onAnswer: (answer) => {
        if (isUp(did)) this.#options.onAnswer(did, answer);
        else this.#early.set(did, { question, answer });
      },
    };
    return question;
  }

  /** The connection to the peer is up. */
  peerUp(peer: Did): void {
    const early = this.#early.get(peer);
    this.#early.delete(peer);
    if (early !== undefined) this.#options.onAnswer(peer, early.answer);
  }

  /** The dial has come to nothing. */
  dialFailed({ did }: Address, question: EarlyQuestion | undefined): void {
    if (did !== undefined && this.#early.get(did)?.question === question) this.#early.delete(did);
  }

  /** A connection to the peer was made, and not kept. */
  refused(peer: Did): void {
    this.#early.delete(peer);
  }
}
