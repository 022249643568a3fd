// One signature for many messages: the root of a Merkle tree of them is signed, and each message carries its own
// short way to the root. The tree is that of RFC 9162 §2.1.1 in its prefixes (leaf 0x00, node 0x01), so that no node
// can be passed off as a message; unlike there it is padded to full depth, so that an index alone says every side.

import { backend } from '#crypto';

import { concatBytes, equalBytes, toHex } from './bytes.js';
import type { KeyPair } from './key-pair.js';
import { RecentCache } from './recent-cache.js';
import { purposePrefixes, sign, verify, type Purpose } from './signature.js';

/** What shows that one message of a batch was signed. It stands alone: the others are not needed. */
export interface BatchSignature {
  /** 64 bytes, over the root of the tree for the purpose `icn/batch`. */
  readonly signature: Uint8Array;
  /** Which leaf the message is, from 0; below 2^n where the path has n hashes. */
  readonly index: number;
  /** The n hashes beside the way from the leaf to the root, the lowest first: 32 · n bytes, n ≤ 10. */
  readonly path: Uint8Array;
}

const hashBytes = 32;
/** So a proof is at most 64 + 320 bytes and costs at most 11 hashes, whoever made it. */
const depthMax = 10;
/** Messages of one batch. */
export const batchMessagesMax = 2 ** depthMax;

const leafPrefix = Uint8Array.of(0x00);
const nodePrefix = 0x01;
/** The leaf that fills a tree up. No message has this hash, as far as anybody can find one. */
const emptyLeaf = new Uint8Array(hashBytes);

/**
 * Signs 1 to 1,024 messages of one purpose with one signature; returns a proof for each, in their order. Whoever signs
 * one message alone rather takes {@link sign}.
 *
 * Protocol rule: leaf = SHA-256(0x00 ‖ ascii(purpose) ‖ 0x00 ‖ message), node = SHA-256(0x01 ‖ left ‖ right), leaves in
 * order, filled up to a power of two with leaves of 32 zero bytes; the signature is one of the root for `icn/batch`.
 *
 * @throws RangeError on no messages, or more than {@link batchMessagesMax}.
 */
export function signBatch(
  keyPair: KeyPair,
  purpose: Purpose,
  messages: readonly Uint8Array[],
): readonly BatchSignature[] {
  if (messages.length === 0 || messages.length > batchMessagesMax)
    throw new RangeError(`a batch has 1 to ${batchMessagesMax} messages, got ${messages.length}`);
  const levels = levelsAbove(messages.map((message) => leafHash(purpose, message)));
  const [root] = levels.pop() as [Uint8Array];
  const signature = sign(keyPair, 'icn/batch', root);
  return messages.map((_, index) => {
    const path = levels.map((level, height) => level[(index >> height) ^ 1] as Uint8Array);
    return { signature, index, path: concatBytes(...path) };
  });
}

/** A root that was found to be signed: by this key, with this signature. */
interface SignedRoot {
  readonly publicKey: Uint8Array;
  readonly root: Uint8Array;
  readonly signature: Uint8Array;
}

/** Roots remembered for as long as it takes others to come: 4,096 entries in batches of 4, twice (guess); 0.5 MB. */
const rootsKept = 1_024;

/**
 * Verifies messages of batches, each with its own proof, at one signature check a batch: also when its messages come
 * one by one, with others in between. It remembers the roots that it found signed, a bounded number of those used
 * last. What is not valid is never remembered, so nobody can drive out what is by sending what is not.
 *
 * The verdict never depends on what is remembered: another signature of a known root is checked like any other.
 */
export class BatchVerifier {
  readonly #verifySignature: typeof verify;
  /**
   * By the second half of the signature, which a valid one shares with no other that anybody can find. By the root, who
   * signs the tree of another would drive out that other's.
   */
  readonly #signedRoots: RecentCache<SignedRoot>;

  /** `verifySignature` checks the signatures of roots; a test may count. */
  constructor(verifySignature = verify, rootsMax = rootsKept) {
    this.#verifySignature = verifySignature;
    this.#signedRoots = new RecentCache(rootsMax);
  }

  /**
   * Says whether a proof shows that the owner of a key signed the message for the purpose. Any bytes may be given, of
   * any length, and any index: what is not valid is `false`, never an exception.
   */
  verify(publicKey: Uint8Array, purpose: Purpose, message: Uint8Array, proof: BatchSignature): boolean {
    const { signature } = proof;
    if (!isProofShaped(proof)) return false;
    const root = rootOf(leafHash(purpose, message), proof);
    const name = toHex(signature.subarray(hashBytes));
    const known = this.#signedRoots.get(name);
    if (
      known !== undefined &&
      equalBytes(known.root, root) &&
      equalBytes(known.publicKey, publicKey) &&
      equalBytes(known.signature, signature)
    )
      return true;
    if (!this.#verifySignature(publicKey, 'icn/batch', root, signature)) return false;
    const signedRoot = {
      publicKey: Uint8Array.from(publicKey),
      root,
      signature: Uint8Array.from(signature),
    };
    this.#signedRoots.set(name, signedRoot);
    return true;
  }
}

/** An index beyond the tree would lead to the same root as the one below it: each proof has one spelling. */
function isProofShaped({ index, path }: BatchSignature): boolean {
  const depth = path.length / hashBytes;
  return (
    Number.isInteger(depth) &&
    depth <= depthMax &&
    Number.isInteger(index) &&
    index >= 0 &&
    index < 2 ** depth
  );
}

function rootOf(leaf: Uint8Array, { index, path }: BatchSignature): Uint8Array {
  let hash = leaf;
  for (let height = 0; height * hashBytes < path.length; height += 1) {
    const beside = path.subarray(height * hashBytes, (height + 1) * hashBytes);
    hash = (index >> height) & 1 ? nodeHash(beside, hash) : nodeHash(hash, beside);
  }
  return hash;
}

/** The levels of the tree, from the leaves to the root. */
function levelsAbove(leaves: readonly Uint8Array[]): Uint8Array[][] {
  const width = 2 ** Math.ceil(Math.log2(leaves.length));
  let level = Array.from({ length: width }, (_, index) => leaves[index] ?? emptyLeaf);
  const levels = [level];
  while (level.length > 1) {
    const below = level;
    level = Array.from({ length: below.length / 2 }, (_, index) =>
      nodeHash(below[2 * index] as Uint8Array, below[2 * index + 1] as Uint8Array),
    );
    levels.push(level);
  }
  return levels;
}

function leafHash(purpose: Purpose, message: Uint8Array): Uint8Array {
  return backend.sha256(concatBytes(leafPrefix, purposePrefixes[purpose], message));
}

/** Hashed out of one array that is written anew each time: half of the cost of a node would be making arrays. */
const nodeBytes = Uint8Array.of(nodePrefix, ...emptyLeaf, ...emptyLeaf);

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  nodeBytes.set(left, 1);
  nodeBytes.set(right, 1 + hashBytes);
  return backend.sha256(nodeBytes);
}
