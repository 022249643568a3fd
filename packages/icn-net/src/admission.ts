import { isIPv6 } from 'node:net';
import { performance } from 'node:perf_hooks';
import { SourceBudget, type SourceBudgetLimits } from './source-budget.js';

/** The bound that refuses a handshake. */
export type AdmissionDrop = 'handshake-cap' | 'handshake-source-cap' | 'handshake-source-budget';

/** Handshakes of strangers: how many may be under way at once, how many of them from one source, and how often one may begin. */
export interface HandshakeLimits extends SourceBudgetLimits {
  readonly handshakesMax: number;
  readonly handshakesPerSourceMax: number;
  /** How long a handshake keeps its place when all are taken and somebody new comes. */
  readonly handshakePatienceMs: number;
}

/** A place among the handshakes. */
export interface HandshakePlace {
  /** Gives it back, once or more often. */
  readonly leave: () => void;
  /** Called when a newcomer has taken it; to be set by who has the place. */
  onDisplaced: () => void;
}

interface Taken extends HandshakePlace {
  readonly sinceMs: number;
}

/**
 * Counts the inbound handshakes whose peer is not proven, in all and per source, and refuses those over a bound. Places
 * are given back; what a source spends of its budget comes back with time alone. When all places are taken, the oldest handshake
 * gives way once it is no longer young: an honest one is done by then, so that a flood has to be begun anew all the time.
 */
export class HandshakeAdmission {
  readonly #limits: HandshakeLimits;
  readonly #nowMs: () => number;
  readonly #budget: SourceBudget;
  readonly #bySource = new Map<string, number>();
  /** The oldest first. */
  readonly #places = new Set<Taken>();

  constructor(limits: HandshakeLimits, nowMs: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#nowMs = nowMs;
    this.#budget = new SourceBudget(limits);
  }

  /** Whether one more handshake stays within this share of each bound: of all places, of those of its source, of its budget. */
  hasShare(host: string, share: number): boolean {
    const source = sourceOf(host);
    const ofSource = this.#bySource.get(source) ?? 0;
    return (
      this.#places.size < this.#limits.handshakesMax * share &&
      ofSource < this.#limits.handshakesPerSourceMax * share &&
      this.#budget.covers(source, this.#nowMs(), share)
    );
  }

  /** Takes a place, or says which bound is reached. */
  admit(host: string): HandshakePlace | AdmissionDrop {
    const nowMs = this.#nowMs();
    const source = sourceOf(host);
    const ofSource = this.#bySource.get(source) ?? 0;
    if (ofSource >= this.#limits.handshakesPerSourceMax) return 'handshake-source-cap';
    const [oldest] = this.#places.size < this.#limits.handshakesMax ? [] : this.#places;
    if (oldest !== undefined && nowMs - oldest.sinceMs < this.#limits.handshakePatienceMs)
      return 'handshake-cap';
    if (!this.#budget.spend(source, nowMs)) return 'handshake-source-budget';
    oldest?.leave();
    const place: Taken = {
      sinceMs: nowMs,
      leave: () => this.#release(place, source),
      onDisplaced: () => undefined,
    };
    this.#places.add(place);
    // Not before: the place that was given may have been the last of this very source.
    this.#bySource.set(source, (this.#bySource.get(source) ?? 0) + 1);
    oldest?.onDisplaced();
    return place;
  }

  #release(place: Taken, source: string): void {
    if (!this.#places.delete(place)) return;
    const ofSource = (this.#bySource.get(source) ?? 0) - 1;
    if (ofSource > 0) this.#bySource.set(source, ofSource);
    else this.#bySource.delete(source);
  }
}

/** Who pays for an address: itself in IPv4; in IPv6 its /64, which is what one customer has. */
export function sourceOf(host: string): string {
  if (!isIPv6(host)) return host;
  const [address = ''] = host.split('%');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  const [left = '', right] = address.split('::');
  const groups = left === '' ? [] : left.split(':');
  if (right !== undefined) {
    const tail = right === '' ? [] : right.split(':');
    while (groups.length + tail.length < 8) groups.push('0');
    groups.push(...tail);
  }
  const prefix = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${prefix.join(':')}::/64`;
}
