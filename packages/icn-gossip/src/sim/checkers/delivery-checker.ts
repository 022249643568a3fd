import type { GossipEffect } from '../../events.js';
import type { Topic } from '../../topic.js';
import { depOf, type KnownEntry } from '../entry-ledger.js';
import type { Observer } from '../observer.js';
import type { SimNode } from '../sim-node.js';
import type { Violations } from '../violations.js';
import type { World } from '../world.js';

/** What one node has delivered of one topic, in its present life. */
interface Sequence {
  lastPosition: number;
  /** Keys of parents that were not delivered when something that names them was. */
  readonly passedOver: Set<string>;
}

/**
 * Checks of what consumers see: each position once, ascending and dense, and on disk (I7); an entry after its log's
 * previous one, and marked `late` exactly where something that depends on it came first; forks marked (I9).
 */
export class DeliveryChecker implements Observer {
  readonly #world: World;
  readonly #violations: Violations;
  readonly #sequences = new Map<string, Sequence>();

  constructor(world: World, violations: Violations) {
    this.#world = world;
    this.#violations = violations;
  }

  /** What was delivered in earlier lives is read from the disk, as the machine does. */
  booted(node: SimNode): void {
    for (const topic of node.topics) {
      const sequence: Sequence = { lastPosition: node.disk.positionCount(topic), passedOver: new Set() };
      for (let position = 1; position <= sequence.lastPosition; position++) {
        const at = node.disk.at(topic, position);
        if (typeof at === 'string') this.#passOver(node, sequence, this.#world.ledger.get(at)!, position);
      }
      this.#sequences.set(`${node.index} ${topic}`, sequence);
    }
  }

  ordered(node: SimNode, effect: GossipEffect, nowMs: number): void {
    if (!node.isHonest || (effect.type !== 'deliver' && effect.type !== 'withdraw')) return;
    const { topic, position } = effect;
    const sequence = this.#sequences.get(`${node.index} ${topic}`);
    const report = (invariant: string, detail: string) =>
      this.#violations.add(invariant, node, detail, nowMs);
    if (sequence === undefined) return report('I7', `delivers in ${topic}, which it does not follow`);
    if (position !== sequence.lastPosition + 1)
      report('I7', `delivers position ${position} after ${sequence.lastPosition}`);
    sequence.lastPosition = position;
    const at = node.disk.at(topic, position);
    if (effect.type === 'withdraw') {
      if (typeof at !== 'object')
        report('I7', `withdraws at position ${position}, where the disk has an entry`);
      return;
    }
    const { name, late, forked } = effect;
    if (at !== name.id) return report('I8', `delivers position ${position} before it is durable`);
    const entry = this.#world.ledger.get(name.id)!;
    const wasPassedOver = sequence.passedOver.delete(keyOf(topic, entry));
    if (wasPassedOver !== late)
      report(
        'I7',
        `delivers ${name.seq} ${late ? 'late, though nothing passed it' : 'after its child, not as late'}`,
      );
    if (entry.prev !== null && !(this.#positionOf(node, topic, entry.prev) < position))
      report('I7', `delivers seq ${name.seq} of a log before seq ${name.seq - 1}`);
    this.#checkForked(node, entry, position, forked, report);
    this.#passOver(node, sequence, entry, position);
  }

  #checkForked(
    node: SimNode,
    entry: KnownEntry,
    position: number,
    forked: boolean,
    report: (invariant: string, detail: string) => void,
  ): void {
    const others = this.#world.ledger.siblingsOf(entry).filter((id) => id !== entry.name.id);
    const wasFirst = others.every((id) => !(this.#positionOf(node, entry.topic, id) < position));
    if (forked && others.length === 0)
      report('I9', `marks seq ${entry.name.seq} as forked, which nobody forked`);
    if (!forked && !wasFirst) report('I9', `delivers a second entry of seq ${entry.name.seq} unmarked`);
  }

  #passOver(node: SimNode, sequence: Sequence, entry: KnownEntry, position: number): void {
    for (const dep of entry.deps) {
      const id = this.#world.ledger.find(entry.topic, dep);
      const isDelivered = id !== undefined && this.#positionOf(node, entry.topic, id) < position;
      if (!isDelivered) sequence.passedOver.add(JSON.stringify([entry.topic, dep]));
    }
  }

  #positionOf(node: SimNode, topic: Topic, id: KnownEntry['name']['id']): number {
    return node.disk.positionOf(topic, id) ?? Infinity;
  }
}

function keyOf(topic: Topic, { name }: KnownEntry): string {
  return JSON.stringify([topic, depOf(name)]);
}
