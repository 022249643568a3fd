import { u64FromBytes } from '../wire/u64.js';

/** Unpredictable bytes, as `GossipOptions.random`. */
export type Random = (byteCount: number) => Uint8Array;

/** A number in [0, 1). */
export function drawUnit(random: Random): number {
  return Number(u64FromBytes(random(4))) / 0x1_0000_0000;
}

/** One of the items, each as likely; undefined of none. */
export function drawOne<Item>(items: readonly Item[], random: Random): Item | undefined {
  return items[Math.floor(drawUnit(random) * items.length)];
}

/** At most `count` different ones of the items, each as likely. */
export function drawSome<Item>(items: readonly Item[], count: number, random: Random): Item[] {
  const rest = [...items];
  const drawn: Item[] = [];
  while (drawn.length < count && rest.length > 0) {
    const [item] = rest.splice(Math.floor(drawUnit(random) * rest.length), 1);
    drawn.push(item!);
  }
  return drawn;
}

/** A time within ± 20 % of `meanMs`. */
export function jittered(meanMs: number, random: Random): number {
  return meanMs * (0.8 + 0.4 * drawUnit(random));
}
