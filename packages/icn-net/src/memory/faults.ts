/** Which nodes hear which: links that are cut, directions that are silent, groups that are apart. */
export class Faults {
  readonly #cuts = new Set<string>();
  readonly #silences = new Set<string>();
  #groupOf = new Map<string, number>();

  cut(a: string, b: string): void {
    this.#cuts.add(pairKey(a, b));
  }

  silence(from: string, to: string): void {
    this.#silences.add(directionKey(from, to));
  }

  /** Replaces the partition before. */
  partition(groups: readonly (readonly string[])[]): void {
    this.#groupOf = new Map(groups.flatMap((group, index) => group.map((did) => [did, index] as const)));
  }

  heal(a: string, b: string): void {
    this.#cuts.delete(pairKey(a, b));
    this.#silences.delete(directionKey(a, b));
    this.#silences.delete(directionKey(b, a));
  }

  healAll(): void {
    this.#cuts.clear();
    this.#silences.clear();
    this.#groupOf.clear();
  }

  isCut(a: string, b: string): boolean {
    return this.#cuts.has(pairKey(a, b));
  }

  /** Whether `to` hears what `from` says. */
  reaches(from: string, to: string): boolean {
    if (this.isCut(from, to) || this.#silences.has(directionKey(from, to))) return false;
    const groups = [this.#groupOf.get(from), this.#groupOf.get(to)];
    return groups.includes(undefined) || groups[0] === groups[1];
  }
}

function pairKey(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

function directionKey(from: string, to: string): string {
  return `${from} ${to}`;
}
