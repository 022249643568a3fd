/** A queue between callbacks and one `for await` loop: pushed values come out in order until it ends. */
export class AsyncQueue<T> implements AsyncIterable<T> {
  #values: T[] = [];
  #waiting: ((result: IteratorResult<T, undefined>) => void)[] = [];
  #ended = false;

  /** How many values nobody has taken yet. */
  get size(): number {
    return this.#values.length;
  }

  /** Adds a value; false, and the value is not taken, after the end. */
  push(value: T): boolean {
    if (this.#ended) return false;
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#values.push(value);
    else waiting({ done: false, value });
    return true;
  }

  /** Takes back a value that nobody has taken yet. */
  remove(value: T): void {
    const index = this.#values.indexOf(value);
    if (index !== -1) this.#values.splice(index, 1);
  }

  /** Ends the loop at once and returns the values that it has not seen, for the caller to dispose of. */
  end(): readonly T[] {
    this.#ended = true;
    const left = this.#values;
    this.#values = [];
    for (const waiting of this.#waiting.splice(0)) waiting({ done: true, value: undefined });
    return left;
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return { next: () => this.#next(), return: () => Promise.resolve({ done: true, value: undefined }) };
  }

  #next(): Promise<IteratorResult<T, undefined>> {
    const value = this.#values.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
