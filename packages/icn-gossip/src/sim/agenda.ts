interface Item {
  readonly atMs: number;
  /** Of items of one time, what was added first is done first. */
  readonly order: number;
  readonly action: () => void;
}

/** What is to happen, in order of time and then of insertion: a binary heap. */
export class Agenda {
  readonly #heap: Item[] = [];
  #added = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** When the next item is due; undefined where nothing is to happen. */
  get nextAtMs(): number | undefined {
    return this.#heap[0]?.atMs;
  }

  add(atMs: number, action: () => void): void {
    const heap = this.#heap;
    const item: Item = { atMs, order: this.#added++, action };
    let index = heap.length;
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      const above = heap[parent]!;
      if (!isBefore(item, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = item;
  }

  /** Removes and returns what is due next; undefined where nothing is to happen. */
  take(): (() => void) | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return undefined;
    if (heap.length > 0) this.#sink(last);
    return first.action;
  }

  /** Puts `item` where the first was, and as deep as it belongs. */
  #sink(item: Item): void {
    const heap = this.#heap;
    const { length } = heap;
    let index = 0;
    for (let child = 1; child < length; child = 2 * index + 1) {
      if (child + 1 < length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, item)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = item;
  }
}

function isBefore(a: Item, b: Item): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
