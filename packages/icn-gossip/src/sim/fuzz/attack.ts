import type { Did } from '@icn/identity';
import type { GossipEffect, GossipEvent } from '../../events.js';
import type { SeededRandom } from '../seeded-random.js';
import type { HostedMachine, MachineFactory, MachineSetup } from '../sim-node.js';
import type { Craft, FrameMill } from './frame-mill.js';

export interface AttackOptions {
  readonly mill: FrameMill;
  readonly random: SeededRandom;
  /** Gets most of the frames; the other peers get some. */
  readonly victim: Did;
  /** Hostile frames to be sent, by all attackers together. */
  readonly framesMax: number;
  /** So many are made as ever and kept back: a failure is searched for its last cause so. */
  readonly silentFrames: number;
}

/** Between two volleys, and the frames of one (guess: some 100 frames a second, so that time passes as well). */
const VOLLEY_MS = 50;
const VOLLEY_FRAMES = 10;
/** Frames that wait to be sent late, out of order (guess). */
const HELD_MAX = 32;

/** What all attackers of a world do together. */
export class Attack {
  readonly options: AttackOptions;
  readonly crafts: Record<Craft, number> = { replayed: 0, bytes: 0, values: 0, forged: 0 };
  /** Frames that were made, those kept back among them. */
  frameCount = 0;
  readonly #hostile = new WeakSet<Uint8Array>();

  constructor(options: AttackOptions) {
    this.options = options;
  }

  get isOver(): boolean {
    return this.frameCount >= this.options.framesMax;
  }

  /** Whether a frame that arrives was made by the mill. */
  isHostile(frame: Uint8Array): boolean {
    return this.#hostile.has(frame);
  }

  /** The machine of an attacker: a real one, so that it is taken for one of us and has sessions and requests to lie in. */
  machineOf(inner: MachineFactory): MachineFactory {
    return (setup) => new Attacker(inner(setup), this, setup);
  }

  /** Orders to send a hostile frame; none where it is kept back. */
  launch(to: Did, { frame, craft }: { frame: Uint8Array; craft: Craft }): GossipEffect[] {
    this.crafts[craft]++;
    if (++this.frameCount <= this.options.silentFrames) return [];
    // Each is an object of its own, for a replayed one was somebody's honest word before.
    const own = frame.slice();
    this.#hostile.add(own);
    return [{ type: 'send', to: [to], frame: own, priority: 'control' }];
  }
}

class Attacker implements HostedMachine {
  readonly #inner: HostedMachine;
  readonly #attack: Attack;
  readonly #self: Did;
  readonly #peers: Did[] = [];
  readonly #held: GossipEffect[] = [];
  #volleyAtMs = 0;

  constructor(inner: HostedMachine, attack: Attack, setup: MachineSetup) {
    this.#inner = inner;
    this.#attack = attack;
    this.#self = setup.keyPair.did;
  }

  get wakeAtMs(): number | undefined {
    const wakeAtMs = Math.min(
      this.#inner.wakeAtMs ?? Infinity,
      this.#attack.isOver ? Infinity : this.#volleyAtMs,
    );
    return Number.isFinite(wakeAtMs) ? wakeAtMs : undefined;
  }

  handle(event: GossipEvent, nowMs: number): readonly GossipEffect[] {
    if (event.type === 'peer-up' && event.peer !== this.#self) this.#peers.push(event.peer);
    if (event.type === 'peer-down') this.#peers.splice(this.#peers.indexOf(event.peer), 1);
    if (event.type === 'received') this.#attack.options.mill.hear(event.frame);
    const effects = this.#inner.handle(event, nowMs).flatMap((effect) => this.#corrupt(effect));
    if (nowMs < this.#volleyAtMs || this.#attack.isOver) return effects;
    this.#volleyAtMs = nowMs + VOLLEY_MS * this.#attack.options.random.between(0.2, 2);
    return [...effects, ...this.#volley()];
  }

  /** Of what it would say in earnest some is changed, said twice, late, out of order or not at all. */
  #corrupt(effect: GossipEffect): readonly GossipEffect[] {
    const { mill, random } = this.#attack.options;
    if (effect.type !== 'send' || this.#attack.isOver) return [effect];
    const what = random.float();
    if (what < 0.45) return [effect];
    if (what < 0.8) return effect.to.flatMap((to) => this.#attack.launch(to, mill.mutated(effect.frame)));
    if (what < 0.87) return [effect, effect];
    if (what < 0.94 && this.#held.length < HELD_MAX) {
      this.#held.push(effect);
      return [];
    }
    return what < 0.97 ? [] : [effect, ...this.#held.splice(random.below(HELD_MAX), 3)];
  }

  #volley(): readonly GossipEffect[] {
    const { mill, random, victim } = this.#attack.options;
    if (this.#peers.length === 0) return [];
    const effects: GossipEffect[] = [];
    for (let count = random.below(2 * VOLLEY_FRAMES); count > 0 && !this.#attack.isOver; count--) {
      const isUp = this.#peers.includes(victim);
      const to = isUp && random.chance(0.85) ? victim : random.pick(this.#peers);
      effects.push(...this.#attack.launch(to, mill.next()));
    }
    return effects;
  }
}
