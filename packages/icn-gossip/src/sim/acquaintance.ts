import type { SimNode } from './sim-node.js';
import type { World } from './world.js';

/** How nodes know of each other to begin with. */
export type Acquaintance =
  /** As in a room with mDNS: every node knows every other. */
  | { readonly type: 'mesh' }
  /** As with bootstrap peers: each node knows a few that were there before. */
  | { readonly type: 'few'; readonly count: number };

/**
 * Tells nodes their contacts. Honest nodes are joined through contacts that are honest themselves, so no liar stands
 * between two of them; beyond that, contacts are drawn from all.
 */
export function acquaint(world: World, acquaintance: Acquaintance): void {
  const random = world.random.fork('contacts');
  for (const node of world.nodes) {
    const others = world.nodes.filter((other) => other !== node);
    if (acquaintance.type === 'mesh') {
      for (const other of others) node.contacts.add(other);
      continue;
    }
    const elders = world.nodes.filter((other) => other.index < node.index && other.isHonest);
    const [elder] = random.sample(elders, 1);
    const strangers = random.sample(others, acquaintance.count).filter((other) => other !== elder);
    const contacts: readonly SimNode[] = elder === undefined ? strangers : [elder, ...strangers];
    for (const contact of contacts.slice(0, acquaintance.count)) node.contacts.add(contact);
  }
}
