import type { Did } from '../did.js';
import { ExpiryQueue } from './expiry-queue.js';
import { HeldStatements } from './held-statements.js';
import { ScoreLayers, type Hop } from './score-layers.js';
import { compareAge, type TrustStatement } from './statement.js';
import { trustClassOf, type TrustClass } from './trust-score.js';

export interface TrustLimits {
  /** Statements in all. */
  readonly statementsMax: number;
  /** Statements of one issuer other than this node. */
  readonly statementsPerIssuerMax: number;
}

/**
 * In all: what was measured for memory and updates, `pnpm bench trust`. Of one issuer: a hundred such fill a graph,
 * and nobody knows a thousand others well. Guesses both.
 */
export const defaultTrustLimits: TrustLimits = { statementsMax: 100_000, statementsPerIssuerMax: 1_000 };

/** When the graph is full, so much of it is freed at once: sorting issuers for each single statement would be slow. */
const freedShare = 0.01;

/**
 * What became of a statement:
 *
 * - `added`: the first of this issuer about this subject. `renewed`: in place of an older one.
 * - `known`: this very one is held. `outdated`: a newer one is held.
 * - `issuer-full`: the issuer has as many as he may, all newer. `full`: nobody less trusted can give way to it.
 */
export type TrustOutcome = 'added' | 'renewed' | 'known' | 'outdated' | 'issuer-full' | 'full';

export interface TrustAdmission {
  readonly outcome: TrustOutcome;
  /** What had to give way, and is held no more; not what the statement itself replaces. */
  readonly dropped: readonly TrustStatement[];
}

/** How somebody came by a score. All scores in thousandths. */
export interface TrustExplanation {
  readonly did: Did;
  readonly score: number;
  readonly trustClass: TrustClass;
  /** `self`: it is this node. `own`: its own statement, which stands. `path`: what others say. `none`: no path. */
  readonly basis: 'self' | 'own' | 'path' | 'none';
  /** The statements that make the score, from this node on. */
  readonly path: readonly TrustStep[];
  /** How many say something of it that has not ended, reached by this node or not. */
  readonly voucherCount: number;
}

export interface TrustStep extends Hop {
  /** When the statement ends. */
  readonly expiresMs: number;
}

interface Ending {
  readonly expiresMs: number;
  readonly statement: TrustStatement;
}

export interface TrustedDid {
  readonly did: Did;
  readonly score: number;
  readonly trustClass: TrustClass;
  /** Whether the score is this node's own statement. */
  readonly isOwn: boolean;
}

/**
 * How far this node trusts anybody, by what it says itself and by what those say whom it trusts: docs/protocol/trust.md.
 *
 * A machine without clock: each call names the time. Invariants:
 *
 * 1. Scores are a function of the set of statements given and of the time, never of the order in which they came, as
 *    long as the graph was never full.
 * 2. A statement that was taken back or has ended is kept, so that an older one cannot come back.
 * 3. No more is held than the limits say; statements of this node are never dropped.
 */
export class TrustGraph {
  readonly self: Did;
  readonly #limits: TrustLimits;
  readonly #held = new HeldStatements();
  #layers: ScoreLayers;
  #endings = new ExpiryQueue<Ending>();
  #nowMs = 0;
  /** The latest end of a statement that counts no more: time that goes back behind it begins anew. */
  #lastEndMs = 0;
  /** The least score that an issuer has, until something changes. */
  #leastScore: number | undefined;

  constructor(self: Did, limits: Partial<TrustLimits> = {}) {
    this.self = self;
    this.#limits = { ...defaultTrustLimits, ...limits };
    this.#layers = new ScoreLayers(self);
  }

  /** How many statements are held, those included that were taken back or have ended. */
  get statementCount(): number {
    return this.#held.count;
  }

  /** All that is held, in no order. */
  statements(): Iterable<TrustStatement> {
    return this.#held;
  }

  /** What an issuer says of a subject, as the newest statement has it, which may be taken back or have ended. */
  statement(issuer: Did, subject: Did): TrustStatement | undefined {
    return this.#held.get(issuer, subject);
  }

  statementsOf(issuer: Did): readonly TrustStatement[] {
    return this.#held.of(issuer);
  }

  /** Takes a statement whose signature was checked. Scores are brought up to date by the next question. */
  add(statement: TrustStatement, nowMs: number): TrustAdmission {
    this.#moveTo(nowMs);
    const held = this.#held.get(statement.issuer, statement.subject);
    const age = held === undefined ? 1 : compareAge(statement, held);
    if (age <= 0) return { outcome: age === 0 ? 'known' : 'outdated', dropped: [] };
    const dropped = held === undefined ? this.#makeRoom(statement) : [];
    if (typeof dropped === 'string') return { outcome: dropped, dropped: [] };
    for (const one of dropped) this.#drop(one);
    this.#held.put(statement);
    this.#count(statement);
    this.#compactEndings();
    return { outcome: held === undefined ? 'added' : 'renewed', dropped };
  }

  /** In thousandths. */
  scoreOf(did: Did, nowMs: number): number {
    this.#moveTo(nowMs);
    return this.#layers.scoreOf(did);
  }

  classOf(did: Did, nowMs: number): TrustClass {
    return trustClassOf(this.scoreOf(did, nowMs));
  }

  /** Whether this node has a statement of a DID that counts at that time. */
  hasOwn(did: Did, nowMs: number): boolean {
    this.#moveTo(nowMs);
    return this.#layers.hasOwn(did);
  }

