import type { Did } from '@icn/identity';
import type { GossipEffect, GossipEvent } from '../../events.js';
import { encodeMessage } from '../../wire/message-codec.js';
import type { GossipMessage } from '../../wire/messages.js';
import { readFrame } from '../frames.js';
import type { HostedMachine, MachineFactory, MachineSetup } from '../sim-node.js';
import { SeededRandom } from '../seeded-random.js';

/** What a lie has at hand. */
export interface LiarContext {
  readonly setup: MachineSetup;
  readonly random: SeededRandom;
  /** Peers that are up, in the order in which they came. */
  readonly peers: readonly Did[];
}

/** A way of lying. A lie without `says` or `does` leaves that as it is. */
export interface Lie {
  /** Called for each message that the liar is about to say to `to`; what it returns is said instead. */
  readonly says?: (
    message: GossipMessage,
    to: Did,
    context: LiarContext,
  ) => readonly (GossipMessage | Uint8Array)[];
  /** What it hears, before its machine does. */
  readonly hears?: (message: GossipMessage, from: Did, context: LiarContext) => void;
  /** Called every `everyMs`: what it says of its own accord. */
  readonly everyMs?: number;
  readonly does?: (context: LiarContext, nowMs: number) => readonly Speech[];
}

export interface Speech {
  readonly to: readonly Did[];
  readonly message: GossipMessage | Uint8Array;
}

/**
 * A peer that speaks the protocol and lies: a real machine, so that it is taken for one of us, of which each message
 * passes through lies. It has keys of its own like any node, and can forge nobody else's signature.
 */
class Liar implements HostedMachine {
  readonly #inner: HostedMachine;
  readonly #lies: readonly Lie[];
  readonly #peers: Did[] = [];
  readonly #context: LiarContext;
  readonly #nextAtMs: number[];

  constructor(inner: HostedMachine, lies: readonly Lie[], setup: MachineSetup) {
    this.#inner = inner;
    this.#lies = lies;
    const random = new SeededRandom(setup.random(8).join());
    this.#context = { setup, random, peers: this.#peers };
    this.#nextAtMs = lies.map(({ everyMs }) => (everyMs === undefined ? Infinity : 0));
  }

  get wakeAtMs(): number | undefined {
    const wakeAtMs = Math.min(this.#inner.wakeAtMs ?? Infinity, ...this.#nextAtMs);
    return Number.isFinite(wakeAtMs) ? wakeAtMs : undefined;
  }

  handle(event: GossipEvent, nowMs: number): readonly GossipEffect[] {
    if (event.type === 'peer-up') this.#peers.push(event.peer);
    if (event.type === 'peer-down') this.#peers.splice(this.#peers.indexOf(event.peer), 1);
    if (event.type === 'received') this.#hear(event.from, event.frame);
    const isOwnWake = event.type === 'woke' && nowMs < (this.#inner.wakeAtMs ?? Infinity);
    const effects = isOwnWake ? [] : this.#inner.handle(event, nowMs);
    return [...effects.flatMap((effect) => this.#corrupt(effect)), ...this.#act(nowMs)];
  }

  #hear(from: Did, frame: Uint8Array): void {
    const { message } = readFrame(frame);
    if (typeof message === 'string') return;
    for (const lie of this.#lies) lie.hears?.(message, from, this.#context);
  }

  #corrupt(effect: GossipEffect): readonly GossipEffect[] {
    if (effect.type !== 'send') return [effect];
    const { message } = readFrame(effect.frame);
    if (typeof message === 'string' || this.#lies.every(({ says }) => says === undefined)) return [effect];
    return effect.to.flatMap((to) => {
      let said: readonly (GossipMessage | Uint8Array)[] = [message];
      for (const lie of this.#lies) {
        said = said.flatMap((each) =>
          each instanceof Uint8Array ? [each] : (lie.says?.(each, to, this.#context) ?? [each]),
        );
      }
      return said.map((each) => speech({ to: [to], message: each }, effect.priority));
    });
  }

  #act(nowMs: number): readonly GossipEffect[] {
    const effects: GossipEffect[] = [];
    for (const [index, lie] of this.#lies.entries()) {
      if (lie.everyMs === undefined || nowMs < this.#nextAtMs[index]!) continue;
      this.#nextAtMs[index] = nowMs + lie.everyMs * this.#context.random.between(0.5, 1.5);
      for (const each of lie.does?.(this.#context, nowMs) ?? [])
        if (each.to.length > 0) effects.push(speech(each, 'control'));
    }
    return effects;
  }
}

function speech({ to, message }: Speech, priority: 'control' | 'bulk'): GossipEffect {
  const frame = message instanceof Uint8Array ? message : encodeMessage(message);
  return { type: 'send', to, frame, priority };
}

/** Makes of a right machine one that tells these lies. `lies` is called at each start of the node. */
export function liarMachine(
  inner: MachineFactory,
  lies: (setup: MachineSetup) => readonly Lie[],
): MachineFactory {
  return (setup) => new Liar(inner(setup), lies(setup), setup);
}
