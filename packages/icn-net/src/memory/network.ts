import type { Did } from '@icn/identity';
import type { CloseReason } from '../protocol.js';
import { systemClock, type Clock } from './clock.js';
import { Faults } from './faults.js';
import { exponential, type Latency, type Random } from './latency.js';
import { MemoryPath, type MemoryPathOptions } from './path.js';
import { MemoryPorts } from './ports.js';
import { MemoryWire } from './wire.js';

export interface MemoryNetworkOptions {
  /**
   * From a write to its arrival, in milliseconds: a number for all, or a function that is asked for each message with who
   * sends to whom. Messages of one connection keep their order. Default 0: the next turn of the event loop.
   */
  readonly latencyMs?: number | Latency;
  /** What a connection carries in each direction. Default `Infinity`. */
  readonly bytesPerSecond?: number;
  /** How long an end hears nothing before it gives the connection up with `timeout`. Default 30,000, as over QUIC. */
  readonly idleTimeoutMs?: number;
  /** How long a dial waits for an answer before it throws `dial-timeout`. Default 10,000, as over QUIC. */
  readonly handshakeTimeoutMs?: number;
  /** Where time comes from; a `VirtualClock` stands still until a test moves it. Default: the system's. */
  readonly clock?: Clock;
}

export interface LossSchedule {
  /** The mean time from one loss to the next, of exponential distribution. */
  readonly meanMs: number;
  /** Decides when, and which connection. */
  readonly random: Random;
}

/** What a memory transport needs of its network. */
export interface MemoryMedium {
  readonly clock: Clock;
  readonly idleTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  readonly ports: MemoryPorts;
  /** Lays a wire; `undefined` where the link is cut. */
  lay(from: Did, to: Did): MemoryWire | undefined;
  /** A connection has, or no longer has, an end on one. */
  countEnds(change: 1 | -1): void;
}

/** The medium of a network, for transports alone. */
export let mediumOf: (network: MemoryNetwork) => MemoryMedium;

/**
 * A network inside one process, for tests and examples: latency, bandwidth, and faults between DIDs. Transports on
 * different networks cannot reach each other.
 *
 * There are faults from loud to silent, as on real networks:
 * - `lose` ends connections, as a reset or a reboot of a router does; dials get through.
 * - `cut` breaks a link in a way that both ends notice, as when a cable is pulled: connections end, dials fail at once.
 * - `silence` and `partition` tell nobody. What is sent waits, as it is sent again over QUIC and TCP; it arrives if the
 *   network heals before an end has heard nothing for `idleTimeoutMs`, else that end closes with `timeout`. A dial under
 *   way goes on if the network heals before `handshakeTimeoutMs`.
 * - `kill` is the same for a node that never comes back.
 */
export class MemoryNetwork {
  readonly #paths: Pick<MemoryPathOptions, 'clock' | 'bytesPerSecond'>;
  readonly #latency: Latency;
  readonly #faults = new Faults();
  readonly #wires = new Set<MemoryWire>();
  readonly #medium: MemoryMedium;
  #endCount = 0;

  static {
    mediumOf = (network) => network.#medium;
  }

  constructor(options: MemoryNetworkOptions = {}) {
    const { latencyMs = 0, bytesPerSecond = Infinity, clock = systemClock } = options;
    this.#paths = { clock, bytesPerSecond };
    this.#latency = typeof latencyMs === 'number' ? () => latencyMs : latencyMs;
    this.#medium = {
      clock,
      idleTimeoutMs: options.idleTimeoutMs ?? 30_000,
      handshakeTimeoutMs: options.handshakeTimeoutMs ?? 10_000,
      ports: new MemoryPorts(),
      lay: (from, to) => this.#lay(from, to),
      countEnds: (change) => (this.#endCount += change),
    };
  }

  /** Open connections, counted once per end. */
  get connectionCount(): number {
    return this.#endCount;
  }

  /** Whether `to` hears what `from` says. */
  reaches(from: string, to: string): boolean {
    return this.#faults.reaches(from, to);
  }

  /** Ends the connections between two DIDs with `unknown` by the network, at both ends at once. */
  lose(a: string, b: string): void {
    this.#break((wire) => wire.joins(a, b), { code: 'unknown', text: 'the connection was lost' });
  }

  /** Loses one connection after the other, by a schedule that a seed repeats; returns how to stop it. */
  loseAtRandom({ meanMs, random }: LossSchedule): () => void {
    const arm = (): (() => void) =>
      this.#paths.clock.after(exponential(meanMs, random), () => {
        const wire = [...this.#wires][Math.floor(random() * this.#wires.size)];
        this.#break((each) => each === wire, { code: 'unknown', text: 'the connection was lost' });
        disarm = arm();
      });
    let disarm = arm();
    return () => disarm();
  }

  /** Separates two DIDs: their connections end with `timeout` by the network at once, and dials between them find nobody. */
  cut(a: string, b: string): void {
    this.#faults.cut(a, b);
    this.#break((wire) => wire.joins(a, b), { code: 'timeout', text: 'the network is cut' });
  }

  /**
   * Ends the connections of a DID as the death of its process does over QUIC: its own ends are over, what they sent last is
   * lost, and the other ends hear nothing more of it until they give up. Its transport is left to be closed.
   */
  kill(did: string): void {
    for (const wire of [...this.#wires]) wire.kill(did);
  }

  /** `to` hears nothing of `from` any more; what `to` says still arrives. Nobody is told. */
  silence(from: string, to: string): void {
    this.#faults.silence(from, to);
    this.#update();
  }

  /**
   * Splits the network: DIDs of different groups hear nothing of each other, those of one group and those of none go on.
   * Nobody is told. Takes the place of an earlier partition.
   */
  partition(...groups: readonly (readonly string[])[]): void {
    this.#faults.partition(groups);
    this.#update();
  }

  /** Ends the cut and the silence between two DIDs; without arguments every fault there is, a partition among them. */
  heal(...pair: readonly [] | readonly [a: string, b: string]): void {
    const [a, b] = pair;
    if (a === undefined || b === undefined) this.#faults.healAll();
    else this.#faults.heal(a, b);
    this.#update();
  }

  #lay(from: Did, to: Did): MemoryWire | undefined {
    if (this.#faults.isCut(from, to)) return undefined;
    const paths = [this.#path(from, to), this.#path(to, from)] as const;
    const wire = new MemoryWire([from, to], paths, () => this.#wires.delete(wire));
    this.#wires.add(wire);
    wire.update((a, b) => this.reaches(a, b));
    return wire;
  }

  #path(from: Did, to: Did): MemoryPath {
    return new MemoryPath({ ...this.#paths, latencyMs: () => this.#latency(from, to) });
  }

  #break(isHit: (wire: MemoryWire) => boolean, reason: Omit<CloseReason, 'by'>): void {
    for (const wire of [...this.#wires]) if (isHit(wire)) wire.break({ ...reason, by: 'network' });
  }

  #update(): void {
    for (const wire of [...this.#wires]) wire.update((from, to) => this.reaches(from, to));
  }
}