  explain(did: Did, nowMs: number): TrustExplanation {
    const score = this.scoreOf(did, nowMs);
    const path = this.#layers.pathTo(did).map((hop): TrustStep => {
      return { ...hop, expiresMs: this.#held.get(hop.issuer, hop.subject)?.expiresMs ?? 0 };
    });
    const basis =
      did === this.self ? 'self' : path.length === 0 ? 'none' : path.length === 1 ? 'own' : 'path';
    const voucherCount = this.#layers.voucherCount(did);
    return { did, score, trustClass: trustClassOf(score), basis, path, voucherCount };
  }

  /** Everybody with a score above 0, or a statement of this node, this node left out; the most trusted first. */
  trusted(nowMs: number): readonly TrustedDid[] {
    this.#moveTo(nowMs);
    const all = [...this.#layers.all()].filter(({ did }) => did !== this.self);
    return all
      .map(({ did, score, isOwn }) => ({ did, score, trustClass: trustClassOf(score), isOwn }))
      .sort((a, b) => b.score - a.score || (a.did < b.did ? -1 : 1));
  }

  /** When a score may next change by itself because a statement ends; undefined: not before another one is added. */
  nextChangeMs(nowMs: number): number | undefined {
    this.#moveTo(nowMs);
    for (let first = this.#endings.first; first !== undefined; first = this.#endings.first) {
      if (this.#held.has(first.statement)) return first.expiresMs;
      this.#endings.takeFirst();
    }
    return undefined;
  }

  /** What gives way to the first statement of an issuer about somebody, or why nothing does. */
  #makeRoom(statement: TrustStatement): readonly TrustStatement[] | 'issuer-full' | 'full' {
    const { issuer } = statement;
    const { statementsMax, statementsPerIssuerMax } = this.#limits;
    if (issuer !== this.self && this.#held.countOf(issuer) >= statementsPerIssuerMax) {
      const oldest = this.#held.oldestOf(issuer);
      return oldest !== undefined && compareAge(oldest, statement) < 0 ? [oldest] : 'issuer-full';
    }
    if (this.#held.count < statementsMax) return [];
    const given = this.#lessTrusted(issuer, Math.ceil(statementsMax * freedShare));
    return given.length > 0 ? given : 'full';
  }

  /** About `count` statements of those issuers that have the least score, all below that of `issuer`. */
  #lessTrusted(issuer: Did, count: number): readonly TrustStatement[] {
    const isOwn = issuer === this.self;
    const worth = this.#layers.scoreOf(issuer);
    if (!isOwn && worth <= this.#least()) return [];
    const issuers = [...this.#held.issuers]
      .filter((other) => other !== this.self)
      .map((other) => ({ other, score: this.#layers.scoreOf(other), said: this.#held.countOf(other) }))
      .filter(({ score }) => isOwn || score < worth)
      .sort((a, b) => a.score - b.score || b.said - a.said || (a.other < b.other ? -1 : 1));
    const given: TrustStatement[] = [];
    for (const { other } of issuers) {
      if (given.length >= count) break;
      given.push(...this.#held.of(other));
    }
    return given;
  }

  #least(): number {
    if (this.#leastScore === undefined) {
      this.#leastScore = Infinity;
      for (const issuer of this.#held.issuers)
        this.#leastScore = Math.min(this.#leastScore, this.#layers.scoreOf(issuer));
    }
    return this.#leastScore;
  }

  #drop(statement: TrustStatement): void {
    this.#held.delete(statement);
    this.#say(statement, undefined);
  }

  /** Has a statement that is held count, unless it is taken back or has ended. */
  #count(statement: TrustStatement): void {
    const { score, expiresMs } = statement;
    const hasEnded = expiresMs !== null && expiresMs <= this.#nowMs;
    if (hasEnded) this.#lastEndMs = Math.max(this.#lastEndMs, expiresMs);
    const counts = score !== null && expiresMs !== null && !hasEnded;
    this.#say(statement, counts ? score : undefined);
    if (counts) this.#endings.add({ expiresMs, statement });
  }

  #say({ issuer, subject }: TrustStatement, said: number | undefined): void {
    this.#layers.say(issuer, subject, said);
    this.#leastScore = undefined;
  }

  #moveTo(nowMs: number): void {
    if (nowMs < this.#lastEndMs) return this.#beginAnew(nowMs);
    this.#nowMs = nowMs;
    for (let first = this.#endings.first; first !== undefined; first = this.#endings.first) {
      if (first.expiresMs > nowMs) return;
      this.#endings.takeFirst();
      if (!this.#held.has(first.statement)) continue;
      this.#lastEndMs = first.expiresMs;
      this.#say(first.statement, undefined);
    }
  }

  /** A clock was set back: what had ended may count again. */
  #beginAnew(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#lastEndMs = 0;
    this.#layers = new ScoreLayers(this.self);
    this.#endings = new ExpiryQueue();
    for (const statement of this.#held) this.#count(statement);
  }

  /** Statements that were replaced stay in the queue until their end; no more of them than of the others. */
  #compactEndings(): void {
    if (this.#endings.size <= 2 * this.#held.count) return;
    const all = new ExpiryQueue<Ending>();
    for (let first = this.#endings.takeFirst(); first !== undefined; first = this.#endings.takeFirst())
      if (this.#held.has(first.statement)) all.add(first);
    this.#endings = all;
  }
}
