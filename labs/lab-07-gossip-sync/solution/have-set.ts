/** Which entries of one author are held: exactly, where a clock knows only a maximum. */
export class HaveSet {
  #linkedMax = 0;
  readonly #above = new Set<number>();

  /** The seq up to which there is no hole. */
  get linkedMax(): number {
    return this.#linkedMax;
  }

  has(seq: number): boolean {
    return seq >= 1 && (seq <= this.#linkedMax || this.#above.has(seq));
  }

  add(seq: number): void {
    if (this.has(seq)) return;
    this.#above.add(seq);
    while (this.#above.delete(this.#linkedMax + 1)) this.#linkedMax++;
  }
}
