import { NetError } from './errors.js';
import type { Stream } from './transport.js';

interface Opening<T> {
  readonly wish: T;
  readonly resolve: (stream: Stream) => void;
  readonly reject: (error: NetError) => void;
}

/** Those who wait for a place in the peer's stream limit, first come, first served; each may give up by its signal. */
export class Openings<T> {
  readonly #openings = new Set<Opening<T>>();

  get size(): number {
    return this.#openings.size;
  }

  wait(wish: T, signal: AbortSignal | undefined): Promise<Stream> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#openings.delete(opening);
        reject(openAborted(signal));
      };
      const settled = (): void => signal?.removeEventListener('abort', onAbort);
      const opening: Opening<T> = {
        wish,
        resolve: (stream) => (settled(), resolve(stream)),
        reject: (error) => (settled(), reject(error)),
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#openings.add(opening);
    });
  }

  /** Serves the first in line, if there is one. */
  serve(open: (wish: T) => Stream): void {
    const [opening] = this.#openings;
    if (opening === undefined) return;
    this.#openings.delete(opening);
    opening.resolve(open(opening.wish));
  }

  /** Sends all of them away. */
  fail(error: NetError): void {
    for (const opening of this.#openings) opening.reject(error);
    this.#openings.clear();
  }
}

/** What `openStream` throws for an aborted signal. */
export function openAborted(signal: AbortSignal | undefined): NetError {
  return new NetError('aborted', 'openStream was aborted', { cause: signal?.reason });
}
