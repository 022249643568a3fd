import type { Did } from '@icn/identity';
import { formatAddress, type Address } from './address.js';
import type { SoughtPeer } from './candidate.js';
import { schemeRank } from './dial-course.js';
import { Dialler, type HintOptions } from './dialler.js';
import { defaultDiallerLimits, type DiallerLimits } from './dialler-limits.js';
import { EarlyAsker, type EarlyAskerOptions } from './early-asker.js';
import { NetError } from './errors.js';
import type { CloseReason } from './protocol.js';
import type { Connection, Listener, Transport } from './transport.js';

export interface SwarmOptions {
  readonly self: Did;
  /** Tried by the scheme of an address. */
  readonly transports: readonly Transport[];
  /** Of a peer: exactly one connection is up between this call and the `onPeerDown` that follows it. */
  readonly onPeerUp: (connection: Connection) => void;
  readonly onPeerDown: (peer: Did, reason: CloseReason) => void;
  /** An address that is to be kept cannot be reached, said once until it can; it is tried on. */
  readonly onDialFailed?: (address: Address, error: Error) => void;
  /** A peer answered at an address, but not at one of a transport that is preferred: QUIC, if it was TLS that answered. */
  readonly onSilent?: (silent: Address, answering: Address) => void;
  /** What to ask known peers while a connection to them is made, where the transport can (`EarlyQuestion`). */
  readonly early?: EarlyAskerOptions;
  readonly limits?: Partial<SwarmLimits>;
}

/** Bounds and waits of a swarm. */
export interface SwarmLimits extends DiallerLimits {
  /** Peers that are connected at once; a further one takes the place of another, or is refused with `too-many`. */
  readonly connectionsMax: number;
  /** While fewer are connected, those are dialled too of whom only a peer spoke. */
  readonly connectionsWanted: number;
  /** How long a new connection has, until it may have to give its place, to become one that is protected. */
  readonly trialMs: number;
  /** Two connections this close in time were made at once; a later one means that the earlier is dead. */
  readonly crossingMs: number;
}

/** All guesses, `connectionsWanted` three times the neighbours that a topic keeps (5); for the rest see `DiallerLimits`. */
export const defaultSwarmLimits: SwarmLimits = {
  ...defaultDiallerLimits,
  connectionsMax: 256,
  connectionsWanted: 16,
  trialMs: 10_000,
  crossingMs: 5_000,
};

/** A peer that is connected. */
export interface ConnectedPeer {
  readonly connection: Connection;
  readonly upForMs: number;
  /** Somebody asked for its place to be kept, by `protect`. */
  readonly isProtected: boolean;
  /** The operator named it. */
  readonly isKept: boolean;
}

interface Link {
  readonly connection: Connection;
  readonly sinceMs: number;
}

const DUPLICATE: CloseReason = { code: 'duplicate', by: 'us', text: 'another connection serves' };
const BLOCKED: CloseReason = { code: 'blocked', by: 'us', text: 'blocked by the operator' };
const STOPPED: CloseReason = { code: 'done', by: 'us', text: 'the node stops' };
const GIVEN_AWAY: CloseReason = { code: 'too-many', by: 'us', text: 'its place was needed for another peer' };
const OWN_DID: CloseReason = { code: 'own-did', by: 'us', text: 'that is this very node' };

/**
 * Keeps at most one connection to each peer, over any transports: dials hints, takes what listeners bring, settles
 * duplicates, and keeps blocked peers out. Knows nothing of what the connections carry.
 *
 * Of two connections between the same peers that are made at once, both sides keep the one that the smaller DID
 * dialled, and of two that the same side dialled the one over the better transport. Otherwise the newer replaces the older: who dials believes that nothing is up, so the older is dead.
 *
 * When it is full, a newcomer takes the place of the newest connection that is neither protected, nor of a peer that
 * the operator named, nor still on trial; of those that the peer dialled first. So newcomers get their chance to be
 * protected, while whoever opens connections in great number displaces mostly his own.
 */
