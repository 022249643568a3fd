/** What a connection does when its turn comes. */
export interface TurnTaker {
  /** Takes notice of what has come. */
  hear(): void;
  /** Sends what there is to say. */
  speak(): void;
}

const settled = Promise.resolve();

/**
 * When a connection hears and speaks: once for all that happened meanwhile, whatever it was. It hears when every datagram that the
 * socket had is in. It speaks when all that was woken by what it heard has had its say, so that an answer travels with the
 * acknowledgement of the question.
 */
export class Turns {
  readonly #taker: TurnTaker;
  #willHear = false;
  #willSpeak = false;

  constructor(taker: TurnTaker) {
    this.#taker = taker;
  }

  /** Hears and speaks at the end of this round of the event loop. */
  hearSoon(): void {
    if (this.#willHear) return;
    this.#willHear = true;
    setImmediate(() => {
      this.#willHear = false;
      this.#taker.hear();
    });
  }

  /** Speaks when the code that is running, and all that waits on promises it settles, is through. */
  speakSoon(): void {
    if (this.#willSpeak) return;
    this.#willSpeak = true;
    // A tick that a microtask asks for runs when no microtask is left.
    void settled.then(() =>
      process.nextTick(() => {
        this.#willSpeak = false;
        this.#taker.speak();
      }),
    );
  }
}
