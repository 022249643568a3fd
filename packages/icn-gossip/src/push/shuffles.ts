import type { GossipLimits } from '../limits.js';
import { jittered, type Random } from './draw.js';

/** Peers that one shuffle tells of its sender's active view, and of the others it knows (HyParView §5.1: ka 3, kp 4). */
export const SHUFFLE_ACTIVE = 3;
export const SHUFFLE_OTHERS = 4;
/** A node that has nothing new to learn shuffles this many times less often in the end (guess). */
const WAIT_FACTOR_MAX = 16;

/** When to shuffle: the more rarely, the longer nothing new was heard. */
export class ShuffleTimer {
  readonly #limits: GossipLimits;
  readonly #random: Random;
  #waitFactor = 1;
  #hasNews = false;
  #atMs: number | undefined;

  constructor(limits: GossipLimits, random: Random) {
    this.#limits = limits;
    this.#random = random;
  }

  get atMs(): number | undefined {
    return this.#atMs;
  }

  /** Something changed around this node: the waits begin anew. */
  news(nowMs: number): void {
    this.#hasNews = true;
    if (this.#waitFactor > 1 || this.#atMs === undefined) this.#restart(nowMs);
  }

  /** Whether it is time; if so, the next time is drawn. */
  takeDue(nowMs: number): boolean {
    if (this.#atMs === undefined || nowMs < this.#atMs) return false;
    if (this.#hasNews) this.#waitFactor = 1;
    else this.#waitFactor = Math.min(WAIT_FACTOR_MAX, this.#waitFactor * 2);
    this.#hasNews = false;
    this.#draw(nowMs);
    return true;
  }

  stop(): void {
    this.#atMs = undefined;
    this.#waitFactor = 1;
  }

  #restart(nowMs: number): void {
    this.#waitFactor = 1;
    this.#draw(nowMs);
  }

  #draw(nowMs: number): void {
    this.#atMs = nowMs + this.#waitFactor * jittered(this.#limits.shuffleIntervalMs, this.#random);
  }
}
