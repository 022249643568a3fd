/**
 * Holds effects back until what they speak of is on disk (I8: nobody hears of an entry of ours, or of a root
 * that counts it, before it is durable). Writes are numbered, and acknowledged in order.
 */
export class DurabilityGate<Effect> {
  #lastWrite = 0;
  #lastDurable = 0;
  #held: { readonly write: number; readonly effect: Effect }[] = [];

  /** Whether all that was ordered is durable, so that nothing need be held. */
  get isClear(): boolean {
    return this.#lastWrite === this.#lastDurable;
  }

  /** Numbers a write that is being ordered now. */
  nextWrite(): number {
    return ++this.#lastWrite;
  }

  /** Keeps `effect` until every write ordered so far is durable. */
  hold(effect: Effect): void {
    this.#held.push({ write: this.#lastWrite, effect });
  }

  /** Takes note that `write` and all before it are durable; returns what was held for them, in order. */
  release(write: number): readonly Effect[] {
    this.#lastDurable = Math.max(this.#lastDurable, Math.min(write, this.#lastWrite));
    const firstKept = this.#held.findIndex((held) => held.write > this.#lastDurable);
    return this.#held.splice(0, firstKept < 0 ? this.#held.length : firstKept).map((held) => held.effect);
  }

  /** Puts something else, or nothing, in the place of each effect that is held. */
  revise(revision: (effect: Effect) => Effect | undefined): void {
    this.#held = this.#held.flatMap(({ write, effect }) => {
      const revised = revision(effect);
      return revised === undefined ? [] : [{ write, effect: revised }];
    });
  }
}
