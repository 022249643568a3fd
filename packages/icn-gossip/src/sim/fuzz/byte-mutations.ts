import type { SeededRandom } from '../seeded-random.js';

/** A change of bytes that knows nothing of what they mean; `other` is what may be spliced in. */
export type ByteMutation = (frame: Uint8Array, random: SeededRandom, other: Uint8Array) => Uint8Array;

/** A repeated stretch grows a frame by so many bytes at most (guess). */
const REPEATED_BYTES_MAX = 8_192;

/** Up to eight bytes anew, or single bits turned. */
export const flip: ByteMutation = (frame, random) => {
  const bytes = frame.slice();
  for (let count = 1 + random.below(8); count > 0 && bytes.length > 0; count--) {
    const at = random.below(bytes.length);
    bytes[at] = random.chance(0.5) ? random.below(256) : bytes[at]! ^ (1 << random.below(8));
  }
  return bytes;
};

export const truncate: ByteMutation = (frame, random) => frame.slice(0, random.below(frame.length + 1));

/** The beginning of one frame and the end of another. */
export const splice: ByteMutation = (frame, random, other) =>
  joined(frame.subarray(0, random.below(frame.length + 1)), other.subarray(random.below(other.length + 1)));

/** One stretch several times over. */
export const repeat: ByteMutation = (frame, random) => {
  const from = random.below(frame.length + 1);
  const stretch = frame.subarray(from, from + random.below(64));
  const times = Math.min(1 + random.below(64), Math.floor(REPEATED_BYTES_MAX / (stretch.length + 1)));
  return joined(
    frame.subarray(0, from),
    ...Array.from({ length: times }, () => stretch),
    frame.subarray(from),
  );
};

/** Bytes put in, or taken out. */
export const shift: ByteMutation = (frame, random) => {
  const at = random.below(frame.length + 1);
  const count = 1 + random.below(8);
  return random.chance(0.5)
    ? joined(frame.subarray(0, at), random.bytes(count), frame.subarray(at))
    : joined(frame.subarray(0, at), frame.subarray(at + count));
};

export const noise: ByteMutation = (_frame, random) => random.bytes(random.below(300));

export const BYTE_MUTATIONS: readonly ByteMutation[] = [flip, flip, truncate, splice, repeat, shift, noise];

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
