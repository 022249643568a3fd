/**
 * Which of the newest `size` sequences of one sender were seen: the anti-replay window of RFC 4303 §3.4.3, kept in
 * a ring of bits as in RFC 6479, but exact to the bit. What lies below the window counts as seen.
 */
export class SlidingWindow {
  /** The bit of sequence s is s mod size; it speaks of the one s with that remainder inside the window. */
  readonly #bits: Uint32Array;
  readonly size: number;
  #highest = 0;

  /** `size` is a multiple of 32. Before the first sequence nothing was seen. */
  constructor(size: number) {
    this.size = size;
    this.#bits = new Uint32Array(size / 32);
  }

  /** The highest sequence seen; 0 before the first. */
  get highest(): number {
    return this.#highest;
  }

  isBelow(sequence: number): boolean {
    return sequence <= this.#highest - this.size;
  }

  has(sequence: number): boolean {
    if (sequence > this.#highest) return false;
    return this.isBelow(sequence) || this.#bit(sequence) !== 0;
  }

  /** Marks a sequence as seen, and moves up to it; sequences that fall out below count as seen for ever. */
  add(sequence: number): void {
    if (this.isBelow(sequence)) return;
    if (sequence > this.#highest) this.#moveTo(sequence);
    this.#bits[this.#wordOf(sequence)]! |= 1 << (sequence % 32);
  }

  /** The sequences seen inside the window, as bits from the highest downward: for a snapshot. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.size / 8);
    for (let age = 0; age < Math.min(this.size, this.#highest); age += 1)
      if (this.has(this.#highest - age)) bytes[age >> 3]! |= 1 << (age & 7);
    return bytes;
  }

  /** The window that {@link toBytes} wrote, in another size if need be: what it said nothing of counts as seen. */
  static from(bytes: Uint8Array, highest: number, size: number): SlidingWindow {
    const window = new SlidingWindow(size);
    window.#highest = highest;
    for (let age = 0; age < Math.min(size, highest); age += 1)
      if (age >= 8 * bytes.length || (bytes[age >> 3]! & (1 << (age & 7))) !== 0) window.add(highest - age);
    return window;
  }

  #moveTo(sequence: number): void {
    if (sequence - this.#highest >= this.size) this.#bits.fill(0);
    else
      for (let next = this.#highest + 1; next < sequence; next += 1)
        this.#bits[this.#wordOf(next)]! &= ~(1 << (next % 32));
    this.#highest = sequence;
  }

  #bit(sequence: number): number {
    return this.#bits[this.#wordOf(sequence)]! & (1 << (sequence % 32));
  }

  #wordOf(sequence: number): number {
    return Math.floor((sequence % this.size) / 32);
  }
}
