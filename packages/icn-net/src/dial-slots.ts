/** Lets so many dials run at once; others wait their turn, those that somebody waits for first. */
export class DialSlots {
  readonly #countMax: number;
  readonly #urgent = new Set<() => void>();
  readonly #waiting = new Set<() => void>();
  #count = 0;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /** Calls `start` when there is a slot, perhaps at once; who was called gives the slot back by `free`. */
  take(start: () => void, isUrgent: boolean): void {
    (isUrgent ? this.#urgent : this.#waiting).add(start);
    this.#startNext();
  }

  free(): void {
    this.#count -= 1;
    this.#startNext();
  }

  #startNext(): void {
    while (this.#count < this.#countMax) {
      const queue = this.#urgent.size > 0 ? this.#urgent : this.#waiting;
      const [start] = queue;
      if (start === undefined) return;
      queue.delete(start);
      this.#count += 1;
      start();
    }
  }
}
