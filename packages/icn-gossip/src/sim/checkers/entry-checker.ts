import { toHex } from '@icn/identity';
import type { StoreWrite } from '../../entry/entry-store.js';
import type { GossipEvent } from '../../events.js';
import type { WriteFault } from '../disk.js';
import type { Observer } from '../observer.js';
import type { SimNode } from '../sim-node.js';
import type { Violations } from '../violations.js';
import type { World } from '../world.js';

/**
 * Checks of entries: one signature check each (I2), the bytes of their authors everywhere (I5), written once (I7),
 * and no honest author forks a log of its own or is heard before it wrote (I8). And that machines are total.
 */
export class EntryChecker implements Observer {
  readonly #world: World;
  readonly #violations: Violations;
  readonly #checksOnce: boolean;
  /** Ids whose signature was found valid, of each node in its present life, since it last left a topic. */
  readonly #verified = new Map<SimNode, Set<string>>();

  /** Where so little fits that nodes forget entries and meet them anew, `checksOnce` (I2) cannot hold. */
  constructor(world: World, violations: Violations, { checksOnce = true } = {}) {
    this.#world = world;
    this.#violations = violations;
    this.#checksOnce = checksOnce;
  }

  booted(node: SimNode): void {
    this.#verified.set(node, new Set());
  }

  /** What was remembered of a topic goes with it; which ids were of that topic is not known here. */
  told(node: SimNode, event: GossipEvent): void {
    if (event.type === 'left') this.#verified.set(node, new Set());
  }

  verified(node: SimNode, message: Uint8Array, isValid: boolean, nowMs: number): void {
    if (!node.isHonest || !isValid || !this.#checksOnce) return;
    const id = toHex(message);
    const ids = this.#verified.get(node);
    if (ids?.has(id) === true)
      this.#violations.add('I2', node, `checks the signature of ${id.slice(0, 8)} again`, nowMs);
    ids?.add(id);
  }

  written(node: SimNode, writes: readonly StoreWrite[], faults: readonly WriteFault[], nowMs: number): void {
    if (!node.isHonest) return;
    for (const { invariant, detail } of faults) this.#violations.add(invariant, node, detail, nowMs);
    for (const write of writes) if (write.type === 'entry') this.#checkAuthor(node, write, nowMs);
  }

  threw(node: SimNode, event: GossipEvent, error: unknown, nowMs: number): void {
    if (!node.isHonest) return;
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#violations.add('total', node, `throws on ${event.type}: ${detail}`, nowMs);
  }

  #checkAuthor(node: SimNode, { topic, id }: StoreWrite & { type: 'entry' }, nowMs: number): void {
    const entry = this.#world.ledger.get(id);
    const author = entry === undefined ? undefined : this.#world.nodeOf(entry.name.author);
    if (entry === undefined || author?.isHonest !== true || author.rollbackCount > 0) return;
    const words = `${author.label}/${entry.name.seq}`;
    if (author === node) {
      const forks = this.#world.ledger.siblingsOf(entry).length - 1;
      if (forks > 0) this.#violations.add('I8', node, `forks its own log at ${words}`, nowMs);
    } else if (!author.disk.has(topic, id)) {
      this.#violations.add('I8', node, `holds ${words}, which its author never wrote`, nowMs);
    }
  }
}