export class Swarm {
  readonly #options: SwarmOptions;
  readonly #limits: SwarmLimits;
  readonly #dialler: Dialler;
  readonly #links = new Map<Did, Link>();
  readonly #blocked = new Set<Did>();
  /** How many users each protected peer has. */
  readonly #protected = new Map<Did, number>();
  readonly #early: EarlyAsker | undefined;
  readonly #refused: Record<string, number> = {};
  #silentCount = 0;
  #isClosed = false;

  constructor(options: SwarmOptions) {
    this.#options = options;
    this.#limits = { ...defaultSwarmLimits, ...options.limits };
    this.#early = options.early && new EarlyAsker(options.early);
    const ports = {
      self: options.self,
      dial: (address: Address, signal: AbortSignal) => this.#dial(address, signal),
      isSettled: (peer: Did) => this.#links.has(peer) || this.#blocked.has(peer),
      hasRoom: (isRumour: boolean) => this.#links.size < this.#roomFor(isRumour),
      onConnection: (connection: Connection) => this.#admit(connection),
      onFailed: (address: Address, error: Error) => options.onDialFailed?.(address, error),
      onSilent: (silent: Address, answering: Address) => {
        this.#silentCount += 1;
        options.onSilent?.(silent, answering);
      },
    };
    this.#dialler = new Dialler(ports, this.#limits);
  }

