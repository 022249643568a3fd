import { decodeCbor, encodeCbor, type Cbor } from '@icn/identity/cbor';
import type { SeededRandom } from '../seeded-random.js';
import type { Vocabulary } from './vocabulary.js';

/** How seldom an array is blown up to as many items as fit a frame: such frames cost as much as a thousand others. */
const GIANT_SHARE = 0.01;
const GIANT_BYTES_MAX = 1_100_000;

/**
 * Changes what a frame says and keeps it well formed: a number, an id, a key, a list, at any depth. So it passes the
 * decoder and meets the code behind it. Undefined where the frame is no message.
 */
export function twisted(
  frame: Uint8Array,
  random: SeededRandom,
  vocabulary: Vocabulary,
  other: Uint8Array,
): Uint8Array | undefined {
  let value = decodeCbor(frame);
  if (!Array.isArray(value)) return undefined;
  const donor = decodeCbor(other) ?? null;
  for (let count = 1 + random.below(3); count > 0; count--)
    value = twistIn(value as Cbor, random, vocabulary, donor, frame.length);
  return encodeCbor(value as Cbor);
}

/** Walks down to a random place: at each array it goes on into an item, or changes the array itself. */
function twistIn(
  value: Cbor,
  random: SeededRandom,
  vocabulary: Vocabulary,
  donor: Cbor,
  byteCount: number,
): Cbor {
  if (!isList(value)) return twistItem(value, random, vocabulary, donor);
  if (value.length === 0 || random.chance(0.12)) return twistList(value, random, donor, byteCount);
  const at = random.below(value.length);
  return value.map((item, index) =>
    index === at ? twistIn(item, random, vocabulary, donor, byteCount) : item,
  );
}

function twistItem(value: Cbor, random: SeededRandom, vocabulary: Vocabulary, donor: Cbor): Cbor {
  if (random.chance(0.05)) return random.pick<Cbor>([null, true, 0, '', new Uint8Array(32), [], donor]);
  if (typeof value === 'number') return vocabulary.number(random, value);
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'string') return vocabulary.text(random);
  if (value instanceof Uint8Array) return twistBytes(value, random, vocabulary);
  return random.pick<Cbor>([0, true, [], new Uint8Array(8), new Uint8Array(32)]);
}

/** Bytes may themselves be a value, as headers are: then that is twisted now and then. */
function twistBytes(value: Uint8Array, random: SeededRandom, vocabulary: Vocabulary): Uint8Array {
  if (value.length > 64 && random.chance(0.5)) {
    const inner = twisted(value, random, vocabulary, value);
    if (inner !== undefined) return inner;
  }
  return vocabulary.bytes(random, value);
}

function twistList(list: readonly Cbor[], random: SeededRandom, donor: Cbor, byteCount: number): Cbor {
  const at = random.below(list.length + 1);
  const item: Cbor = list[at] ?? donor;
  if (random.chance(GIANT_SHARE)) {
    const giant = random.pick<Cbor>([item, 0]);
    const itemBytes = giant === 0 ? 1 : encodeCbor(giant).length;
    const count = Math.max(1, Math.floor((GIANT_BYTES_MAX - byteCount) / itemBytes));
    return Array.from({ length: count }, (): Cbor => giant);
  }
  return random.pick<() => Cbor>([
    () => list.toSpliced(at, 1),
    () => list.toSpliced(at, 0, item),
    () => list.toReversed(),
    () => random.shuffled(list),
    () => [],
    () => [...list, ...list],
    () => list.toSpliced(at, 1, [item]),
    () => list.toSpliced(at, 1, nested(item, random)),
    () => [...list, donor],
    () => Array.from({ length: random.below(40) }, (): Cbor => item),
  ])();
}

function nested(item: Cbor, random: SeededRandom): Cbor {
  let value: Cbor = item;
  for (let depth = random.below(16); depth > 0; depth--) value = [value];
  return value;
}

function isList(value: Cbor): value is readonly Cbor[] {
  return Array.isArray(value);
}
