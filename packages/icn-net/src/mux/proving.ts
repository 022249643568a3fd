import { NetError, messageOf } from '../errors.js';
import type { CloseReason } from '../protocol.js';
import type { Carried } from './carrier.js';

/** A proof that is under way, and can be given up. */
export class Proving {
  /** The byte stream, or why there is none. Never rejects. */
  readonly outcome: Promise<Carried | CloseReason>;
  readonly #giveUp: () => void;
  #resolve: (outcome: Carried | CloseReason) => void = () => undefined;
  #isOver = false;

  /** `giveUp` makes `prove` end, which it need not do at once. */
  constructor(prove: () => Promise<Carried>, giveUp: () => void) {
    this.#giveUp = giveUp;
    this.outcome = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    void prove().then(
      (carried) => {
        // Nobody waits for it any more.
        if (this.#isOver) carried.socket.destroy();
        this.#settle(carried);
      },
      (error: unknown) => this.#settle(reasonOf(error)),
    );
  }

  /** Gives up, for this reason; without effect once it is over. */
  end(reason: CloseReason): void {
    if (this.#isOver) return;
    this.#settle(reason);
    this.#giveUp();
  }

  #settle(outcome: Carried | CloseReason): void {
    this.#isOver = true;
    this.#resolve(outcome);
  }
}

function reasonOf(error: unknown): CloseReason {
  if (error instanceof NetError && error.reason !== undefined) return error.reason;
  return { code: 'unknown', by: 'network', text: messageOf(error) };
}
