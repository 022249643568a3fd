interface Deadline<Key> {
  readonly key: Key;
  readonly atMs: number;
}

/**
 * Times by key, of which the earliest is read after every event: a binary heap in which a time that was replaced
 * stays until it comes to the top. Setting costs O(log n), reading nothing.
 */
export class Deadlines<Key> {
  readonly #atMs = new Map<Key, number>();
  #heap: Deadline<Key>[] = [];

  /** The earliest time of all. */
  get earliestMs(): number | undefined {
    return this.#top()?.atMs;
  }

  /** Replaces the time of a key; undefined takes it away. */
  set(key: Key, atMs: number | undefined): void {
    if (this.#atMs.get(key) === atMs) return;
    if (atMs === undefined) {
      this.#atMs.delete(key);
      return;
    }
    this.#atMs.set(key, atMs);
    this.#push({ key, atMs });
    if (this.#heap.length > 2 * this.#atMs.size + 64) this.#rebuild();
  }

  /** Takes away and returns the keys whose time has come. */
  takeDue(nowMs: number): Key[] {
    const due: Key[] = [];
    for (let top = this.#top(); top !== undefined && top.atMs <= nowMs; top = this.#top()) {
      due.push(top.key);
      this.#atMs.delete(top.key);
    }
    return due;
  }

  #top(): Deadline<Key> | undefined {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (this.#atMs.get(top.key) === top.atMs) return top;
      this.#pop();
    }
    return undefined;
  }

  #push(item: Deadline<Key>): void {
    const heap = this.#heap;
    let index = heap.length;
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      if (heap[parent]!.atMs <= item.atMs) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = item;
  }

  #pop(): void {
    const heap = this.#heap;
    const item = heap.pop();
    if (item === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child + 1 < heap.length && heap[child + 1]!.atMs < heap[child]!.atMs) child++;
      if (child >= heap.length || heap[child]!.atMs >= item.atMs) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = item;
  }

  #rebuild(): void {
    const deadlines = Array.from(this.#atMs, ([key, atMs]) => ({ key, atMs }));
    this.#heap = deadlines.toSorted((a, b) => a.atMs - b.atMs);
  }
}

/** The smallest of the times that are set. */
export function earliest(...timesMs: readonly (number | undefined)[]): number | undefined {
  const set = timesMs.filter((timeMs) => timeMs !== undefined);
  return set.length === 0 ? undefined : Math.min(...set);
}
