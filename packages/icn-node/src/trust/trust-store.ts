import { publicKeyFromDid } from '@icn/identity';
import type { TrustStatement } from '@icn/identity/trust';
import type { ClassicLevel } from 'classic-level';
import type { NodeError } from '../errors.js';
import { damaged, openLevel } from '../store/open-level.js';

/** What is to be kept, and what no more. */
export interface TrustWrite {
  readonly put: readonly TrustStatement[];
  readonly dropped: readonly TrustStatement[];
}

/** Keeps the statements of one network. */
export interface TrustStore {
  /** The envelopes that are kept, in no order. */
  all(): AsyncIterable<Uint8Array>;
  /** Durable when it resolves, all of it or nothing. */
  write(write: TrustWrite): Promise<void>;
  close(): Promise<void>;
}

const advice =
  'restore it from a backup; or move it away, import what was exported, and say again whom you trust';

/** Keeps nothing, for a node without a data directory. */
export const noTrustStore: TrustStore = {
  async *all() {},
  write: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

/**
 * Statements in a LevelDB, each write one synced batch. Keys: `<network> \0 <issuer> <subject>`, the public keys as
 * hexadecimal, so that a statement takes the place of the older one; values: envelopes as they came.
 */
export class LevelTrustStore implements TrustStore {
  readonly #db: ClassicLevel<string, Uint8Array>;
  readonly #network: string;

  private constructor(db: ClassicLevel<string, Uint8Array>, network: string) {
    this.#db = db;
    this.#network = network;
  }

  /** @throws NodeError `data-dir-locked`, `data-dir-unusable`, `store-corrupt`. */
  static async open(path: string, network: string): Promise<LevelTrustStore> {
    return new LevelTrustStore(await openLevel(path, advice), network);
  }

  all(): AsyncIterable<Uint8Array> {
    return this.#db.values({ gt: `${this.#network}\0`, lt: `${this.#network}\x01` });
  }

  async write({ put, dropped }: TrustWrite): Promise<void> {
    const batch = this.#db.batch();
    for (const statement of dropped) batch.del(this.#keyOf(statement));
    for (const statement of put) batch.put(this.#keyOf(statement), statement.bytes);
    await batch.write({ sync: true });
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  #keyOf({ issuer, subject }: TrustStatement): string {
    const [from, to] = [issuer, subject].map((did) => Buffer.from(publicKeyFromDid(did)).toString('hex'));
    return `${this.#network}\0${from}${to}`;
  }
}

/** The error of a store whose rows are not what was written. */
export function damagedTrust(path: string, cause: Error): NodeError {
  return damaged(path, cause, advice);
}
