import { compareBytes } from '../bytes.js';
import type { Did } from '../did.js';
import { IdentityError } from '../identity-error.js';
import { isRotation, type Rotation } from './rotation.js';

/**
 * Who a DID is today.
 *
 * - `current`: it never rotated; it speaks for itself.
 * - `retired`: it goes on as `did`, and is itself nobody any more.
 * - `incomplete`: as far as is known it goes on as `did`, be that itself; but the set is full, and whether a rotation of
 *   `did` was turned away nobody remembers.
 * - `forked`: on the way, `at` has two successors, so it is not known who goes on; `evidence` is two of its rotations.
 * - `cyclic`: the way comes back to where it was, so nobody goes on.
 *
 * `path` are the rotations walked, in order: with them anybody can come to the same answer.
 */
export type Resolution =
  | {
      readonly state: 'current' | 'retired' | 'incomplete';
      readonly did: Did;
      readonly path: readonly Rotation[];
    }
  | {
      readonly state: 'forked';
      readonly at: Did;
      readonly evidence: readonly [Rotation, Rotation];
      readonly path: readonly Rotation[];
    }
  | { readonly state: 'cyclic'; readonly path: readonly Rotation[] };

/**
 * What {@link RotationSet.add} did: `added`; `known` when that changes nothing; `full` when there is no room, and nothing
 * was kept: open a set with more, and add all again; `network-wrong`.
 */
export type RotationAddition = 'added' | 'known' | 'full' | 'network-wrong';

/** More members than a cooperative has, rotating yearly for their life: a guess. At 400 bytes each, 6.4 MB at most. */
export const rotationPredecessorsMax = 8_192;

/**
 * The rotations that a node knows, in one network.
 *
 * 1. What it says is a function of the set of rotations that were added, never of their order or number.
 * 2. A DID with a rotation is retired for ever: nothing is removed, and no rotation makes it current again.
 * 3. A DID keeps at most two rotations, to two different successors: those whose DIDs come first as text, of one
 *    successor the smallest bytes. More add nothing, since two prove the fork.
 *
 * The exception is `full`, by name: past `predecessorsMax` retired DIDs no further one is taken up, because to forget one
 * would bring it back to life. From then on, also after a restart with what it yielded, no DID is `current`, and no way is
 * known to end where it seems to: `incomplete`. Making key pairs costs nothing, so add the rotations of those who matter.
 */
export class RotationSet {
  readonly #network: string;
  readonly #predecessorsMax: number;
  readonly #rotations = new Map<Did, readonly [Rotation] | readonly [Rotation, Rotation]>();

  constructor(network: string, predecessorsMax = rotationPredecessorsMax) {
    if (!Number.isSafeInteger(predecessorsMax) || predecessorsMax < 1)
      throw new RangeError('predecessorsMax is a positive whole number');
    this.#network = network;
    this.#predecessorsMax = predecessorsMax;
  }

  /** All that is kept, to be stored and added again after a restart. */
  *[Symbol.iterator](): Generator<Rotation> {
    for (const kept of this.#rotations.values()) yield* kept;
  }

  /** Whether it takes up no DID any more that it does not know as retired. */
  get isFull(): boolean {
    return this.#rotations.size >= this.#predecessorsMax;
  }

  /**
   * Takes up a rotation that {@link openRotation} or {@link createRotation} gave.
   *
   * @throws IdentityError `envelope-invalid` for anything else, such as a copy of one: who signed it is not known.
   */
  add(rotation: Rotation): RotationAddition {
    if (!isRotation(rotation))
      throw new IdentityError('envelope-invalid', 'not a rotation that openRotation or createRotation gave');
    if (rotation.network !== this.#network) return 'network-wrong';
    const kept = this.#rotations.get(rotation.predecessor);
    if (kept === undefined) {
      if (this.isFull) return 'full';
      this.#rotations.set(rotation.predecessor, [rotation]);
      return 'added';
    }
    const next = smallestTwo([...kept, rotation]);
    if (next.length === kept.length && next.every((each, index) => each === kept[index])) return 'known';
    this.#rotations.set(rotation.predecessor, next);
    return 'added';
  }

  resolve(did: Did): Resolution {
    const path: Rotation[] = [];
    const visited = new Set<Did>([did]);
    let at = did;
    for (;;) {
      const kept = this.#rotations.get(at);
      if (kept === undefined) return { state: this.#stateAtEnd(path), did: at, path };
      if (kept.length === 2) return { state: 'forked', at, evidence: kept, path };
      path.push(kept[0]);
      at = kept[0].successor;
      if (visited.has(at)) return { state: 'cyclic', path };
      visited.add(at);
    }
  }

  #stateAtEnd(path: readonly Rotation[]): 'current' | 'retired' | 'incomplete' {
    if (this.isFull) return 'incomplete';
    return path.length === 0 ? 'current' : 'retired';
  }
}

/**
 * Checks a chain that somebody shows, by itself: each rotation is of this network and takes over from the last, no DID
 * comes twice. Gives the DID at its end, or undefined. That the chain is all there is, only a {@link RotationSet} with the
 * others knows.
 */
export function endOfChain(from: Did, chain: readonly Rotation[], network: string): Did | undefined {
  const set = new RotationSet(network, chain.length + 1); // never full, so that its end is no `incomplete`
  for (const rotation of chain) if (set.add(rotation) !== 'added') return undefined;
  const resolution = set.resolve(from);
  const isWhole =
    resolution.path.length === chain.length && resolution.path.every((each, i) => each === chain[i]);
  return isWhole && (resolution.state === 'retired' || resolution.state === 'current')
    ? resolution.did
    : undefined;
}

/** Of any number of rotations of one DID, what is kept of them. */
function smallestTwo(rotations: readonly Rotation[]): readonly [Rotation] | readonly [Rotation, Rotation] {
  const ordered = rotations.toSorted(
    (a, b) => compareText(a.successor, b.successor) || compareBytes(a.bytes, b.bytes),
  );
  const first = ordered[0] as Rotation;
  const second = ordered.find(({ successor }) => successor !== first.successor);
  return second === undefined ? [first] : [first, second];
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
