/** Which entries of one author are held: exactly, where a clock knows only a maximum. */
export class HaveSet {
  /** The seq up to which there is no hole: 0 while entry 1 is missing. */
  get linkedMax(): number {
    throw new Error('TODO have-set: have-set.ts, linkedMax');
  }

  /** Whether the entry of that seq is held, below or above a hole. */
  has(seq: number): boolean {
    throw new Error('TODO have-set: have-set.ts, has');
  }

  /** Notes that an entry is held; again does nothing. It may close a hole. */
  add(seq: number): void {
    throw new Error('TODO have-set: have-set.ts, add');
  }
}
