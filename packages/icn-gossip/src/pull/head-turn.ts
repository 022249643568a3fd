import type { HeadRound } from './want.js';

/**
 * Heads of two sketches may be the same entries under other hashes, so those of one are wanted at a time. A sketch keeps
 * others out for a while only: heads that somebody made up are wanted for as long as he feeds the hope of them.
 */
export class HeadTurn {
  readonly #holdMs: number;
  #round: HeadRound | undefined;
  /** When others may take the turn; undefined until the first look at the time. */
  #endsAtMs: number | undefined;
  #wantedCount = 0;

  constructor(holdMs: number) {
    this.#holdMs = holdMs;
  }

  /** Whether a head that this sketch showed may be wanted now. */
  take(round: HeadRound): boolean {
    if (round === this.#round) return true;
    if (this.#wantedCount > 0 && this.#round !== undefined) return false;
    this.#round = round;
    this.#endsAtMs = undefined;
    return true;
  }

  /** Time passes. */
  goOn(nowMs: number): void {
    this.#endsAtMs ??= nowMs + this.#holdMs;
    if (nowMs >= this.#endsAtMs) this.#round = undefined;
  }

  /** A head is wanted. */
  added(): void {
    this.#wantedCount++;
  }

  /** A head is not wanted any more. */
  removed(): void {
    this.#wantedCount--;
  }
}
