import type { Did } from '@icn/identity';

/** Counts what each peer occupies of something shared, so that nobody takes all of it (I13). */
export class PeerQuota {
  readonly #countMax: number;
  readonly #countOf = new Map<Did, number>();

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /** Takes one for `peer`; false where it has its share already. */
  take(peer: Did): boolean {
    const count = this.#countOf.get(peer) ?? 0;
    if (count >= this.#countMax) return false;
    this.#countOf.set(peer, count + 1);
    return true;
  }

  /** Gives one back that was taken. */
  give(peer: Did): void {
    const count = (this.#countOf.get(peer) ?? 0) - 1;
    if (count > 0) this.#countOf.set(peer, count);
    else this.#countOf.delete(peer);
  }
}
