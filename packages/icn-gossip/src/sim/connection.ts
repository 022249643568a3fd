import type { SimNode } from './sim-node.js';

/** One direction of a connection. */
export interface Lane {
  readonly latencyMs: number;
  /** When the last frame of each kind has left: the next one waits for that. */
  freeAtMs: { control: number; bulk: number };
  /** When the last frame that keeps its place arrives. */
  lastArrivalMs: { control: number; bulk: number };
}

/** A connection between two nodes. One that comes up after it is another one, and carries nothing of it. */
export class Connection {
  readonly dialler: SimNode;
  readonly acceptor: SimNode;
  readonly openedAtMs: number;
  readonly #lanes: readonly [Lane, Lane];

  constructor(dialler: SimNode, acceptor: SimNode, openedAtMs: number, latencyMs: number) {
    this.dialler = dialler;
    this.acceptor = acceptor;
    this.openedAtMs = openedAtMs;
    this.#lanes = [newLane(latencyMs, openedAtMs), newLane(latencyMs, openedAtMs)];
  }

  other(node: SimNode): SimNode {
    return node === this.dialler ? this.acceptor : this.dialler;
  }

  laneFrom(node: SimNode): Lane {
    return this.#lanes[node === this.dialler ? 0 : 1];
  }

  /** Whether the node still thinks that it is up. */
  isUpAt(node: SimNode): boolean {
    return node.links.get(this.other(node).did) === this;
  }
}

function newLane(latencyMs: number, nowMs: number): Lane {
  // The acceptor learns of the connection one latency later; what overtakes that waits for it.
  const earliestMs = nowMs + latencyMs;
  return {
    latencyMs,
    freeAtMs: { control: nowMs, bulk: nowMs },
    lastArrivalMs: { control: earliestMs, bulk: earliestMs },
  };
}
