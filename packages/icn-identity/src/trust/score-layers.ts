import type { Did } from '../did.js';
import { fullScore, hopsMax, passOn } from './trust-score.js';

/** One hop of a path: what was said, and the score that the path has after it. In thousandths. */
export interface Hop {
  readonly issuer: Did;
  readonly subject: Did;
  readonly said: number;
  readonly score: number;
}

interface Vertex {
  readonly did: Did;
  /** What others say of it, by issuer, and what it says of others, by subject. */
  readonly from: Map<Vertex, number>;
  readonly to: Map<Vertex, number>;
  /** At index h: the best score along at most h hops. */
  readonly scores: number[];
}

/**
 * The scores of all DIDs in a graph of statements, kept up with its changes.
 *
 * With a limit on hops the best path to a DID need not go on from the best path to the one before: a stronger, longer
 * path may have used the hops up. So there is a layer for each number of hops, and a layer depends on the one
 * before alone. A change marks what it touches; the next question works the marks off, layer by layer, and stops
 * where a score stays as it was. Cycles need no care. Invariants, once the marks are worked off:
 *
 * 1. `self` has the full score in all layers.
 * 2. Whom `self` has a statement of has that score in all layers from 1 on.
 * 3. Anybody else has 0 in layer 1 and, in layer h, the most that a statement of somebody passes on of his score in
 *    layer h − 1.
 */
export class ScoreLayers {
  readonly #self: Vertex;
  readonly #vertices = new Map<Did, Vertex>();
  /** At index h: whose score in layer h may be wrong. */
  readonly #marked: readonly Set<Vertex>[] = Array.from({ length: hopsMax + 1 }, () => new Set());

  constructor(self: Did) {
    this.#self = this.#vertexOf(self);
    this.#self.scores.fill(fullScore);
  }

  /** Has `issuer` say so much of `subject` from now on, or nothing. */
  say(issuer: Did, subject: Did, said: number | undefined): void {
    const from = this.#vertexOf(issuer);
    const to = this.#vertexOf(subject);
    if (said === undefined) {
      from.to.delete(to);
      to.from.delete(from);
    } else {
      from.to.set(to, said);
      to.from.set(from, said);
    }
    const firstLayer = from === this.#self ? 1 : 2;
    for (let layer = firstLayer; layer <= hopsMax; layer += 1) this.#marked[layer]?.add(to);
    this.#forgetIfAlone(from);
    this.#forgetIfAlone(to);
  }

  scoreOf(did: Did): number {
    this.#settle();
    return this.#vertices.get(did)?.scores[hopsMax] ?? 0;
  }

  /** Everybody with a score above 0, and everybody of whom `self` has a statement. In no order. */
  *all(): Generator<{ readonly did: Did; readonly score: number; readonly isOwn: boolean }> {
    this.#settle();
    for (const vertex of this.#vertices.values()) {
      const score = vertex.scores[hopsMax] ?? 0;
      const isOwn = vertex.from.has(this.#self);
      if (score > 0 || isOwn) yield { did: vertex.did, score, isOwn };
    }
  }

  /** Whether `self` has a statement of a DID. */
  hasOwn(did: Did): boolean {
    return this.#vertices.get(did)?.from.has(this.#self) ?? false;
  }

  /** How many say something of a DID. */
  voucherCount(did: Did): number {
    return this.#vertices.get(did)?.from.size ?? 0;
  }

  /**
   * The path by which a DID has its score, from `self` on; empty for `self` and for whom no path reaches. Of equal
   * paths one with the fewest hops; where there are more, at each hop back from the end the issuer whose DID is the
   * first in the order of its characters.
   */
  pathTo(did: Did): readonly Hop[] {
    this.#settle();
    const vertex = this.#vertices.get(did);
    return vertex === undefined ? [] : this.#path(vertex, hopsMax);
  }

  #path(vertex: Vertex, layerMax: number): Hop[] {
    const score = vertex.scores[layerMax] ?? 0;
    const own = vertex.from.get(this.#self);
    if (vertex === this.#self || (score === 0 && own === undefined)) return [];
    const layer = vertex.scores.findIndex((inLayer, index) => index > 0 && inLayer === score);
    const issuer = own === undefined ? this.#issuerBehind(vertex, layer) : this.#self;
    const said = vertex.from.get(issuer) ?? 0;
    const hop = { issuer: issuer.did, subject: vertex.did, said, score };
    return [...this.#path(issuer, layer - 1), hop];
  }

  #issuerBehind(vertex: Vertex, layer: number): Vertex {
    let first: Vertex | undefined;
    for (const [issuer, said] of vertex.from) {
      const isBehind = passOn(issuer.scores[layer - 1] ?? 0, said) === vertex.scores[layer];
      if (isBehind && (first === undefined || issuer.did < first.did)) first = issuer;
    }
    if (first === undefined) throw new Error(`no statement gives ${vertex.did} the score it has`);
    return first;
  }

  #settle(): void {
    for (let layer = 1; layer <= hopsMax; layer += 1) {
      const marked = this.#marked[layer]!;
      for (const vertex of marked) {
        const score = this.#scoreIn(layer, vertex);
        if (score === vertex.scores[layer]) continue;
        vertex.scores[layer] = score;
        for (const subject of vertex.to.keys()) this.#marked[layer + 1]?.add(subject);
      }
      marked.clear();
    }
  }

  #scoreIn(layer: number, vertex: Vertex): number {
    if (vertex === this.#self) return fullScore;
    const own = vertex.from.get(this.#self);
    if (own !== undefined) return own;
    let best = 0;
    if (layer === 1) return best;
    for (const [issuer, said] of vertex.from) {
      best = Math.max(best, passOn(issuer.scores[layer - 1] ?? 0, said));
    }
    return best;
  }

  #vertexOf(did: Did): Vertex {
    let vertex = this.#vertices.get(did);
    if (vertex === undefined) {
      const scores = Array.from({ length: hopsMax + 1 }, () => 0);
      vertex = { did, from: new Map(), to: new Map(), scores };
      this.#vertices.set(did, vertex);
    }
    return vertex;
  }

  #forgetIfAlone(vertex: Vertex): void {
    if (vertex === this.#self || vertex.from.size > 0 || vertex.to.size > 0) return;
    this.#vertices.delete(vertex.did);
    for (const marked of this.#marked) marked.delete(vertex);
  }
}
