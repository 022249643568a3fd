import { join } from 'node:path';
import { parseDid, type Did, type KeyPair } from '@icn/identity';
import {
  formatLine,
  lifetimeDaysMax,
  openStatement,
  signStatement,
  StatementImport,
  TrustGraph,
  type ImportReport,
  type TrustClass,
  type TrustedDid,
  type TrustExplanation,
  type TrustStatement,
} from '@icn/identity/trust';
import { NodeError } from '../errors.js';
import { TRUST_CLASSES } from '../options.js';
import { damagedTrust, LevelTrustStore, noTrustStore, type TrustStore } from './trust-store.js';

const dayMs = 24 * 3_600_000;

/** For how long a statement counts unless somebody says otherwise: a year, so that what nobody thinks of fades. A guess. */
export const DEFAULT_DAYS = 365;

/** Lines of an import between two writes: few synced writes, and no more lost by a crash than this. A guess. */
const LINES_PER_WRITE = 1_000;

export interface TrustRecordOptions {
  readonly keyPair: KeyPair;
  readonly network: string;
  /** Where it is kept; without a folder it lives in memory. */
  readonly dataDir: string | undefined;
  /** The class of a peer of whom nothing better is known, unless this node says so itself. */
  readonly strangers: TrustClass;
}

/**
 * Whom this node trusts, and by whose word: the trust graph, what it signs itself, and all of it on disk. What a method
 * that changes it says is durable when it resolves; it throws NodeError `node-closed` after `close`, and `store-failed` where
 * what it said counts, but will be forgotten when the node ends.
 */
export class TrustRecord {
  readonly #keyPair: KeyPair;
  readonly #network: string;
  readonly #strangers: TrustClass;
  readonly #store: TrustStore;
  readonly #graph: TrustGraph;
  /** Writes one after another, in the order in which the graph changed. */
  #written: Promise<void> = Promise.resolve();
  #isClosed = false;

  private constructor({ keyPair, network, strangers }: TrustRecordOptions, store: TrustStore) {
    this.#keyPair = keyPair;
    this.#network = network;
    this.#strangers = strangers;
    this.#store = store;
    this.#graph = new TrustGraph(keyPair.did);
  }

  /** @throws NodeError `data-dir-locked`, `data-dir-unusable`, `store-corrupt`: nothing is taken for less than it was. */
  static async open(options: TrustRecordOptions): Promise<TrustRecord> {
    const { dataDir, network } = options;
    if (dataDir === undefined) return new TrustRecord(options, noTrustStore);
    const path = join(dataDir, 'trust');
    const store = await LevelTrustStore.open(path, network);
    const record = new TrustRecord(options, store);
    try {
      for await (const bytes of store.all()) record.#restore(bytes);
      return record;
    } catch (error) {
      await store.close();
      throw damagedTrust(path, error as Error);
    }
  }

