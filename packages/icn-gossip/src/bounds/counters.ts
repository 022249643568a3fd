/** Counts consequences by name, so that nothing is dropped in silence. Names come from the code, never from peers. */
export class Counters<Name extends string> {
  readonly #counts = new Map<Name, number>();

  add(name: Name, count = 1): void {
    this.#counts.set(name, this.get(name) + count);
  }

  get(name: Name): number {
    return this.#counts.get(name) ?? 0;
  }

  /** A copy, for reports. */
  snapshot(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}
