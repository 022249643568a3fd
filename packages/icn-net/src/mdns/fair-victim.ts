/** Something that is kept in a bounded list on the word of `source`. */
export interface Kept {
  readonly source: string;
  readonly heardAtMs: number;
  /** 0 for hearsay; 1 for what a connection proved once; 2 for what one proves now, which is never given up. */
  readonly rank: 0 | 1 | 2;
}

/**
 * What a full list gives up: of the lowest rank there is, of the source that has the most of them, the oldest. So who
 * announces in great number displaces his own, and a proven entry outlives all hearsay. With the source of the `newcomer`,
 * only what makes the shares more equal: nobody is driven out by a crowd. `undefined` where nothing may go.
 */
export function fairVictim<Item extends Kept>(items: Iterable<Item>, newcomer?: string): Item | undefined {
  const all = [...items].filter(({ rank }) => rank < 2);
  const lowest = Math.min(...all.map(({ rank }) => rank));
  const mayGo = all.filter(({ rank }) => rank === lowest);
  const shares = new Map<string, number>();
  for (const { source } of mayGo) shares.set(source, shareOf(source, shares) + 1);
  const goesFirst = (a: Item, b: Item): boolean => {
    const difference = shareOf(a.source, shares) - shareOf(b.source, shares);
    return difference === 0 ? a.heardAtMs < b.heardAtMs : difference > 0;
  };
  const victim = mayGo.reduce<Item | undefined>(
    (found, item) => (found === undefined || goesFirst(item, found) ? item : found),
    undefined,
  );
  if (victim === undefined || newcomer === undefined) return victim;
  return shareOf(victim.source, shares) - 1 > shareOf(newcomer, shares) ? victim : undefined;
}

function shareOf(source: string, shares: ReadonlyMap<string, number>): number {
  return shares.get(source) ?? 0;
}
