import type { Did } from '@icn/identity';
import type { GossipEvent } from '../events.js';
import { Connection } from './connection.js';
import { drawMs, type Distribution } from './distribution.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimNode } from './sim-node.js';
import type { Wire } from './wire.js';

/** How nodes find and lose each other. Backoffs are those of our Swarm (`DiallerLimits`); where nothing is said, a guess. */
export interface SwarmLimits {
  /** Links of one node; those that nobody needs are closed above it. */
  readonly connectionsMax: number;
  /** A link is not closed for room before it is so old: it may become protected. */
  readonly trimGraceMs: number;
  /** Until a side notices that the other is dead or cut off. QUIC's idle timeout is a few seconds. */
  readonly linkTimeoutMs: Distribution;
  /** Until a dial that nobody answers is given up. */
  readonly dialTimeoutMs: number;
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  /** The longest wait for a contact that was up within `recentMs`. */
  readonly backoffRecentMaxMs: number;
  readonly recentMs: number;
}

export const DEFAULT_SWARM_LIMITS: SwarmLimits = {
  connectionsMax: 64,
  trimGraceMs: 10_000,
  linkTimeoutMs: { type: 'uniform', minMs: 500, maxMs: 5_000 },
  dialTimeoutMs: 3_000,
  backoffFirstMs: 250,
  backoffMaxMs: 15_000,
  backoffRecentMaxMs: 1_000,
  recentMs: 300_000,
};

/** What the swarm needs of its world. */
export interface SwarmPorts {
  readonly wire: Wire;
  readonly random: SeededRandom;
  readonly nowMs: () => number;
  readonly nodeOf: (did: Did) => SimNode | undefined;
  readonly tell: (node: SimNode, event: GossipEvent) => void;
  /** Does something in the node's present life, if that lasts so long. */
  readonly after: (node: SimNode, delayMs: number, action: () => void) => void;
}

/** What a node remembers of one of its contacts; gone with its life. */
interface Candidate {
  failureCount: number;
  lastUpAtMs: number;
  isScheduled: boolean;
}

/**
 * The connections of all nodes: at most one between two, as our Swarm keeps them.
 *
 * A side believes in a connection until it notices that the other is gone, which takes `linkTimeoutMs`; what it sends
 * until then is lost. A new connection to a peer replaces an old one that only one side believes in. Contacts are
 * dialled again as long as the node lives; anybody else only when the machine says `connect`.
 */
export class SimSwarm {
  readonly limits: SwarmLimits;
  readonly #ports: SwarmPorts;
  readonly #candidates = new Map<SimNode, Map<SimNode, Candidate>>();

  constructor(limits: SwarmLimits, ports: SwarmPorts) {
    this.limits = limits;
    this.#ports = ports;
  }

  /** Begins to dial the contacts of a node that starts. */
  started(node: SimNode): void {
    this.#candidates.set(node, new Map());
    for (const contact of node.contacts) this.#redial(node, contact, this.#ports.random.between(0, 200));
  }

  /** The node is gone; the others notice by and by. */
  ended(node: SimNode): void {
    for (const connection of [...node.links.values()]) {
      node.links.delete(connection.other(node).did);
      this.#noticeLater(connection, connection.other(node));
    }
    node.protects.clear();
    this.#candidates.delete(node);
  }

