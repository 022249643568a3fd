import { dialAborted } from '../dial-race.js';
import type { NetError } from '../errors.js';
import type { Clock } from './clock.js';

export interface PatienceOptions {
  readonly clock: Clock;
  readonly limitMs: number;
  /** What is thrown at the limit. */
  readonly late: NetError;
  readonly signal: AbortSignal | undefined;
}

/** Waits of one dial, all of which end when the dial does: at the limit, by a signal, or by `end`. */
export class Patience {
  readonly #over: Promise<never>;
  readonly #release: () => void;
  #reject: (error: NetError) => void = () => undefined;

  constructor({ clock, limitMs, late, signal }: PatienceOptions) {
    this.#over = new Promise((_resolve, reject) => (this.#reject = reject));
    this.#over.catch(() => undefined);
    const stopTimer = clock.after(limitMs, () => this.end(late));
    const onAbort = (): void => signal && this.end(dialAborted(signal));
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#release = () => {
      stopTimer();
      signal?.removeEventListener('abort', onAbort);
    };
  }

  /** The value of a promise, unless the dial is over first. */
  wait<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.#over]);
  }

  end(error: NetError): void {
    this.#reject(error);
  }

  release(): void {
    this.#release();
  }
}
