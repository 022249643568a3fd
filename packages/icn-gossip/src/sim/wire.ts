import type { Connection, Lane } from './connection.js';
import { AT_ONCE, drawMs, type Distribution } from './distribution.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimNode } from './sim-node.js';

/** What links do to what passes them. */
export interface LinkConditions {
  /** One way; drawn once for each pair of nodes. */
  readonly latencyMs: Distribution;
  /** On top of it, for each frame. */
  readonly jitterMs: Distribution;
  readonly lossRate: number;
  readonly duplicationRate: number;
  /** Share of frames that later ones may overtake. */
  readonly reorderRate: number;
  /** Of each direction of each link. */
  readonly bytesPerMs: number;
  /** What would wait longer for its turn on a link is dropped. */
  readonly queueMsMax: number;
}

/** No faults: 5 ms, and bandwidth without end. */
export const CALM_LINKS: LinkConditions = {
  latencyMs: { type: 'fixed', ms: 5 },
  jitterMs: AT_ONCE,
  lossRate: 0,
  duplicationRate: 0,
  reorderRate: 0,
  bytesPerMs: Infinity,
  queueMsMax: 10_000,
};

/** Frames from one of `from` to one of `to` are lost while it stands; the other way they pass. */
export interface Cut {
  readonly from: ReadonlySet<SimNode>;
  readonly to: ReadonlySet<SimNode>;
}

/** Decides what becomes of each frame: when it arrives, how often, and whether at all. */
export class Wire {
  conditions: LinkConditions;
  readonly #random: SeededRandom;
  readonly #cuts = new Set<Cut>();

  constructor(conditions: LinkConditions, random: SeededRandom) {
    this.conditions = conditions;
    this.#random = random;
  }

  cut(cut: Cut): void {
    this.#cuts.add(cut);
  }

  heal(cut: Cut): void {
    this.#cuts.delete(cut);
  }

  healAll(): void {
    this.#cuts.clear();
  }

  isCut(from: SimNode, to: SimNode): boolean {
    for (const cut of this.#cuts) if (cut.from.has(from) && cut.to.has(to)) return true;
    return false;
  }

  /** Whether both can hear each other. */
  isJoined(a: SimNode, b: SimNode): boolean {
    return !this.isCut(a, b) && !this.isCut(b, a);
  }

  /** One way between two nodes: the same each time that they connect. */
  latencyMs(a: SimNode, b: SimNode): number {
    const { latencyMs } = this.conditions;
    if (latencyMs.type === 'fixed') return latencyMs.ms;
    const [low, high] = a.index < b.index ? [a.index, b.index] : [b.index, a.index];
    return drawMs(latencyMs, this.#random.fork(`${low}-${high}`));
  }

  /** When the frame arrives: nowhere (lost), once or twice. */
  carry(
    connection: Connection,
    from: SimNode,
    byteCount: number,
    priority: 'control' | 'bulk',
    nowMs: number,
  ): readonly number[] {
    const { bytesPerMs, queueMsMax, lossRate, duplicationRate } = this.conditions;
    const lane = connection.laneFrom(from);
    const { freeAtMs } = lane;
    const startMs = Math.max(nowMs, freeAtMs.control, priority === 'bulk' ? freeAtMs.bulk : 0);
    if (startMs - nowMs > queueMsMax) return [];
    const sentMs = startMs + byteCount / bytesPerMs;
    freeAtMs[priority] = sentMs;
    const isLost = this.#random.chance(lossRate) || this.isCut(from, connection.other(from));
    if (isLost) return [];
    const copies = this.#random.chance(duplicationRate) ? 2 : 1;
    return Array.from({ length: copies }, () => this.#arrival(lane, priority, sentMs));
  }

  #arrival(lane: Lane, priority: 'control' | 'bulk', sentMs: number): number {
    const { jitterMs, reorderRate } = this.conditions;
    const last = lane.lastArrivalMs;
    const arrivalMs = Math.max(sentMs + lane.latencyMs + drawMs(jitterMs, this.#random), last[priority]);
    // The straggler of two that change places: later ones, which come within the time of two trips, overtake it.
    if (this.#random.chance(reorderRate)) return arrivalMs + this.#random.between(0, 2 * lane.latencyMs + 1);
    last[priority] = arrivalMs;
    return arrivalMs;
  }
}
