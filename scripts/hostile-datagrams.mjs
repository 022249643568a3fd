// What `pnpm hostile` sends: each value follows from the numbers that `draw` gives, from 0 to less than 1.

/** `live` is made of what the honest peer sends, by whoever has recorded it. */
export const crafts = /** @type {const} */ (['random', 'header', 'initial', 'live']);

/**
 * @param {'random' | 'header' | 'initial'} craft
 * @param {readonly Buffer[]} initials
 * @param {() => number} draw
 */
export function craftDatagram(craft, initials, draw) {
  if (craft === 'random') return bytes(1_400, draw);
  if (craft === 'initial') return mutated(pick(initials, draw), draw);
  // The long header of RFC 9000 §17.2, as long as a first datagram must be, so that it gets past the first look.
  const datagram = bytes(1_400, draw, 1_200);
  datagram[0] = 0xc0 | (datagram[0] ?? 0);
  datagram.writeUInt32BE(draw() < 0.9 ? 1 : below(2 ** 32, draw), 1);
  datagram[5] = below(21, draw);
  return datagram;
}

/**
 * With one to four bytes changed, and now and then cut.
 *
 * @param {Buffer} original
 * @param {() => number} draw
 */
export function mutated(original, draw) {
  const copy = Buffer.from(original);
  for (let changes = 1 + below(4, draw); changes > 0; changes -= 1)
    copy[below(copy.length, draw)] = below(256, draw);
  return draw() < 0.1 ? copy.subarray(0, below(copy.length, draw)) : copy;
}

/**
 * @param {number} lengthMax
 * @param {() => number} draw
 */
export function bytes(lengthMax, draw, lengthMin = 0) {
  const random = Buffer.alloc(lengthMin + below(lengthMax - lengthMin + 1, draw));
  for (let i = 0; i + 4 <= random.length; i += 4) random.writeUInt32LE(below(2 ** 32, draw), i);
  return random;
}

/**
 * @param {number} bound
 * @param {() => number} draw
 */
function below(bound, draw) {
  return Math.floor(draw() * bound);
}

/**
 * @template T
 * @param {readonly T[]} items
 * @param {() => number} draw
 */
export function pick(items, draw) {
  return /** @type {T} */ (items[below(items.length, draw)]);
}
