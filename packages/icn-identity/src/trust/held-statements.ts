import type { Did } from '../did.js';
import { compareAge, type TrustStatement } from './statement.js';

/** The statements that are held, one for each issuer and subject, by both. */
export class HeldStatements {
  readonly #byIssuer = new Map<Did, Map<Did, TrustStatement>>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get issuers(): Iterable<Did> {
    return this.#byIssuer.keys();
  }

  get(issuer: Did, subject: Did): TrustStatement | undefined {
    return this.#byIssuer.get(issuer)?.get(subject);
  }

  has(statement: TrustStatement): boolean {
    return this.get(statement.issuer, statement.subject) === statement;
  }

  countOf(issuer: Did): number {
    return this.#byIssuer.get(issuer)?.size ?? 0;
  }

  of(issuer: Did): readonly TrustStatement[] {
    return [...(this.#byIssuer.get(issuer)?.values() ?? [])];
  }

  oldestOf(issuer: Did): TrustStatement | undefined {
    return this.of(issuer).reduce<TrustStatement | undefined>(
      (oldest, one) => (oldest === undefined || compareAge(one, oldest) < 0 ? one : oldest),
      undefined,
    );
  }

  *[Symbol.iterator](): Generator<TrustStatement> {
    for (const statements of this.#byIssuer.values()) yield* statements.values();
  }

  /** In place of what was held of the same issuer and subject. */
  put(statement: TrustStatement): void {
    const { issuer, subject } = statement;
    let statements = this.#byIssuer.get(issuer);
    if (statements === undefined) {
      statements = new Map();
      this.#byIssuer.set(issuer, statements);
    }
    const countBefore = statements.size;
    statements.set(subject, statement);
    this.#count += statements.size - countBefore;
  }

  delete({ issuer, subject }: TrustStatement): void {
    const statements = this.#byIssuer.get(issuer);
    if (statements?.delete(subject) !== true) return;
    this.#count -= 1;
    if (statements.size === 0) this.#byIssuer.delete(issuer);
  }
}
