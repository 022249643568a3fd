import { performance } from 'node:perf_hooks';

/** Timers of Node fire up to a millisecond early; nothing here is worth a second wake-up for less. */
const slackMs = 1;

/**
 * One deadline that moves often and mostly later: moving it later costs a store, the timer underneath is left to fire
 * and armed again for the rest. Never keeps the process alive; sockets do that.
 */
export class LazyTimer {
  readonly #fire: () => void;
  #timer: NodeJS.Timeout | undefined;
  #armedForMs = 0;
  #deadlineMs = Infinity;

  constructor(fire: () => void) {
    this.#fire = fire;
  }

  /** Sets the deadline on the clock of `performance.now()`; `Infinity` is never. */
  set(deadlineMs: number): void {
    this.#deadlineMs = deadlineMs;
    if (deadlineMs === Infinity) return;
    if (this.#timer !== undefined) {
      if (this.#armedForMs <= deadlineMs + slackMs) return;
      clearTimeout(this.#timer);
    }
    this.#arm();
  }

  /** Ends it for good; a timer that is armed is released. */
  clear(): void {
    this.#deadlineMs = Infinity;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(): void {
    this.#armedForMs = this.#deadlineMs;
    const delayMs = Math.max(0, this.#deadlineMs - performance.now());
    this.#timer = setTimeout(() => this.#fired(), Math.ceil(delayMs));
    this.#timer.unref();
  }

  #fired(): void {
    this.#timer = undefined;
    if (this.#deadlineMs === Infinity) return;
    if (this.#deadlineMs - performance.now() > slackMs) return this.#arm();
    this.#deadlineMs = Infinity;
    this.#fire();
  }
}
