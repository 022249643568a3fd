import type { KeyPair } from '@icn/identity';
import type { Address } from '../address.js';
import type { ListenOptions, Transport } from '../transport.js';

/** What a suite needs to know of an adapter. */
export interface ConformanceFixture {
  /** A new transport for a key pair; all transports of one fixture can reach each other. The suite closes it. */
  createTransport(keyPair: KeyPair): Transport | Promise<Transport>;
  /** Where to listen, with a port that is free or chosen by the adapter. */
  readonly listen: ListenOptions;
  /** A well-formed address at which nobody answers. */
  readonly nobody: Address;
  /** Within which everything that must happen happens, a dial to nobody included; give a small one to the adapter. Default 5,000. */
  readonly patienceMs?: number;
}

/** One rule of the `Transport` port. `run` rejects with an `AssertionError` that says how it was broken. */
export interface ConformanceCase {
  readonly name: string;
  readonly run: (fixture: ConformanceFixture) => Promise<void>;
}
