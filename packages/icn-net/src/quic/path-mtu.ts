import { performance } from 'node:perf_hooks';
import type { PathProbes, Probe } from './path-probes.js';

/** Sizes worth a try, as UDP payloads under IPv6: loopback of macOS, jumbo frames, FDDI, Ethernet, Ethernet in a tunnel. */
const plateaus = [16_336, 8_952, 4_304, 1_452, 1_400] as const;
/** Datagrams as large as is known to pass that were sent before a larger size is looked for: whoever says less gains nothing by it. Guess. */
const fullBeforeSearch = 16;
/** When a larger size is looked for again (RFC 8899 §5.1.1: PMTU_RAISE_TIMER). */
const raiseAfterMs = 600_000;

export interface PathMtuOptions {
  /** What passes everywhere. */
  readonly floorBytes: number;
  /** What the path may carry at most. */
  readonly ceilingBytes: number;
}

/**
 * Path MTU discovery in the manner of DPLPMTUD (RFC 8899): one datagram as large as is asked about, and the peer's answer
 * that it came.
 *
 * What was changed, and why: the largest size is tried first, since mostly it passes; and each once, because a kernel that
 * has learned of a smaller link fragments the second. The size goes down to the floor at once where large datagrams may be
 * lost, and the search begins anew: that is cheaper than to find out.
 */
export class PathMtu {
  readonly #probes: PathProbes;
  readonly #floorBytes: number;
  #sizes: readonly number[];
  #bytes: number;
  /** Sizes that are still to be tried, the largest first. */
  #untried: number[];
  #probe: Probe | undefined;
  #raiseAtMs = Infinity;
  /** Nothing was heard since sizes came under suspicion: a probe would be lost as well. */
  #isSilent = false;
  #fullCount = 0;

  constructor(probes: PathProbes, { floorBytes, ceilingBytes }: PathMtuOptions) {
    this.#probes = probes;
    this.#floorBytes = Math.min(floorBytes, ceilingBytes);
    this.#bytes = this.#floorBytes;
    this.#sizes = sizesBetween(floorBytes, ceilingBytes);
    this.#untried = [...this.#sizes];
  }

  /** The UDP payload that is known to pass. */
  get bytes(): number {
    return this.#bytes;
  }

  get wakeAtMs(): number {
    return this.#isSilent ? Infinity : this.#raiseAtMs;
  }

  /** A datagram was sent that is as large as is known to pass. */
  filled(): void {
    this.#fullCount += 1;
  }

  /** Nothing is heard any more: it may be that large datagrams are lost. The search begins anew when something is. */
  fellSilent(): void {
    this.#reset();
    this.#isSilent = true;
  }

  heard(): void {
    this.#isSilent = false;
  }

  /** The path is another one, which may carry so much. */
  changed(ceilingBytes: number): void {
    this.#sizes = sizesBetween(this.#floorBytes, ceilingBytes);
    this.#reset();
  }

  /** Asks what is to be asked next; once the connection is open, each turn. */
  turn(nowMs: number): void {
    if (nowMs >= this.#raiseAtMs) this.#untried = this.#sizes.filter((bytes) => bytes > this.#bytes);
    if (this.#fullCount < fullBeforeSearch || this.#probe !== undefined || this.#isSilent) return;
    if (this.#untried.length === 0) return this.#rest(nowMs);
    if (!this.#probes.isPossible()) return;
    this.#untried = this.#untried.filter((size) => this.#probes.isPossible(size));
    const bytes = this.#untried.shift();
    if (bytes === undefined) return this.#rest(nowMs);
    this.#raiseAtMs = Infinity;
    this.#probe = {
      bytes,
      onAnswer: () => {
        this.#bytes = bytes;
        this.#untried = [];
        this.#probe = undefined;
        this.#rest(performance.now());
      },
      onSilence: () => (this.#probe = undefined),
    };
    this.#probes.ask(this.#probe);
  }

  #reset(): void {
    this.#bytes = this.#floorBytes;
    this.#untried = [...this.#sizes];
    if (this.#probe !== undefined) this.#probes.cancel(this.#probe);
    this.#probe = undefined;
  }

  #rest(nowMs: number): void {
    const isLargest = this.#bytes >= (this.#sizes[0] ?? 0);
    if (isLargest) this.#raiseAtMs = Infinity;
    else if (this.#raiseAtMs === Infinity) this.#raiseAtMs = nowMs + raiseAfterMs;
  }
}

function sizesBetween(floorBytes: number, ceilingBytes: number): readonly number[] {
  const known = plateaus.filter((bytes) => bytes > floorBytes && bytes < ceilingBytes);
  return ceilingBytes > floorBytes ? [ceilingBytes, ...known] : [];
}
