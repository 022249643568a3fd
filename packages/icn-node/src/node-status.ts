import type { Reconcile, TopicStatus } from '@icn/gossip';
import type { Did } from '@icn/identity';
import type { Traffic } from './peer-links.js';
import type { PeerStatus, SoughtStatus } from './peer-status.js';

/** A node at a glance. */
export interface NodeStatus {
  readonly did: Did;
  readonly network: string;
  /** How it tells its peers what it holds, when they repair what differs. */
  readonly reconcile: Reconcile;
  readonly addresses: readonly string[];
  readonly peers: readonly PeerStatus[];
  /** Who is not connected, and is dialled now or later. */
  readonly sought: readonly SoughtStatus[];
  readonly blocked: readonly Did[];
  readonly topics: readonly TopicStatus[];
  /** What gossip cost since the start, over all peers. */
  readonly traffic: Traffic;
  /** What was dropped or refused since the start, by name. */
  readonly counters: Readonly<Record<string, number>>;
}

/** Adds up counters by name: a peer may be refused by the transport or, a moment later, by the swarm. */
export function sumOfCounters(
  ...all: readonly Readonly<Record<string, number>>[]
): Readonly<Record<string, number>> {
  const total: Record<string, number> = {};
  for (const [name, count] of all.flatMap((counters) => Object.entries(counters)))
    total[name] = (total[name] ?? 0) + count;
  return total;
}
