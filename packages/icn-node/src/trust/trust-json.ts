import {
  formatScore,
  type ImportReport,
  type TrustClass,
  type TrustedDid,
  type TrustExplanation,
  type TrustStatement,
} from '@icn/identity/trust';

/** The forms in which the CLI and the control socket speak of trust: scores from 0 to 1, as people write them. */

export interface StatementJson {
  readonly issuer: string;
  readonly subject: string;
  /** Null: taken back. */
  readonly score: number | null;
  readonly expiresMs: number | null;
  readonly sequence: number;
}

export interface TrustedJson {
  readonly did: string;
  readonly score: number;
  readonly class: TrustClass;
  /** Whether the score is what this node said itself. */
  readonly own: boolean;
}

export interface ExplanationJson {
  readonly did: string;
  readonly score: number;
  readonly class: TrustClass;
  readonly basis: TrustExplanation['basis'];
  readonly path: readonly {
    readonly issuer: string;
    readonly subject: string;
    /** What the issuer said. */
    readonly said: number;
    /** What is left after it. */
    readonly score: number;
    readonly expiresMs: number;
  }[];
  readonly vouchers: number;
  /** The class by which its messages are taken, what the node thinks of strangers included. */
  readonly ratedAs: TrustClass;
}

export type ImportJson = ImportReport;

export function statementJson({ issuer, subject, score, ...said }: TrustStatement): StatementJson {
  const { expiresMs, sequence } = said;
  return { issuer, subject, score: score === null ? null : shown(score), expiresMs, sequence };
}

export function trustedJson({ did, score, trustClass, isOwn }: TrustedDid): TrustedJson {
  return { did, score: shown(score), class: trustClass, own: isOwn };
}

export function explanationJson(explanation: TrustExplanation, ratedAs: TrustClass): ExplanationJson {
  const { did, score, trustClass, basis, path, voucherCount } = explanation;
  const steps = path.map((step) => ({ ...step, said: shown(step.said), score: shown(step.score) }));
  return {
    did,
    score: shown(score),
    class: trustClass,
    basis,
    path: steps,
    vouchers: voucherCount,
    ratedAs,
  };
}

const shown = (score: number): number => Number(formatScore(score));
