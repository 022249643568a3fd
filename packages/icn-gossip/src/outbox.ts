import type { Did } from '@icn/identity';
import type { Counters } from './bounds/counters.js';
import type { DropName } from './drops.js';
import { DurabilityGate } from './durability-gate.js';
import type { EntryId } from './entry/entry-name.js';
import type { StoreWrite } from './entry/entry-store.js';
import type { GossipEffect } from './events.js';
import type { Topic } from './topic.js';
import { encodeMessage } from './wire/message-codec.js';
import type { GossipMessage } from './wire/messages.js';

/** Gathers the effects of one event in the order in which the driver is to carry them out. */
export class Outbox {
  readonly #heldBytesMax: number;
  readonly #counters: Counters<DropName>;
  readonly #gate = new DurabilityGate<GossipEffect>();
  #effects: GossipEffect[] = [];
  #writes: StoreWrite[] = [];
  #afterWrites: GossipEffect[] = [];
  #heldBytes = 0;
  #lastLoad = 0;

  /** `heldBytesMax` bounds the messages that wait for the disk; more are dropped, as a link may drop them. */
  constructor(heldBytesMax: number, counters: Counters<DropName>) {
    this.#heldBytesMax = heldBytesMax;
    this.#counters = counters;
  }

  /** Whether all that this node holds is on disk. */
  get isDurable(): boolean {
    return this.#gate.isClear && this.#writes.length === 0;
  }

  /** For what says nothing about what this node holds: requests, and other people's entries. Returns the frame's bytes. */
  send(to: readonly Did[], message: GossipMessage): number {
    if (to.length === 0) return 0;
    const effect = sendEffect(to, message);
    this.#effects.push(effect);
    return effect.frame.length;
  }

  /** For what speaks of entries that this node holds: sent once all of them are durable. Returns the frame's bytes. */
  sendWhenDurable(to: readonly Did[], message: GossipMessage): number {
    if (to.length === 0) return 0;
    const effect = sendEffect(to, message);
    this.#afterWrites.push(effect);
    return effect.frame.length;
  }

  effect(effect: GossipEffect): void {
    this.#effects.push(effect);
  }

  effectWhenDurable(effect: GossipEffect): void {
    this.#afterWrites.push(effect);
  }

  /** Has entries read once all that was written is durable; returns the number that `loaded` will tell. */
  load(topic: Topic, ids: readonly EntryId[], bytesMax: number): number {
    const load = ++this.#lastLoad;
    this.effectWhenDurable({ type: 'load', load, topic, ids, bytesMax });
    return load;
  }

  write(...writes: readonly StoreWrite[]): void {
    this.#writes.push(...writes);
  }

  persisted(write: number): void {
    for (const effect of this.#gate.release(write)) {
      this.#heldBytes -= frameBytes(effect);
      this.#effects.push(effect);
    }
  }

  /** The peer's link is down: what waits for the disk is not said to it, not even on its next link. */
  dropPeer(peer: Did): void {
    this.#gate.revise((effect) => {
      if (effect.type !== 'send' || !effect.to.includes(peer)) return effect;
      const to = effect.to.filter((other) => other !== peer);
      if (to.length > 0) return { ...effect, to };
      this.#heldBytes -= frameBytes(effect);
      return undefined;
    });
  }

  /** All effects since the last call: what need not wait, the write, and what needed no write to wait for. */
  take(): readonly GossipEffect[] {
    if (this.#writes.length > 0) {
      this.#effects.push({ type: 'persist', write: this.#gate.nextWrite(), writes: this.#writes });
      this.#writes = [];
    }
    for (const effect of this.#afterWrites) this.#passOrHold(effect);
    this.#afterWrites = [];
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  #passOrHold(effect: GossipEffect): void {
    if (this.#gate.isClear) {
      this.#effects.push(effect);
      return;
    }
    const byteCount = frameBytes(effect);
    if (byteCount > 0 && this.#heldBytes + byteCount > this.#heldBytesMax)
      return this.#counters.add('outbox-full');
    this.#heldBytes += byteCount;
    this.#gate.hold(effect);
  }
}

function frameBytes(effect: GossipEffect): number {
  return effect.type === 'send' ? effect.frame.length : 0;
}

function sendEffect(to: readonly Did[], message: GossipMessage): Extract<GossipEffect, { type: 'send' }> {
  const priority = message.type === 'PullResponse' ? 'bulk' : 'control';
  return { type: 'send', to, frame: encodeMessage(message), priority };
}
