import type { SimNode } from './sim-node.js';

/** A broken invariant, as it was seen from outside. */
export interface Violation {
  /** The number in the design, `total` for a machine that throws, or `liveness`. */
  readonly invariant: string;
  readonly atMs: number;
  readonly node: string;
  readonly detail: string;
}

/** Kept in full; more are only counted (guess). */
const KEPT_MAX = 50;

/** What went wrong in a run. */
export class Violations {
  readonly #onFirst: () => void;
  readonly #kept: Violation[] = [];
  #count = 0;

  /** `onFirst` is called when the first one is seen, while what led to it is still at hand. */
  constructor(onFirst: () => void = () => {}) {
    this.#onFirst = onFirst;
  }

  get count(): number {
    return this.#count;
  }

  /** The first ones. */
  get all(): readonly Violation[] {
    return this.#kept;
  }

  add(invariant: string, node: SimNode, detail: string, atMs: number): void {
    this.#count++;
    if (this.#kept.length < KEPT_MAX) this.#kept.push({ invariant, atMs, node: node.label, detail });
    if (this.#count === 1) this.#onFirst();
  }
}