  /** Closes links that a cut goes through, when each side notices that the other is silent. */
  cutBegan(nodes: readonly SimNode[]): void {
    for (const node of nodes) {
      for (const connection of node.links.values()) {
        if (!this.#ports.wire.isJoined(node, connection.other(node))) this.#noticeLater(connection, node);
      }
    }
  }

  /** Carries out `connect`. */
  connect(node: SimNode, did: Did): void {
    if (node.links.has(did)) return;
    const peer = this.#ports.nodeOf(did);
    const unreachable = () => this.#ports.tell(node, { type: 'unreachable', peer: did });
    if (peer === undefined || peer === node) this.#ports.after(node, this.limits.dialTimeoutMs, unreachable);
    else this.#dial(node, peer, unreachable);
  }

  /** Carries out `disconnect`. */
  disconnect(node: SimNode, did: Did): void {
    const connection = node.links.get(did);
    if (connection !== undefined) this.close(connection, node);
  }

  protect(node: SimNode, did: Did): void {
    node.protects.set(did, (node.protects.get(did) ?? 0) + 1);
  }

  release(node: SimNode, did: Did): void {
    const count = (node.protects.get(did) ?? 0) - 1;
    if (count > 0) node.protects.set(did, count);
    else node.protects.delete(did);
  }

  /** One side closes a connection, and tells the other. */
  close(connection: Connection, by: SimNode): void {
    const { latencyMs } = connection.laneFrom(by);
    const other = connection.other(by);
    this.#ports.after(other, latencyMs, () => this.#down(connection, other));
    this.#ports.after(by, 0, () => this.#down(connection, by));
  }

  /** Opens a connection at once, for tests and scripted worlds; both must be up. */
  open(dialler: SimNode, acceptor: SimNode): void {
    const { wire, nowMs, tell, after } = this.#ports;
    for (const [node, other] of [
      [dialler, acceptor],
      [acceptor, dialler],
    ] as const) {
      const old = node.links.get(other.did);
      if (old !== undefined) this.#down(old, node);
    }
    const latencyMs = wire.latencyMs(dialler, acceptor);
    const connection = new Connection(dialler, acceptor, nowMs(), latencyMs);
    dialler.links.set(acceptor.did, connection);
    acceptor.links.set(dialler.did, connection);
    for (const [node, other] of [
      [dialler, acceptor],
      [acceptor, dialler],
    ] as const) {
      const candidate = this.#candidates.get(node)?.get(other);
      if (candidate !== undefined) candidate.failureCount = 0;
      after(node, node === dialler ? 0 : latencyMs, () => {
        if (connection.isUpAt(node)) tell(node, { type: 'peer-up', peer: other.did });
      });
      if (node.links.size > this.limits.connectionsMax)
        after(node, this.limits.trimGraceMs, () => this.#trim(node));
    }
  }

  #noticeLater(connection: Connection, node: SimNode): void {
    const { random, wire } = this.#ports;
    const isAlive = () =>
      connection.isUpAt(connection.other(node)) && wire.isJoined(node, connection.other(node));
    this.#ports.after(node, drawMs(this.limits.linkTimeoutMs, random), () => {
      if (!isAlive()) this.#down(connection, node);
    });
  }

  #down(connection: Connection, node: SimNode): void {
    if (!connection.isUpAt(node)) return;
    const peer = connection.other(node);
    node.links.delete(peer.did);
    // The machine was told `peer-up` one latency after the link was entered here; before that it knows of nothing.
    const wasTold =
      node === connection.dialler ||
      this.#ports.nowMs() >= connection.openedAtMs + connection.laneFrom(node).latencyMs;
    if (wasTold) this.#ports.tell(node, { type: 'peer-down', peer: peer.did });
    if (connection.isUpAt(peer)) this.#noticeLater(connection, peer);
    const candidate = this.#candidates.get(node)?.get(peer);
    if (candidate !== undefined) candidate.lastUpAtMs = this.#ports.nowMs();
    if (node.contacts.has(peer)) this.#redial(node, peer, this.#backoffMs(node, peer));
  }

  #redial(node: SimNode, contact: SimNode, delayMs: number): void {
    const candidate = this.#candidateOf(node, contact);
    if (candidate.isScheduled) return;
    candidate.isScheduled = true;
    this.#ports.after(node, delayMs, () => {
      candidate.isScheduled = false;
      if (node.links.has(contact.did)) return;
      this.#dial(node, contact, () => {
        candidate.failureCount++;
        this.#redial(node, contact, this.#backoffMs(node, contact));
      });
    });
  }

  /** A round trip and a half for an answer: the handshake of QUIC, and its proof that the client got the answer. */
  #dial(node: SimNode, peer: SimNode, onFailed: () => void): void {
    const { wire } = this.#ports;
    const canReach = () => peer.isUp && wire.isJoined(node, peer);
    const latencyMs = wire.latencyMs(node, peer);
    // A host that is up and runs no node refuses at once; a cut swallows all.
    const failedMs = wire.isJoined(node, peer) ? 2 * latencyMs : this.limits.dialTimeoutMs;
    this.#ports.after(node, canReach() ? 3 * latencyMs : failedMs, () => {
      const connection = node.links.get(peer.did);
      if (connection?.isUpAt(peer) === true) return;
      if (canReach()) this.open(node, peer);
      else if (connection === undefined) onFailed();
    });
  }

  #backoffMs(node: SimNode, contact: SimNode): number {
    const { backoffFirstMs, backoffMaxMs, backoffRecentMaxMs, recentMs } = this.limits;
    const { failureCount, lastUpAtMs } = this.#candidateOf(node, contact);
    const maxMs = this.#ports.nowMs() - lastUpAtMs < recentMs ? backoffRecentMaxMs : backoffMaxMs;
    return Math.min(backoffFirstMs * 2 ** failureCount, maxMs) * this.#ports.random.between(0.5, 1);
  }

  #candidateOf(node: SimNode, contact: SimNode): Candidate {
    const candidates = this.#candidates.get(node) ?? new Map<SimNode, Candidate>();
    this.#candidates.set(node, candidates);
    let candidate = candidates.get(contact);
    if (candidate === undefined)
      candidates.set(contact, (candidate = { failureCount: 0, lastUpAtMs: -Infinity, isScheduled: false }));
    return candidate;
  }

  /** Closes the oldest links that neither side needs, down to the limit. */
  #trim(node: SimNode): void {
    const surplus = node.links.size - this.limits.connectionsMax;
    if (surplus <= 0) return;
    const ripeMs = this.#ports.nowMs() - this.limits.trimGraceMs;
    const spare = [...node.links.values()].filter((connection) => {
      const peer = connection.other(node);
      return connection.openedAtMs <= ripeMs && !node.isProtected(peer) && !peer.isProtected(node);
    });
    for (const connection of spare.slice(0, surplus)) this.close(connection, node);
  }
}
