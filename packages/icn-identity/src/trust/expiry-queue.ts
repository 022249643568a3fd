/** What ends at a time. */
export interface Expiring {
  readonly expiresMs: number;
}

/** A binary heap: what ends first comes out first; adding and taking cost the logarithm of the size. */
export class ExpiryQueue<Item extends Expiring> {
  readonly #heap: Item[] = [];

  get size(): number {
    return this.#heap.length;
  }

  get first(): Item | undefined {
    return this.#heap[0];
  }

  add(item: Item): void {
    const heap = this.#heap;
    let at = heap.push(item) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (heap[above]!.expiresMs <= item.expiresMs) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = item;
  }

  takeFirst(): Item | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) this.#sink(last);
    return first;
  }

  /** Finds the place of `item` from the top down. */
  #sink(item: Item): void {
    const heap = this.#heap;
    let at = 0;
    for (let below = 1; below < heap.length; below = 2 * at + 1) {
      const right = heap[below + 1];
      if (right !== undefined && right.expiresMs < heap[below]!.expiresMs) below += 1;
      if (heap[below]!.expiresMs >= item.expiresMs) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = item;
  }
}
