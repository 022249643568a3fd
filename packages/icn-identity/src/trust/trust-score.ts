// The arithmetic of trust. Scores are whole thousandths from 0 to 1,000 and every step rounds down, so that all
// nodes which hold the same statements come to the same numbers: no float is on the wire, and none in between.

/** The score of a node for itself, and the most that anybody can be given: one, in thousandths. */
export const fullScore = 1_000;

/** Statements between this node and the last one of a path: beyond friends of friends of friends nobody is known. */
export const hopsMax = 3;

/**
 * What a statement of somebody else is worth beside one of my own, in tenths: 0.6 is the largest tenth with which
 * each hop costs a class at full scores. Whom I trust fully may make `partner` (0.6 < 0.7), whom these vouch for
 * ends as `known` (0.36 < 0.4), and `federated` is by my own word only.
 */
const decayTenths = 6;

/** How far somebody is trusted, in steps. */
export type TrustClass = 'isolated' | 'known' | 'partner' | 'federated';

/** From which score on each class begins, highest first. */
const classFrom: readonly (readonly [TrustClass, number])[] = [
  ['federated', 700],
  ['partner', 400],
  ['known', 100],
];

/** The class of a score in thousandths. */
export function trustClassOf(score: number): TrustClass {
  return classFrom.find(([, from]) => score >= from)?.[0] ?? 'isolated';
}

/** Whether a value is a score in thousandths. */
export function isScore(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= fullScore;
}

/**
 * What a statement is worth that somebody of score `issuerScore` makes: ⌊decay · issuerScore · said⌋. Less than
 * `issuerScore`, unless that is 0: the bound on what an attacker gains by making up followers.
 */
export function passOn(issuerScore: number, said: number): number {
  return Math.floor((decayTenths * issuerScore * said) / (10 * fullScore));
}

/** Writes thousandths as people read them: `0.85`, `1`, `0`. */
export function formatScore(score: number): string {
  return String(score / fullScore);
}

/** Reads what people write, 0 to 1 with at most three decimals, into thousandths; undefined for anything else. */
export function parseScore(text: string): number | undefined {
  const [, whole, decimals = ''] = /^([01])(?:\.(\d{1,3}))?$/.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const score = Number(whole) * fullScore + Number(decimals.padEnd(3, '0'));
  return isScore(score) ? score : undefined;
}
