import type { Did, KeyPair } from '@icn/identity';
import type { Address } from '../address.js';
import type { CloseCode } from '../protocol.js';
import type { ListenOptions, Transport } from '../transport.js';

/** What a node has to say about peers; every adapter takes it when a transport is made. */
export interface PeerPolicy {
  /** Asked about each peer once it is proven, before anybody gets the connection: a close code refuses it. */
  readonly admit?: (did: Did) => CloseCode | undefined;
}

/** What a suite needs to know of an adapter. */
export interface ConformanceFixture {
  /** A new transport for a key pair; all transports of one fixture can reach each other. The suite closes it. */
  createTransport(keyPair: KeyPair, policy: PeerPolicy): Transport | Promise<Transport>;
  /** Where to listen, with a port that is free or chosen by the adapter. */
  readonly listen: ListenOptions;
  /** A well-formed address at which nobody answers. */
  readonly nobody: Address;
  /** Within which everything that must happen happens, a dial to nobody included; give a small one to the adapter. Default 5,000. */
  readonly patienceMs?: number;
  /** What the adapter takes on one stream of which nothing is read. Default 16 MiB: no window that makes sense is larger. */
  readonly windowBytes?: number;
  /** What it takes in addition to what was read, where windows grow. Default `windowBytes`. */
  readonly windowBytesMax?: number;
  /** How many short streams are tried, 100 at a time. Default 1,000. */
  readonly shortStreamCount?: number;
}

/** One rule of the `Transport` port. `run` rejects with an `AssertionError` that says how it was broken. */
export interface ConformanceCase {
  readonly name: string;
  readonly run: (fixture: ConformanceFixture) => Promise<void>;
}
