import type { HostPort } from './native.js';

/** Where datagrams for a connection id are to go: the routing table of an endpoint, as one connection sees it. */
export interface ConnectionRoutes {
  add(key: string): void;
  remove(key: string): void;
}

/** The socket of one connection, and its place in the routing table. */
export interface DatagramLink extends ConnectionRoutes {
  readonly local: HostPort;
  /** Sends a datagram, which must not change any more; a failure is reported to the connection, or is a loss. */
  send(datagram: Buffer, to: HostPort): void;
}
