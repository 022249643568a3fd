import { toHex } from '@icn/identity';
import type { EntryId } from '../../entry/entry-name.js';
import type { Topic } from '../../topic.js';
import { isIn } from '../disk.js';
import type { SimNode } from '../sim-node.js';
import type { Violations } from '../violations.js';
import type { World } from '../world.js';

/** What honest nodes must hold in the end: the ids of each topic. */
export type Required = ReadonlyMap<Topic, ReadonlySet<EntryId>>;

/**
 * All that any honest node holds linked now, whether it is up or down. What nobody holds any more (an old backup was
 * put back before anyone else had it) cannot come back.
 */
export function requiredNow(world: World): Required {
  const required = new Map<Topic, Set<EntryId>>();
  for (const node of world.honest) {
    for (const topic of node.topics) {
      const ids = required.get(topic) ?? new Set<EntryId>();
      required.set(topic, ids);
      for (const id of node.disk.ids(topic)) if (node.disk.isLinked(topic, id)) ids.add(id);
    }
  }
  return required;
}

/** Whether the honest nodes that are up have equal roots in each topic; machines without `status` are asked for their disks. */
export function haveEqualRoots(world: World): boolean {
  const up = world.honest.filter(({ isUp }) => isUp);
  return topicsOf(world).every((topic) => new Set(up.flatMap((node) => rootOf(node, topic))).size <= 1);
}

/** Whether all honest nodes that are up have delivered the same. */
export function haveEqualSets(world: World): boolean {
  const up = world.honest.filter(({ isUp }) => isUp);
  return topicsOf(world).every((topic) => {
    const sets = up.flatMap((node) => (node.topics.includes(topic) ? [node.disk.delivered(topic)] : []));
    return sets.every((set) => isSameSet(set, sets[0]!));
  });
}

/** How many entries all honest nodes that are up lack together, of what they must hold and nothing closed. */
export function missedCount(world: World, required: Required): number {
  const up = world.honest.filter(({ isUp }) => isUp);
  let missed = 0;
  for (const node of up)
    for (const topic of node.topics) missed += missingAt(world, node, topic, required).length;
  return missed;
}

/** Judges a world that has been quiet long enough: liveness, and I10, I11 and I15. */
export function judgeConvergence(world: World, required: Required, violations: Violations): void {
  const up = world.honest.filter(({ isUp }) => isUp);
  for (const topic of topicsOf(world)) {
    const nodes = up.filter((node) => node.topics.includes(topic));
    const [first] = nodes;
    if (first === undefined) continue;
    const set = first.disk.delivered(topic);
    for (const node of nodes) {
      const missing = missingAt(world, node, topic, required);
      if (missing.length > 0)
        violations.add(
          'liveness',
          node,
          `lacks ${missing.length} of ${topic}: ${wordsOf(world, missing)}`,
          world.nowMs,
        );
      const own = node.disk.delivered(topic);
      const isSame = isSameSet(own, set);
      const isSameRoot = String(rootOf(node, topic)) === String(rootOf(first, topic));
      if (isSameRoot && !isSame && missing.length === 0)
        violations.add(
          'I10',
          node,
          `has the root of ${first.label} in ${topic} and not its entries`,
          world.nowMs,
        );
      if (!isSameRoot && isSame)
        violations.add(
          'I11',
          node,
          `has the entries of ${first.label} in ${topic} and not its root`,
          world.nowMs,
        );
      if (!isSame) {
        const extra = [...own].filter((id) => !set.has(id));
        violations.add(
          'I15',
          node,
          `has delivered ${own.size} of ${topic}, ${first.label} ${set.size}: more by ${wordsOf(world, extra)}`,
          world.nowMs,
        );
      }
    }
  }
  for (const node of world.honest) checkAcknowledged(node, violations, world.nowMs);
  for (const node of up) checkClosed(world, node, violations);
}

/** What was acknowledged is on its author's disk (I8), where no backup took it away. */
function checkAcknowledged(node: SimNode, violations: Violations, nowMs: number): void {
  if (node.rollbackCount > 0) return;
  const lost = node.acknowledged.filter(({ topic, name }) => !node.disk.has(topic, name.id));
  if (lost.length > 0) violations.add('I8', node, `lost ${lost.length} acknowledged entries`, nowMs);
}

/** Consumers are told of a closing what its evidence on the disk says (I9), and of nothing else. */
function checkClosed(world: World, node: SimNode, violations: Violations): void {
  for (const topic of node.topics) {
    const closed = node.disk.closed(topic);
    const report = (detail: string) => violations.add('I9', node, detail, world.nowMs);
    for (const log of node.disk.withdrawn(topic)) {
      const words = `${world.nodeOf(log.author)?.label ?? log.author} from ${log.from}`;
      if (!closed.some(({ author, from }) => author === log.author && from <= log.from))
        report(`withdraws ${words}, which nothing on its disk proves`);
    }
    const kept = [...node.disk.delivered(topic)].filter((id) => isIn(world.ledger.get(id)!.name, closed));
    if (kept.length > 0) report(`keeps what was closed: ${wordsOf(world, kept)}`);
  }
}

function missingAt(world: World, node: SimNode, topic: Topic, required: Required): EntryId[] {
  const delivered = node.disk.delivered(topic);
  const closed = node.disk.closed(topic);
  return [...(required.get(topic) ?? [])].filter((id) => {
    return !delivered.has(id) && !isIn(world.ledger.get(id)!.name, closed);
  });
}

function topicsOf(world: World): readonly Topic[] {
  return [...new Set(world.honest.flatMap(({ topics }) => topics))];
}

function rootOf({ machine, topics, disk }: SimNode, topic: Topic): string[] {
  if (!topics.includes(topic)) return [];
  if (machine?.status === undefined) return [[...disk.delivered(topic)].toSorted().join()];
  return machine.status().flatMap((status) => (status.topic === topic ? [toHex(status.root)] : []));
}

function isSameSet(a: ReadonlySet<EntryId>, b: ReadonlySet<EntryId>): boolean {
  if (a.size !== b.size) return false;
  for (const id of a) if (!b.has(id)) return false;
  return true;
}

function wordsOf(world: World, ids: readonly EntryId[]): string {
  const words = ids.slice(0, 4).map((id) => {
    const { author, seq } = world.ledger.get(id)!.name;
    return `${world.nodeOf(author)?.label ?? '?'}/${seq}`;
  });
  return `${words.join(' ')}${ids.length > words.length ? ' …' : ''}`;
}
