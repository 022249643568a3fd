/**
 * A bounded map that keeps what was used lately, in two generations: new and re-used values live in the young
 * one; when it holds `generationSize` of them it becomes the old one, and what was old is dropped. So a value
 * survives at least `generationSize` newer ones after its last use, at most `2 · generationSize` are held,
 * and a hit among the young costs one lookup.
 */
export class RecentCache<Value> {
  readonly #generationSize: number;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();

  constructor(generationSize: number) {
    this.#generationSize = generationSize;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string): Value | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) {
      this.#old.delete(key);
      this.set(key, old);
    }
    return old;
  }

  set(key: string, value: Value): void {
    this.#young.set(key, value);
    if (this.#young.size >= this.#generationSize) {
      this.#old = this.#young;
      this.#young = new Map();
    }
  }
}
