export {
  formatLine,
  lineCharsMax,
  StatementImport,
  type ImportReport,
  type LineFault,
} from './statement-lines.js';
export {
  lifetimeDaysMax,
  lifetimeMaxMs,
  openStatement,
  signStatement,
  type StatementContent,
  type StatementFault,
  type TrustStatement,
} from './statement.js';
export {
  defaultTrustLimits,
  TrustGraph,
  type TrustAdmission,
  type TrustedDid,
  type TrustExplanation,
  type TrustLimits,
  type TrustOutcome,
  type TrustStep,
} from './trust-graph.js';
export { formatScore, fullScore, parseScore, trustClassOf, type TrustClass } from './trust-score.js';
