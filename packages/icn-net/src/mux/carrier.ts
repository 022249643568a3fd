import type { Duplex } from 'node:stream';
import type { Did } from '@icn/identity';
import type { HostPort } from '../host-addresses.js';
import type { Refused } from '../peer-proof.js';
import type { ListenOptions } from '../transport.js';

/** A byte stream to a peer that has shown who it is; no byte after that was read. */
export interface Carried {
  /** Reliable and ordered; half-closes by `end()`. */
  readonly socket: Duplex;
  /** The DID whose key the peer has proven to hold, or why it has not. */
  readonly peer: Did | Refused;
  /** The name that the dialling side drew for this dial. */
  readonly dialName: string;
}

/** A bound socket. */
export interface CarrierSocket {
  readonly local: HostPort;
  /** Takes no more byte streams; those that it has given live on. Idempotent. */
  close(): Promise<void>;
}

/**
 * Gets byte streams from one process to another and proves, on each, both sides to each other. `createMuxTransport` makes
 * a whole transport of it; limits, admission, deadlines and counters are its matter. Whoever can change bytes between the
 * two ends must not be able to do so unnoticed: an adapter for a network encrypts.
 */
export interface Carrier {
  /** The scheme of its addresses. */
  readonly scheme: string;
  /** What must get through, for the message of a dial that nobody answers. */
  readonly protocol: string;
  /** The hosts to try for the host of an address, in turn. Default: itself alone. Throws NetError `dial-failed`. */
  resolve?(host: string): Promise<readonly string[]>;
  /** Binds, and hands over byte streams as they come in, before a byte is read. Throws NetError as `Transport.listen` does. */
  listen(at: ListenOptions, onInbound: (raw: Duplex, remote: HostPort) => void): Promise<CarrierSocket>;
  /**
   * Proves, for the side that was dialled. Rejects if there is no proof either way, where there is a name for why with a NetError
   * that has a `reason`. `raw` is destroyed when it takes too long.
   */
  accept(raw: Duplex): Promise<Carried>;
  /**
   * Opens a byte stream and proves, for the side that dials. Rejects, leaving nothing
   * open, if that fails or the signal comes, which it does not once this has resolved.
   */
  connect(remote: HostPort, dialName: string, signal: AbortSignal): Promise<Carried>;
}