  get connections(): readonly Connection[] {
    return Array.from(this.#links.values(), ({ connection }) => connection);
  }

  /** Who is connected, how long, and what keeps it. */
  get peers(): readonly ConnectedPeer[] {
    const nowMs = performance.now();
    return Array.from(this.#links, ([peer, { connection, sinceMs }]) => ({
      connection,
      upForMs: nowMs - sinceMs,
      isProtected: this.#protected.has(peer),
      isKept: this.#dialler.isKept(peer),
    }));
  }

  /** Who is worth dialling, and not connected. */
  get sought(): readonly SoughtPeer[] {
    return this.#dialler.sought;
  }

  /** Peers and addresses that are worth dialling, connected or not. */
  get candidateCount(): number {
    return this.#dialler.candidateCount;
  }

  get blocked(): readonly Did[] {
    return [...this.#blocked];
  }

  /** For transports, which can refuse a blocked peer before it has a connection. */
  isBlocked(peer: Did): boolean {
    return this.#blocked.has(peer);
  }

  /**
   * Connections that were proven and then not kept, by close code: `refused-blocked`, `refused-duplicate`, …; and
   * `preferred-silent`, dials that a peer answered by another transport than the preferred one.
   */
  get counters(): Readonly<Record<string, number>> {
    return { ...this.#refused, 'preferred-silent': this.#silentCount };
  }

  /** Takes the connections of a listener until it closes. */
  async serve(listener: Listener): Promise<void> {
    for await (const connection of listener) this.#admit(connection);
  }

  /** Says where a peer may be; it is tried a few times, unless the options say more. */
  hint(address: Address, options: HintOptions = {}): void {
    this.#dialler.hint(address, options);
  }

  /**
   * Reaches a peer by whatever address is known of it; resolves with whether it is connected. Each address is tried once,
   * and what discovery and backoff do besides goes on.
   */
  reach(peer: Did): Promise<boolean> {
    if (this.#links.has(peer)) return Promise.resolve(true);
    if (peer === this.#options.self || this.#blocked.has(peer)) return Promise.resolve(false);
    return this.#dialler.reach(peer);
  }

  /** Keeps the place of a peer, connected now or later, until as many `release`s. */
  protect(peer: Did): void {
    this.#protected.set(peer, (this.#protected.get(peer) ?? 0) + 1);
  }

  release(peer: Did): void {
    const count = (this.#protected.get(peer) ?? 0) - 1;
    if (count > 0) this.#protected.set(peer, count);
    else this.#protected.delete(peer);
  }

  /** Drops the peer and refuses it until `unblock`. */
  block(peer: Did): void {
    this.#blocked.add(peer);
    this.#dialler.cancel(peer);
    void this.#links.get(peer)?.connection.close(BLOCKED);
  }

  /** Lets the peer in again, and dials it at once where it is known. */
  unblock(peer: Did): void {
    if (this.#blocked.delete(peer)) this.#dialler.retry(peer);
  }

  /** Stops dialling and closes all connections. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#dialler.close();
    await Promise.all(this.connections.map((connection) => connection.close(STOPPED)));
  }

  #roomFor(isRumour: boolean): number {
    const { connectionsMax, connectionsWanted } = this.#limits;
    return isRumour ? Math.min(connectionsWanted, connectionsMax) : connectionsMax;
  }

  async #dial(address: Address, signal: AbortSignal): Promise<Connection> {
    const transport = this.#options.transports.find(({ scheme }) => scheme === address.scheme);
    if (transport === undefined)
      throw new NetError('address-invalid', `no transport here dials ${formatAddress(address)}`);
    const early = this.#early?.questionFor(address, (peer) => this.#links.has(peer));
    try {
      return await transport.dial(address, { signal, early });
    } catch (error) {
      this.#early?.dialFailed(address, early);
      throw error;
    }
  }

  #admit(connection: Connection): void {
    const { remote: peer } = connection;
    const existing = this.#links.get(peer);
    const refusal = this.#refusalOf(connection, existing);
    if (refusal !== undefined) {
      this.#early?.refused(peer);
      return this.#close(connection, refusal);
    }
    if (existing !== undefined) {
      this.#links.delete(peer);
      this.#close(existing.connection, DUPLICATE);
      this.#options.onPeerDown(peer, DUPLICATE);
    }
    this.#links.set(peer, { connection, sinceMs: performance.now() });
    this.#dialler.peerUp(connection);
    void connection.closed.then((reason) => this.#left(connection, reason));
    this.#options.onPeerUp(connection);
    this.#early?.peerUp(peer);
  }

  #refusalOf(connection: Connection, existing: Link | undefined): CloseReason | undefined {
    const { connectionsMax } = this.#limits;
    const { remote } = connection;
    if (this.#isClosed) return STOPPED;
    if (remote === this.#options.self) return OWN_DID;
    if (this.#blocked.has(remote)) return BLOCKED;
    if (existing !== undefined) return this.#isSurplus(connection, existing) ? DUPLICATE : undefined;
    if (this.#links.size < connectionsMax || this.#makeRoom()) return undefined;
    return { code: 'too-many', by: 'us', text: `${connectionsMax} peers are connected, which is the limit` };
  }

  /** Closes the connection whose place a newcomer may have; says whether there was one. */
  #makeRoom(): boolean {
    const settledMs = performance.now() - this.#limits.trialMs;
    const mayGo = [...this.#links].filter(
      ([peer, { sinceMs }]) =>
        sinceMs <= settledMs && !this.#protected.has(peer) && !this.#dialler.isKept(peer),
    );
    const newest = mayGo.findLast(([, { connection }]) => connection.direction === 'inbound') ?? mayGo.at(-1);
    if (newest === undefined) return false;
    const [, { connection }] = newest;
    this.#left(connection, GIVEN_AWAY);
    this.#close(connection, GIVEN_AWAY);
    return true;
  }

  /** Whether a new connection was made at the same time as one that is to stay. Both sides come to the same answer. */
  #isSurplus({ direction, remoteAddress }: Connection, { connection, sinceMs }: Link): boolean {
    if (performance.now() - sinceMs >= this.#limits.crossingMs) return false;
    const toStay = this.#options.self < connection.remote ? 'outbound' : 'inbound';
    if (direction !== connection.direction) return connection.direction === toStay;
    return schemeRank(connection.remoteAddress.scheme) < schemeRank(remoteAddress.scheme);
  }

  #close(connection: Connection, reason: CloseReason): void {
    const name = `refused-${reason.code}`;
    this.#refused[name] = (this.#refused[name] ?? 0) + 1;
    void connection.close(reason);
  }

  #left(connection: Connection, reason: CloseReason): void {
    const { remote: peer } = connection;
    if (this.#links.get(peer)?.connection !== connection) return;
    this.#links.delete(peer);
    this.#options.onPeerDown(peer, reason);
    this.#dialler.peerDown(peer, reason);
  }
}
