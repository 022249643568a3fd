import type { Did } from '@icn/identity';
import type { GossipLimits } from '../limits.js';
import { drawOne, drawSome, type Random } from './draw.js';

interface Hint {
  /** It followed the topic on a link of ours, and was not out of reach too often since. */
  isProven: boolean;
  failureCount: number;
  notBeforeMs: number;
}

/** So many attempts in vain, and a proven peer counts for no more than hearsay, while hearsay is forgotten (guess). */
const FAILURES_MAX = 3;
/** Waits double up to this factor (guess). */
const BACKOFF_MAX = 32;

/**
 * The passive view of HyParView: peers that are not connected and may follow the topic. All of it is hints, most of
 * it hearsay: a peer may name any DID. So hearsay never drives out a peer that this node has met, and a peer out of
 * reach is tried ever more rarely instead of being forgotten: after a partition all of the other side look dead.
 */
export class PassiveView {
  readonly #hints = new Map<Did, Hint>();
  readonly #limits: GossipLimits;
  readonly #random: Random;

  constructor(limits: GossipLimits, random: Random) {
    this.#limits = limits;
    this.#random = random;
  }

  get size(): number {
    return this.#hints.size;
  }

  has(did: Did): boolean {
    return this.#hints.has(did);
  }

  /** Takes in a peer, known from a link of ours or by hearsay. Returns whether it is news. */
  add(did: Did, isProven: boolean): boolean {
    const known = this.#hints.get(did);
    if (known !== undefined) {
      known.isProven ||= isProven;
      return false;
    }
    if (this.#hints.size >= this.#limits.passiveViewMax && !this.#makeRoom(isProven)) return false;
    this.#hints.set(did, { isProven, failureCount: 0, notBeforeMs: 0 });
    return true;
  }

  delete(did: Did): void {
    this.#hints.delete(did);
  }

  /** One of those that may be tried now. */
  drawDue(nowMs: number): Did | undefined {
    const due = [...this.#hints].filter(([, { notBeforeMs }]) => notBeforeMs <= nowMs);
    return drawOne(due, this.#random)?.[0];
  }

  drawSome(count: number): Did[] {
    return drawSome([...this.#hints.keys()], count, this.#random);
  }

  /** When the next one may be tried. */
  get dueAtMs(): number | undefined {
    if (this.#hints.size === 0) return undefined;
    return Math.min(...Array.from(this.#hints.values(), ({ notBeforeMs }) => notBeforeMs));
  }

  /** It is being tried: not again before `nowMs` + `forMs`, whatever comes of it. */
  postpone(did: Did, untilMs: number): void {
    const hint = this.#hints.get(did);
    if (hint !== undefined) hint.notBeforeMs = untilMs;
  }

  /** It could not be reached. */
  failed(did: Did, nowMs: number): void {
    const hint = this.#hints.get(did);
    if (hint === undefined) return;
    hint.failureCount++;
    if (hint.failureCount >= FAILURES_MAX) {
      if (!hint.isProven) return this.delete(did);
    }
    const factor = Math.min(BACKOFF_MAX, 2 ** (hint.failureCount - 1));
    hint.notBeforeMs = nowMs + this.#limits.neighborRetryMs * factor;
  }

  /** The one that failed most often goes; hearsay before proven peers, and for hearsay no other. */
  #makeRoom(isProven: boolean): boolean {
    const isHearsay = ({ isProven: was, failureCount }: Hint) => !was || failureCount >= FAILURES_MAX;
    let victims = [...this.#hints].filter(([, hint]) => isHearsay(hint));
    if (victims.length === 0 && isProven) victims = [...this.#hints];
    const failuresMax = Math.max(...victims.map(([, { failureCount }]) => failureCount));
    victims = victims.filter(([, { failureCount }]) => failureCount === failuresMax);
    const victim = drawOne(victims, this.#random);
    return victim !== undefined && this.#hints.delete(victim[0]);
  }
}
