import type { GossipEffect, GossipEvent } from '../../events.js';
import { readFrame } from '../frames.js';
import type { Observer } from '../observer.js';
import type { HostedMachine } from '../sim-node.js';
import type { Attack } from './attack.js';

/** Counts what honest machines make of hostile frames, and what that costs them. */
export class Outcomes implements Observer {
  readonly #attack: Attack;
  readonly #steadyMs: (() => number) | undefined;
  readonly #counts: Record<string, number> = {};
  readonly #before = new WeakMap<HostedMachine, Readonly<Record<string, number>>>();
  #sentBytesMax = 0;
  #toldAtMs = 0;
  #slowestMs = 0;
  #slowest = '';

  constructor(attack: Attack, steadyMs: (() => number) | undefined) {
    this.#attack = attack;
    this.#steadyMs = steadyMs;
  }

  told(): void {
    this.#toldAtMs = this.#steadyMs?.() ?? 0;
  }

  handled(event: GossipEvent, effects: readonly GossipEffect[], machine: HostedMachine): void {
    const elapsedMs = (this.#steadyMs?.() ?? 0) - this.#toldAtMs;
    if (elapsedMs > this.#slowestMs) {
      this.#slowestMs = elapsedMs;
      this.#slowest = wordsOf(event);
    }
    let sentBytes = 0;
    for (const effect of effects)
      if (effect.type === 'send') sentBytes += effect.frame.length * effect.to.length;
    this.#sentBytesMax = Math.max(this.#sentBytesMax, sentBytes);
    this.#judge(event, machine);
  }

  report() {
    return {
      outcomes: this.#counts,
      sentBytesMax: this.#sentBytesMax,
      slowestMs: Math.round(this.#slowestMs),
      slowest: this.#slowest,
    };
  }

  /** A frame that made a counter grow was dropped, in whole or in part. */
  #judge(event: GossipEvent, machine: HostedMachine): void {
    const now = machine.counters ?? {};
    const before = this.#before.get(machine) ?? {};
    this.#before.set(machine, now);
    if (event.type !== 'received' || !this.#attack.isHostile(event.frame)) return;
    const grown = Object.keys(now).find((name) => now[name] !== before[name]);
    const outcome = grown ?? 'taken';
    this.#counts[outcome] = (this.#counts[outcome] ?? 0) + 1;
  }
}

function wordsOf(event: GossipEvent): string {
  if (event.type !== 'received') return event.type;
  const { message } = readFrame(event.frame);
  const name = typeof message === 'string' ? message : message.type;
  return `${name} of ${event.frame.length} bytes`;
}
