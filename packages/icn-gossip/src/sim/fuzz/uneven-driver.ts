import type { GossipEffect, GossipEvent } from '../../events.js';
import type { SeededRandom } from '../seeded-random.js';
import type { HostedMachine, HostedStatus, MachineFactory } from '../sim-node.js';

/** What an uneven driver does, and whom it tells; both outlast the node's lives. */
export interface Unevenness {
  readonly random: SeededRandom;
  /** While false, it drives as evenly as the world does. */
  isOn: boolean;
  /** How far the node's clock was set forward in all. */
  jumpMs: number;
  /** The machine broke its contract. */
  readonly fault: (detail: string) => void;
  /** The machine handled an event. */
  readonly handled: (event: GossipEvent, effects: readonly GossipEffect[], machine: HostedMachine) => void;
}

interface Late {
  readonly event: GossipEvent;
  readonly atMs: number;
}

/** The longest wait of a wake, or of what the disk says (guess). */
const LATE_MS_MAX = 400;
/** No timer of the protocol is set further ahead: 32 times a retry of 30 s, and then some. */
const WAKE_AHEAD_MS_MAX = 4 * 3_600_000;

/**
 * Drives a machine as a driver may that keeps to the contract and no more: it acknowledges several writes by the last,
 * and again; answers loads late and out of order; wakes early, late and for nothing; and its clock jumps forward.
 */
class UnevenDriver implements HostedMachine {
  readonly #inner: HostedMachine;
  readonly #mood: Unevenness;
  #late: Late[] = [];
  #lateMs = 0;
  #lastMs = 0;

  constructor(inner: HostedMachine, mood: Unevenness) {
    this.#inner = inner;
    this.#mood = mood;
  }

  get wakeAtMs(): number | undefined {
    const wanted = this.#inner.wakeAtMs;
    if (wanted !== undefined && (!Number.isFinite(wanted) || wanted > this.#lastMs + WAKE_AHEAD_MS_MAX))
      this.#mood.fault(`wants to be woken at ${wanted}, now is ${this.#lastMs}`);
    const isLate = wanted !== undefined && this.#mood.isOn;
    const times = this.#late.map(({ atMs }) => atMs);
    const wakeAtMs =
      Math.min((wanted ?? Infinity) + (isLate ? this.#lateMs : 0), ...times) - this.#mood.jumpMs;
    return Number.isFinite(wakeAtMs) ? wakeAtMs : undefined;
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#inner.counters ?? {};
  }

  status(): readonly HostedStatus[] {
    return this.#inner.status?.() ?? [];
  }

  handle(event: GossipEvent, worldMs: number): readonly GossipEffect[] {
    this.#lastMs = Math.max(this.#lastMs, worldMs + this.#mood.jumpMs);
    const due = this.#takeDue();
    return [...due, ...this.#uneven(event)].flatMap((each) => this.#tell(each));
  }

  /** What is told now of an event. */
  #uneven(event: GossipEvent): readonly GossipEvent[] {
    const { random, isOn } = this.#mood;
    if (event.type === 'woke') {
      this.#lateMs = random.chance(0.2) ? random.below(LATE_MS_MAX) : 0;
      return (this.#inner.wakeAtMs ?? Infinity) <= this.#lastMs || random.chance(0.1) ? [event] : [];
    }
    if (event.type !== 'persisted' && event.type !== 'loaded') return [event];
    if (isOn && random.chance(0.35)) {
      this.#late.push({ event, atMs: this.#lastMs + random.below(LATE_MS_MAX) });
      return [];
    }
    return isOn && random.chance(0.05) ? [event, event] : [event];
  }

  #takeDue(): GossipEvent[] {
    const due = this.#late.filter(({ atMs }) => atMs <= this.#lastMs);
    if (due.length > 0) this.#late = this.#late.filter(({ atMs }) => atMs > this.#lastMs);
    return due.map(({ event }) => event);
  }

  #tell(event: GossipEvent): readonly GossipEffect[] {
    const effects = this.#inner.handle(event, this.#lastMs);
    this.#mood.handled(event, effects, this.#inner);
    return effects;
  }
}

/** Lets a machine be driven so. `mood` is asked for at each start of the node. */
export function unevenMachine(inner: MachineFactory, mood: Unevenness): MachineFactory {
  return (setup) => new UnevenDriver(inner(setup), mood);
}
