import { toHex } from '@icn/identity';
import { decodeHeader } from '../../entry/entry-header.js';
import { entryIdOf, type EntryId } from '../../entry/entry-name.js';
import type { StoreWrite } from '../../entry/entry-store.js';
import type { GossipEffect } from '../../events.js';
import { closedRow, rootRow, topicRoot } from '../../topic/topic-root.js';
import type { Topic } from '../../topic.js';
import type { AntiEntropy, GossipMessage } from '../../wire/messages.js';
import { carriedBy, readFrame } from '../frames.js';
import type { Observer } from '../observer.js';
import type { SimNode } from '../sim-node.js';
import type { Violations } from '../violations.js';
import type { World } from '../world.js';

/** Roots cost a hash over all heads at each write, so only the first nodes are held to them. */
const ROOTED_NODES = 6;

/**
 * Checks of what honest nodes say: nothing of their own before it is durable (I8), and no clock component or root that
 * claims what they do not hold linked and durable (I6, I8).
 */
export class SpeechChecker implements Observer {
  readonly #world: World;
  readonly #violations: Violations;
  readonly #checksRoots: boolean;
  /** Roots that a node's disk has had, by node and topic. */
  readonly #roots = new Map<string, Set<string>>();

  /** Where nodes forget parked entries for want of room, their disks know better, and `checksRoots` cannot hold. */
  constructor(world: World, violations: Violations, { checksRoots = true } = {}) {
    this.#world = world;
    this.#violations = violations;
    this.#checksRoots = checksRoots;
  }

  booted(node: SimNode): void {
    for (const topic of node.topics) this.#noteRoot(node, topic);
  }

  written(node: SimNode, writes: readonly StoreWrite[]): void {
    for (const topic of new Set(writes.map((write) => write.topic))) this.#noteRoot(node, topic);
  }

  ordered(node: SimNode, effect: GossipEffect, nowMs: number): void {
    if (!node.isHonest || effect.type !== 'send') return;
    const { message } = readFrame(effect.frame);
    if (typeof message === 'string')
      return this.#violations.add('total', node, `sends a frame that is ${message}`, nowMs);
    if (!('topic' in message)) return;
    for (const id of ownIdsIn(message, node)) {
      // An old backup may lack what others hold; hearing of it from them, the node may pass it on like any entry.
      const isKnownElsewhere = node.rollbackCount > 0 && this.#world.ledger.get(id) !== undefined;
      if (!node.disk.has(message.topic, id) && !isKnownElsewhere)
        this.#violations.add('I8', node, `sends ${id.slice(0, 8)} of its own before it is durable`, nowMs);
    }
    if (message.type === 'AntiEntropy') this.#checkClaims(node, message, nowMs);
  }

  #checkClaims(node: SimNode, { topic, root, summary }: AntiEntropy, nowMs: number): void {
    for (const { author, seq, id } of summary?.type === 'clock' ? summary.clock : []) {
      const known = this.#world.ledger.get(id)?.name;
      const isTrue = node.disk.isLinked(topic, id) && known?.seq === seq && known.author === author;
      if (!isTrue)
        this.#violations.add('I6', node, `claims ${id.slice(0, 8)} at seq ${seq}, unlinked here`, nowMs);
    }
    const roots = this.#roots.get(`${node.index} ${topic}`);
    if (root !== null && roots !== undefined && !roots.has(toHex(root)))
      this.#violations.add('I6', node, `tells a root that its disk never had`, nowMs);
  }

  #noteRoot(node: SimNode, topic: Topic): void {
    if (!this.#checksRoots || !node.isHonest || node.index >= ROOTED_NODES) return;
    const key = `${node.index} ${topic}`;
    const roots = this.#roots.get(key) ?? new Set<string>();
    this.#roots.set(key, roots);
    const rows = node.disk.heads(topic).map(({ name }) => rootRow(name));
    roots.add(toHex(topicRoot(this.#world.network, topic, rows, node.disk.closed(topic).map(closedRow))));
  }
}

/** Entries of the sender's own that a message names or carries. */
function* ownIdsIn(message: GossipMessage, { did }: SimNode): Generator<EntryId> {
  for (const { header } of carriedBy(message)) {
    const decoded = decodeHeader(header);
    if (typeof decoded !== 'string' && decoded.author === did) yield entryIdOf(header);
  }
  const names =
    message.type === 'Announcement' ? [message.name] : message.type === 'Announcements' ? message.names : [];
  for (const { author, id } of names) if (author === did) yield id;
}