  /**
   * How fast messages of a peer are taken: by this node's own statement where it has one; else by what others say of
   * it, and at least as one of a stranger, so that to be vouched for is never worse than to be unknown.
   */
  classOf(peer: Did): TrustClass {
    const nowMs = Date.now();
    const trustClass = this.#graph.classOf(peer, nowMs);
    if (peer === this.#graph.self || this.#graph.hasOwn(peer, nowMs)) return trustClass;
    return rankOf(trustClass) > rankOf(this.#strangers) ? trustClass : this.#strangers;
  }

  /**
   * Signs that this node trusts a DID so far, in thousandths, for so many days.
   *
   * @throws IdentityError `did-invalid`, `statement-invalid`; NodeError `own-did`, `request-refused`.
   */
  async set(subject: Did, score: number, days: number = DEFAULT_DAYS): Promise<TrustStatement> {
    if (!Number.isInteger(days) || days < 1 || days > lifetimeDaysMax)
      throw new NodeError('request-refused', `a statement counts for 1 to ${lifetimeDaysMax} whole days`);
    return this.#say(subject, score, Date.now() + days * dayMs);
  }

  /**
   * Takes back what this node said of a DID, so that what others say counts again.
   *
   * @throws IdentityError `did-invalid`; NodeError `own-did`, `request-refused` where it says nothing.
   */
  async revoke(subject: Did): Promise<TrustStatement> {
    const held = this.#graph.statement(this.#graph.self, parseDid(subject));
    if (held === undefined || held.score === null)
      throw new NodeError('request-refused', `this node says nothing of ${subject} that could be taken back`);
    return this.#say(subject, null, null);
  }

  /** Everybody with a score, and everybody of whom this node says something; the most trusted first. */
  trusted(): readonly TrustedDid[] {
    return this.#graph.trusted(Date.now());
  }

  /** @throws IdentityError `did-invalid`. */
  explain(did: Did): TrustExplanation {
    return this.#graph.explain(parseDid(did), Date.now());
  }

  /** What is held, a line each, in one order for one set; with `own`, what this node said itself. */
  exportLines(own = false): readonly string[] {
    const statements = own ? this.#graph.statementsOf(this.#graph.self) : this.#graph.statements();
    return Array.from(statements, formatLine).sort();
  }

  /** Takes lines that `exportLines` or anybody else wrote: what is good stays, also where the input breaks off. */
  async import(lines: AsyncIterable<string>): Promise<ImportReport> {
    this.#assertOpen();
    const reader = new StatementImport(this.#graph, this.#network);
    let put: TrustStatement[] = [];
    let dropped: TrustStatement[] = [];
    const write = (): Promise<void> => {
      const changes = { put, dropped };
      [put, dropped] = [[], []];
      return this.#write(changes.put, changes.dropped);
    };
    try {
      for await (const line of lines) {
        const taken = reader.take(line, Date.now());
        if (taken === undefined) continue;
        put.push(taken.statement);
        dropped.push(...taken.dropped);
        if (put.length + dropped.length >= LINES_PER_WRITE) await write();
      }
    } finally {
      await write();
    }
    return reader.report;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#written.catch(() => undefined);
    await this.#store.close();
  }

  async #say(subject: Did, score: number | null, expiresMs: number | null): Promise<TrustStatement> {
    this.#assertOpen();
    const { self } = this.#graph;
    if (parseDid(subject) === self)
      throw new NodeError('own-did', `${subject} is this very node, which trusts itself anyway`);
    const timestampMs = Date.now();
    const content = { network: this.#network, subject, score, expiresMs, timestampMs };
    const statement = signStatement(this.#keyPair, { ...content, sequence: this.#nextSequence(timestampMs) });
    const { outcome, dropped } = this.#graph.add(statement, timestampMs);
    if (outcome === 'full')
      throw new NodeError('request-refused', 'this node has said as much of others as it can keep');
    await this.#write([statement], dropped);
    return statement;
  }

  /** By the clock, so that who lost the data directory, but not the key, does not begin below what others hold. */
  #nextSequence(nowMs: number): number {
    const own = this.#graph.statementsOf(this.#graph.self);
    return own.reduce((highest, { sequence }) => Math.max(highest, sequence), nowMs) + 1;
  }

  /** What was put and dropped in between is not kept: the graph says what is. */
  #write(put: readonly TrustStatement[], dropped: readonly TrustStatement[]): Promise<void> {
    const isHeld = (one: TrustStatement) => this.#graph.statement(one.issuer, one.subject) === one;
    const isGone = (one: TrustStatement) => this.#graph.statement(one.issuer, one.subject) === undefined;
    const changes = { put: put.filter(isHeld), dropped: dropped.filter(isGone) };
    const writing = this.#written.catch(() => undefined).then(() => this.#store.write(changes));
    this.#written = writing.catch((cause: Error) => {
      throw new NodeError('store-failed', `cannot keep what changed of trust: ${cause.message}`, { cause });
    });
    return this.#written;
  }

  #assertOpen(): void {
    if (this.#isClosed)
      throw new NodeError('node-closed', 'the node is closed: open it again to change trust');
  }

  #restore(bytes: Uint8Array): void {
    const statement = openStatement(bytes, this.#network);
    if (typeof statement === 'string') throw new Error(`a statement is ${statement}`);
    this.#graph.add(statement, Date.now());
  }
}

function rankOf(trustClass: TrustClass): number {
  return TRUST_CLASSES.indexOf(trustClass);
}
